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
				err = p.Cannot("only functions can be used as tools")
			}
		case "function":
			err = p.Object(func(name []byte) error { return p.Function(&t, "tools.function", name) })
		case "cache_control":
			t.CacheTTL, err = p.cacheControl()
		default:
			err = p.Inner("tools", name)
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
	p.Request.Tools = append(p.Request.Tools, t)
	return nil
}

// toolChoice is a word or {"type": "function", "function": {"name": …}}.
func (p *parser) toolChoice() error {
	return p.ToolChoice(func(name []byte) error {
		if string(name) != "function" {
			return p.Skip() // its type decides
		}
		return p.Object(func(name []byte) (err error) {
			if string(name) != "name" {
				return p.Inner("tool_choice.function", name)
			}
			p.Request.ToolChoice.Name, err = p.String()
			return err
		})
	})
}

// format reads response_format.
func (p *parser) format(name []byte) error {
	field := string(name)
	kind := ""
	err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = p.String()
		case "json_schema":
			err = p.Object(func(name []byte) error { return p.Schema("response_format.json_schema", name) })
		default:
			err = p.Inner(field, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.Formed(kind, field, field)
}
