package sim

import (
	"slices"
	"strconv"
	"strings"
)

// tools reads the tools that may be called, and counts the list's bytes. Tools that the vendor runs itself are taken as they
// are: nothing calls them here.
func (a *anthropicReader) tools() error {
	p, q := a.p, a.q
	q.tools = q.tools[:0]
	start := p.dec.InputOffset()
	n, err := p.items(func(int) error { return a.tool() })
	if err != nil {
		return err
	}
	if n > 0 {
		q.toolPrompt = wordTokens(p.dec.InputOffset() - start)
	}
	if len(q.tools) > 1 && len(set(q.tools)) < len(q.tools) {
		return invalid(codeValue, "tools", "tools: Tool names must be unique.")
	}
	return nil
}

func (a *anthropicReader) tool() error {
	p := a.p
	name, kind, other, schema, typed := "", "custom", "", false, false
	err := p.members(func(member []byte) error {
		switch string(member) {
		case "name":
			text, err := p.word()
			if name = string(text); err == nil && !callableIn(name, 128) {
				return p.bad("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
			}
			return err
		case "type":
			if isNull, err := p.null(); isNull || err != nil {
				return err
			}
			text, err := p.word()
			kind = string(text)
			return err
		case "description":
			_, err := p.word()
			return err
		case "input_schema":
			schema = true
			return p.members(func(member []byte) error {
				if string(member) != "type" {
					return p.pass()
				}
				typed = true
				return a.oneOf("object")
			})
		case "cache_control":
			return a.cacheControl()
		case "strict", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming":
			return p.pass()
		}
		other = string(member) // perhaps one of a tool of the vendor's own
		return p.pass()
	})
	switch {
	case err != nil:
		return err
	case dated(kind):
		return nil
	case kind != "custom":
		return p.bad("Input tag %q found using 'type' does not match any of the expected tags", clip(kind))
	case other != "":
		p.push([]byte("custom." + other))
		return p.unknown()
	case name == "":
		return p.lacks("custom.name")
	case !schema:
		return p.lacks("custom.input_schema")
	case !typed:
		return p.lacks("custom.input_schema.type")
	}
	a.q.tools = append(a.q.tools, name)
	return nil
}

// dated says whether a type is that of one of the vendor's own tools, which end in the day they were made.
func dated(kind string) bool {
	day := strings.LastIndexByte(kind, '_') + 1
	if day == 0 || len(kind)-day != len("20250305") {
		return false
	}
	_, err := strconv.ParseUint(kind[day:], 10, 32)
	return err == nil
}

func (a *anthropicReader) toolChoice() error {
	p, q := a.p, a.q
	a.choice, q.named, q.oneCall = "", "", false
	err := p.members(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			text, err := p.word()
			a.choice = string(text)
			return err
		case "name":
			text, err := p.word()
			q.named = string(text)
			return err
		case "disable_parallel_tool_use":
			q.oneCall, err = p.truth()
			return err
		}
		return p.unknown()
	})
	if err != nil {
		return err
	}
	switch a.choice {
	case "auto", "any", "none":
		if q.named != "" {
			return p.bad("name: Extra inputs are not permitted")
		}
	case "tool":
		if q.named == "" {
			return p.lacks("tool.name")
		}
	case "":
		return p.lacks("type")
	default:
		return p.bad("Input tag %q does not match any of the expected tags: 'auto', 'any', 'tool', 'none'", clip(a.choice))
	}
	return nil
}

// checkTools finds the tool that must be called, if there is one.
func (a *anthropicReader) checkTools() error {
	q := a.q
	switch {
	case a.choice == "":
		return nil
	case q.toolPrompt == 0:
		return invalid(codeValue, "tool_choice", "tool_choice: tool_choice may only be specified while providing tools")
	case a.choice == "none":
		q.noCalls = true
	case a.choice == "any" && len(q.tools) > 0:
		q.tool = q.tools[0]
	case a.choice == "tool" && !slices.Contains(q.tools, q.named):
		return invalid(codeValue, "tool_choice", "Tool '%s' not found in provided tools", clip(q.named))
	case a.choice == "tool":
		q.tool = q.named
	}
	return nil
}
