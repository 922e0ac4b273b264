package sim

import "slices"

const maxToolName = 64

// tools reads the names of the functions that may be called, and counts the list's bytes.
func (p *parser) tools(q *request) error {
	q.tools, q.toolPrompt = q.tools[:0], 0
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	at := top("tools")
	if err := p.enter('[', at, "an array of objects"); err != nil {
		return err
	}
	start := p.dec.InputOffset() - 1
	for at.index = 0; ; at.index++ {
		more, err := p.element()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := p.oneTool(q, at); err != nil {
			return err
		}
	}
	if at.index == 0 {
		return invalid(codeEmpty, "tools", "Invalid 'tools': empty array. Expected an array with minimum length 1.")
	}
	q.toolPrompt = wordTokens(p.dec.InputOffset() - start)
	return nil
}

// oneTool reads {type, function: {name}} or {type, custom: {name}}.
func (p *parser) oneTool(q *request, at path) error {
	kind, name, err := p.toolObject(at)
	if err != nil {
		return err
	}
	switch {
	case kind != "function" && kind != "custom":
		return invalid(codeValue, at.at("type").String(), "Invalid value: %q. Supported values are: 'function' and 'custom'.", clip(kind))
	case name == "":
		return missing(at.at(kind + ".name"))
	case kind == "function":
		q.tools = append(q.tools, name)
	}
	return nil
}

// toolObject reads an object with a type and the name inside its function or custom member.
func (p *parser) toolObject(at path) (kind, name string, err error) {
	if err := p.enter('{', at, "an object"); err != nil {
		return "", "", err
	}
	for {
		field, more, err := p.field()
		if err != nil || !more {
			return kind, name, err
		}
		switch string(field) {
		case "type":
			var text []byte
			text, err = p.text(at.at("type"))
			kind = string(text)
		case "function", "custom":
			name, err = p.toolName(at.at(string(field)))
		default:
			_, err = p.skip()
		}
		if err != nil {
			return "", "", err
		}
	}
}

func (p *parser) toolName(at path) (name string, err error) {
	if err := p.enter('{', at, "an object"); err != nil {
		return "", err
	}
	for {
		field, more, err := p.field()
		if err != nil || !more {
			return name, err
		}
		if string(field) != "name" {
			if _, err := p.skip(); err != nil {
				return "", err
			}
			continue
		}
		text, err := p.text(at)
		if err != nil {
			return "", err
		}
		if name = string(text); !callable(name) {
			return "", invalid(codeValue, at.String()+".name", "Invalid '%s.name': expected 1 to %d of the characters a-z, A-Z, 0-9, _ and -.", at, maxToolName)
		}
	}
}

// callable says whether OpenAI takes text as a function's name.
func callable(text string) bool { return callableIn(text, maxToolName) }

// callableIn says whether text is made of the characters of functions' names, at most so many.
func callableIn(text string, most int) bool {
	for _, r := range text {
		letter := (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if !letter && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return text != "" && len(text) <= most
}

func (p *parser) toolChoice(q *request) error {
	q.choice, q.named = "", ""
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	at := top("tool_choice")
	if p.dec.PeekKind() != '"' {
		kind, name, err := p.toolObject(at)
		if err != nil {
			return err
		}
		if q.choice = kind; kind == "function" {
			q.named = name
		}
		return nil
	}
	text, err := p.text(at)
	if err != nil {
		return err
	}
	switch q.choice = string(text); q.choice {
	case "none", "auto", "required":
		return nil
	}
	return invalid(codeValue, "tool_choice", "Invalid value: %q. Supported values are: 'none', 'auto', and 'required'.", clip(q.choice))
}

// checkChatTools finds the function that must be called, if there is one.
func (q *request) checkChatTools() error {
	switch {
	case q.choice == "":
		return nil
	case q.toolPrompt == 0:
		return invalid(codeValue, "tool_choice", "'tool_choice' is only allowed when 'tools' are specified.")
	case q.choice == "none":
		q.noCalls = true
	case q.choice == "required" && len(q.tools) > 0:
		q.tool = q.tools[0]
	case q.choice == "function" && !slices.Contains(q.tools, q.named):
		return invalid(codeValue, "tool_choice", "Tool choice %q not found in 'tools' parameter.", clip(q.named))
	case q.choice == "function":
		q.tool = q.named
	}
	return nil
}
