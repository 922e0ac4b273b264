package openai

import (
	"github.com/massrouter/massrouter/gateway/chat"
)

// tool reads a tool. Only functions have a place: the tools that a vendor or a gateway runs by itself are refused.
func (p *parser) tool(int) error {
	var t chat.Tool
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			if kind, err = p.String(); err == nil && kind != "function" {
				err = p.cannot("only functions can be used as tools")
			}
		case "function":
			err = p.Object(func(name []byte) error { return p.function(&t, name) })
		case "cache_control":
			t.CacheTTL, err = p.cacheControl()
		default:
			err = p.inner("tools", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind == "":
		return p.Refuse("a tool needs a type")
	case t.Name == "":
		return p.Refuse("a tool's function needs a name")
	}
	p.request.Tools = append(p.request.Tools, t)
	return nil
}

func (p *parser) function(t *chat.Tool, name []byte) (err error) {
	switch string(name) {
	case "name":
		t.Name, err = p.String()
	case "description":
		t.Description, err = p.String()
	case "parameters":
		if t.Parameters, err = p.Raw(); err == nil && t.Parameters != nil && t.Parameters.Kind() != '{' {
			err = p.Refuse("the parameters of a function are a JSON Schema, which is an object")
		}
	case "strict":
		t.Strict, err = p.Bool()
	default:
		err = p.inner("tools.function", name)
	}
	return err
}

// toolChoice is a word or {"type": "function", "function": {"name": …}}.
func (p *parser) toolChoice() error {
	r := p.request
	if p.Kind() != '{' {
		word, err := p.String()
		if err != nil {
			return err
		}
		var ok bool
		if r.ToolChoice.Mode, ok = toolMode(word); !ok {
			return p.Refuse("tool_choice is auto, none, required or a function")
		}
		return nil
	}
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "function":
			err = p.Object(func(name []byte) (err error) {
				if string(name) != "name" {
					return p.inner("tool_choice.function", name)
				}
				r.ToolChoice.Name, err = p.String()
				return err
			})
		default:
			err = p.Skip() // its type decides
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind != "function":
		return p.cannot("it is auto, none, required or a function")
	case r.ToolChoice.Name == "":
		return p.Refuse("the function of tool_choice needs a name")
	}
	r.ToolChoice.Mode = chat.ToolsOne
	return nil
}

// toolMode is the mode of a word; no word is none.
func toolMode(word string) (chat.ToolMode, bool) {
	switch word {
	case "":
		return "", true
	case "auto":
		return chat.ToolsAuto, true
	case "none":
		return chat.ToolsNone, true
	case "required":
		return chat.ToolsAny, true
	}
	return "", false
}

// format reads response_format.
func (p *parser) format(name []byte) error {
	field := string(name)
	f := &p.request.Format
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "json_schema":
			err = p.Object(func(name []byte) error { return p.schema(name) })
		default:
			err = p.inner(field, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch f.Kind = chat.FormatKind(kind); f.Kind {
	case "", chat.PlainText, chat.JSONObject:
		*f = chat.Format{Kind: f.Kind}
	case chat.JSONSchema:
		if f.Schema == nil {
			return p.Refuse("a %s of type json_schema needs its schema", field)
		}
	default:
		*f = chat.Format{}
		p.unsupported(field)
	}
	return nil
}

func (p *parser) schema(name []byte) (err error) {
	f := &p.request.Format
	switch string(name) {
	case "name":
		f.Name, err = p.String()
	case "description":
		f.Description, err = p.String()
	case "schema":
		if f.Schema, err = p.Raw(); err == nil && f.Schema != nil && f.Schema.Kind() != '{' {
			err = p.Refuse("the schema is an object")
		}
	case "strict":
		f.Strict, err = p.Bool()
	default:
		err = p.inner("response_format.json_schema", name)
	}
	return err
}
