package responses

import (
	"slices"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai"
)

// tool reads a tool. Only functions have a place: the tools that a vendor runs by itself are refused.
func (p *parser) tool(int) error {
	var t chat.Tool
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			if kind, err = p.String(); err == nil && kind != "function" {
				err = p.cannot("only functions can be used as tools")
			}
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
		return p.Refuse("a function needs a name")
	}
	p.request.Tools = append(p.request.Tools, t)
	return nil
}

// toolChoice is a word or {"type": "function", "name": …}.
func (p *parser) toolChoice() error {
	c := &p.request.ToolChoice
	if p.Kind() != '{' {
		word, err := p.String()
		if err != nil {
			return err
		}
		switch word {
		case "":
		case "auto":
			c.Mode = chat.ToolsAuto
		case "none":
			c.Mode = chat.ToolsNone
		case "required":
			c.Mode = chat.ToolsAny
		default:
			return p.Refuse("tool_choice is auto, none, required or a function")
		}
		return nil
	}
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "name":
			c.Name, err = p.String()
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
	case c.Name == "":
		return p.Refuse("the function of tool_choice needs a name")
	}
	c.Mode = chat.ToolsOne
	return nil
}

// text reads the form of the answer's text.
func (p *parser) text(name []byte) error {
	switch string(name) {
	case "format":
		return p.format()
	case "verbosity":
		verbosity, err := p.String()
		if verbosity != "" && verbosity != "medium" {
			p.unsupported("text.verbosity")
		}
		return err
	}
	return p.inner("text", name)
}

func (p *parser) format() error {
	f := &p.request.Format
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
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
			err = p.inner("text.format", name)
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
			return p.Refuse("a format of type json_schema needs its schema")
		}
	default:
		*f = chat.Format{}
		p.unsupported("text.format")
	}
	return nil
}

// reasoning reads effort and summary, and OpenRouter's max_tokens and enabled.
func (p *parser) reasoning() error {
	r := &p.request.Reasoning
	effort, budget, budgeted, enabled := "", int64(0), false, (*bool)(nil)
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "effort":
			if effort, err = p.String(); err == nil && effort != "" && !slices.Contains(openai.Efforts(), effort) {
				err = p.Refuse("reasoning.effort is one of %s", strings.Join(openai.Efforts(), ", "))
			}
		case "max_tokens":
			budget, budgeted, err = p.Whole(0, openai.MaxCap)
		case "enabled":
			enabled, err = p.Bool()
		case "summary", "generate_summary":
			summary, readErr := p.String()
			if err = readErr; summary != "" {
				show := true
				r.Show = &show
			}
		case "context": // which earlier thoughts a vendor reads again
			err = p.Skip()
		default:
			err = p.inner("reasoning", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case effort != "" && budgeted:
		return p.Refuse("reasoning.effort and reasoning.max_tokens exclude each other")
	case enabled != nil && !*enabled, effort == "none", budgeted && budget == 0:
		r.Off = true
	case effort != "":
		r.Effort = effort
	case budgeted:
		r.Budget = budget
	default:
		p.enabled = enabled != nil
	}
	return nil
}
