package gemini

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// tool reads one member of a tool. Tools that run at the vendor cannot be left out.
func (q *incoming) tool(name string) error {
	if name == "functionDeclarations" {
		return q.list(func(int) error { return q.declaration() })
	}
	if q.Kind() == 'n' {
		return q.Skip()
	}
	if err := q.Skip(); err != nil {
		return err
	}
	return chat.Unsupported(q.here(), "its vendor has no such tool")
}

func (q *incoming) declaration() error {
	if len(q.Tools) == MaxTools {
		return q.refuse("is one too many: there are at most " + strconv.Itoa(MaxTools) + " functions")
	}
	var t chat.Tool
	err := q.fields(func(name string) (err error) {
		switch name {
		case "name":
			t.Name, err = q.string()
		case "description":
			t.Description, err = q.string()
		case "parameters", "parametersJsonSchema":
			if t.Parameters != nil && q.Kind() != 'n' {
				return q.refuse("is a second schema beside parameters")
			}
			var v jsontext.Value
			if v, err = q.schema(name == "parameters"); v != nil {
				t.Parameters = v
			}
		default:
			if q.Kind() == 'n' {
				return q.Skip()
			}
			err = q.leaveOut() // behavior, response: how results come
		}
		return err
	})
	if err == nil && t.Name == "" {
		err = q.refuse("has no name")
	}
	q.Tools = append(q.Tools, t)
	return err
}

// schema reads a JSON Schema, or one of OpenAPI's kind, which becomes a JSON Schema; nil for null.
func (q *incoming) schema(openAPI bool) (jsontext.Value, error) {
	v, err := q.structure()
	if err != nil || v == nil || !openAPI {
		return v, err
	}
	out, err := q.converter.schema(nil, v, 0)
	if err != nil {
		return nil, q.refuse(err.Error())
	}
	return out, nil
}

func (q *incoming) toolConfig(name string) error {
	if name == "functionCallingConfig" {
		return q.fields(q.functionCalling)
	}
	if q.Kind() == 'n' {
		return q.Skip()
	}
	return q.leaveOut()
}

func (q *incoming) functionCalling(name string) error {
	switch name {
	case "mode":
		mode, err := q.string()
		if err != nil {
			return err
		}
		switch mode {
		case "", "MODE_UNSPECIFIED":
		case modeAuto:
			q.ToolChoice.Mode = chat.ToolsAuto
		case modeNone:
			q.ToolChoice.Mode = chat.ToolsNone
		case modeAny:
			q.ToolChoice.Mode = chat.ToolsAny
		case modeValidated:
			q.ToolChoice.Mode, q.strict = chat.ToolsAuto, true
		default:
			return q.refuse("is AUTO, ANY, NONE or VALIDATED")
		}
		return nil
	case "allowedFunctionNames":
		names, err := q.strings(MaxTools)
		q.allowed = names
		return err
	}
	return q.leaveOut()
}

// choose holds the functions that may be called against those that there are.
func (q *incoming) choose() error {
	if q.strict {
		is := true
		for i := range q.Tools {
			q.Tools[i].Strict = &is
		}
	}
	allowed := map[string]bool{}
	for _, name := range q.allowed {
		allowed[name] = true
	}
	all := true
	for i := range q.Tools {
		all = all && allowed[q.Tools[i].Name]
		delete(allowed, q.Tools[i].Name)
	}
	q.path = []string{"toolConfig", "functionCallingConfig", "allowedFunctionNames"}
	switch {
	case len(allowed) > 0:
		return q.refuse("names a function that is not declared")
	case len(q.allowed) == 0:
	case len(q.allowed) == 1 && q.ToolChoice.Mode == chat.ToolsAny:
		q.ToolChoice = chat.ToolChoice{Mode: chat.ToolsOne, Name: q.allowed[0]}
	case !all:
		return q.note() // one or all is what others can be told
	}
	return nil
}
