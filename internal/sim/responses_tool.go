package sim

import "slices"

// tools reads the tools that may be called, and counts the list's bytes. Tools that the vendor runs itself are taken as they
// are.
func (r *responsesReader) tools() error {
	p, q := r.p, r.q
	q.tools = q.tools[:0]
	start := p.dec.InputOffset()
	n, err := p.items(func(int) error {
		kind, name, other := "", "", ""
		err := p.members(func(member []byte) error {
			switch string(member) {
			case "type":
				text, err := p.word()
				kind = string(text)
				return err
			case "name":
				text, err := p.word()
				if name = string(text); err == nil && !callable(name) {
					return p.bad("expected 1 to %d of the characters a-z, A-Z, 0-9, _ and -", maxToolName)
				}
				return err
			case "description", "parameters", "strict", "defer_loading":
				return p.pass()
			}
			other = string(member)
			return p.pass()
		})
		switch {
		case err != nil:
			return err
		case kind == "":
			return p.lacks("type")
		case kind != "function":
			return nil
		case name == "":
			return p.lacks("name")
		case other != "":
			p.push([]byte(other))
			return p.unknown()
		}
		q.tools = append(q.tools, name)
		return nil
	})
	if n > 0 {
		q.toolPrompt = wordTokens(p.dec.InputOffset() - start)
	}
	return err
}

func (r *responsesReader) toolChoice() error {
	p, q := r.p, r.q
	r.choice, q.named = "", ""
	if p.dec.PeekKind() == '"' {
		text, err := p.word()
		if r.choice = string(text); err == nil && !slices.Contains([]string{"none", "auto", "required"}, r.choice) {
			return p.bad("supported values are: 'none', 'auto', and 'required'")
		}
		return err
	}
	return p.members(func(name []byte) error {
		switch string(name) {
		case "type":
			text, err := p.word()
			r.choice = string(text)
			return err
		case "name":
			text, err := p.word()
			q.named = string(text)
			return err
		case "mode", "tools", "server_label":
			return p.pass()
		}
		return p.unknown()
	})
}

// checkTools finds the function that must be called, if there is one.
func (r *responsesReader) checkTools() error {
	q := r.q
	switch {
	case r.choice == "none":
		q.noCalls = true
	case r.choice == "required" && q.toolPrompt == 0:
		return invalid(codeValue, "tool_choice", "Tool choice 'required' must be specified with 'tools' parameter.")
	case r.choice == "required" && len(q.tools) > 0:
		q.tool = q.tools[0]
	case r.choice == "function" && !slices.Contains(q.tools, q.named):
		return invalid(codeValue, "tool_choice", "Tool choice 'function' not found in 'tools' parameter.")
	case r.choice == "function":
		q.tool = q.named
	default:
		q.named = ""
	}
	return nil
}
