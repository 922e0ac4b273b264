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
				err = p.Cannot("only functions can be used as tools")
			}
		default:
			err = p.Function(&t, "tools", name)
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
	p.Request.Tools = append(p.Request.Tools, t)
	return nil
}

// toolChoice is a word or {"type": "function", "name": …}.
func (p *parser) toolChoice() error {
	return p.ToolChoice(func(name []byte) (err error) {
		if string(name) != "name" {
			return p.Skip() // its type decides
		}
		p.Request.ToolChoice.Name, err = p.String()
		return err
	})
}

// text reads the form of the answer's text.
func (p *parser) text(name []byte) error {
	switch string(name) {
	case "format":
		return p.format()
	case "verbosity":
		verbosity, err := p.String()
		if verbosity != "" && verbosity != "medium" {
			p.Unsupported("text.verbosity")
		}
		return err
	}
	return p.Inner("text", name)
}

func (p *parser) format() error {
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		if string(name) == "type" {
			kind, err = p.String()
			return err
		}
		return p.Schema("text.format", name)
	})
	if err != nil {
		return err
	}
	return p.Formed(kind, "text.format", "format")
}

// reasoning reads effort and summary, and OpenRouter's max_tokens and enabled.
func (p *parser) reasoning() error {
	r := &p.Request.Reasoning
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
		case "exclude":
			exclude, readErr := p.Bool()
			if err = readErr; exclude != nil {
				show := !*exclude
				r.Show = &show
			}
		case "context": // which earlier thoughts a vendor reads again
			err = p.Skip()
		default:
			err = p.Inner("reasoning", name)
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
