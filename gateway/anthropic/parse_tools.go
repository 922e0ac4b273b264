package anthropic

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

func (p *parser) tools() error {
	kind := p.Kind()
	is, err := p.Array(func(i int) error {
		if i == MaxTools {
			return refuse("tools", "tools has more than %d elements", MaxTools)
		}
		p.tool = i
		defer func() { p.tool = -1 }()
		return p.readTool()
	})
	if err == nil && !is && kind != 'n' {
		err = refuse("tools", "tools is an array")
	}
	return err
}

// readTool reads one function. Tools that the vendor runs by itself have a type.
func (p *parser) readTool() error {
	var t chat.Tool
	var kind string
	is, err := p.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			return p.may("type", &kind)
		case "name":
			return p.need("name", &t.Name)
		case "description":
			return p.may("description", &t.Description)
		case "input_schema":
			raw, _, err := p.Value()
			t.Parameters = slices.Clone(raw)
			return err
		case "strict":
			is, there, err := p.boolean("tools.strict")
			if there {
				t.Strict = &is
			}
			return err
		case "cache_control":
			t.CacheTTL, err = p.cacheControl()
			return err
		}
		return p.unknown("tools.", name, "type", "name", "description", "input_schema", "strict", "cache_control")
	})
	switch {
	case err != nil:
		return err
	case !is:
		return refuse("tools", "a tool is an object")
	case kind != "" && kind != "custom":
		return chat.Unsupported(p.path("type"), "tools that one vendor runs by itself are known to that vendor only")
	case t.Name == "":
		return refuse(p.path("name"), "a tool has a name")
	case t.Parameters.Kind() != '{':
		return refuse(p.path("input_schema"), "input_schema is a JSON schema")
	}
	p.request.Tools = append(p.request.Tools, t)
	return nil
}

func (p *parser) toolChoice() error {
	const param = "tool_choice"
	var kind, tool string
	there := p.Kind() != 'n'
	err := p.members(param, func(name []byte) error {
		switch string(name) {
		case "type":
			return p.need("tool_choice.type", &kind)
		case "name":
			return p.may("tool_choice.name", &tool)
		case "disable_parallel_tool_use":
			is, there, err := p.boolean("tool_choice.disable_parallel_tool_use")
			if there {
				parallel := !is
				p.request.ParallelTools = &parallel
			}
			return err
		}
		return p.unknown("tool_choice.", name, "type", "name", "disable_parallel_tool_use")
	})
	if err != nil || !there {
		return err
	}
	c := &p.request.ToolChoice
	switch kind {
	case "auto":
		c.Mode = chat.ToolsAuto
	case "any":
		c.Mode = chat.ToolsAny
	case "none":
		c.Mode = chat.ToolsNone
	case "tool":
		if tool == "" {
			return refuse("tool_choice.name", "tool_choice.name is required for the type tool")
		}
		c.Mode, c.Name = chat.ToolsOne, tool
	default:
		return refuse("tool_choice.type", "tool_choice.type is auto, any, tool or none")
	}
	return nil
}
