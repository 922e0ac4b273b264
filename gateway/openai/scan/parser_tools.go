package scan

import "github.com/massrouter/massrouter/gateway/chat"

// Function reads a member of a function that can be used as a tool. of is where it stands, for what is not known.
func (p *Parser) Function(t *chat.Tool, of string, name []byte) (err error) {
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
		err = p.Inner(of, name)
	}
	return err
}

// ToolChoice is a word or {"type": "function", …}, whose function member reads.
func (p *Parser) ToolChoice(member func(name []byte) error) error {
	c := &p.Request.ToolChoice
	if p.Kind() != '{' {
		word, err := p.String()
		if err != nil {
			return err
		}
		switch word {
		case "":
			c.Mode = ""
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
		if string(name) == "type" {
			kind, err = p.String()
			return err
		}
		return member(name)
	})
	switch {
	case err != nil:
		return err
	case kind != "function":
		return p.Cannot("it is auto, none, required or a function")
	case c.Name == "":
		return p.Refuse("the function of tool_choice needs a name")
	}
	c.Mode = chat.ToolsOne
	return nil
}

// Schema reads a member of the form that an answer has. of is where it stands, for what is not known.
func (p *Parser) Schema(of string, name []byte) (err error) {
	f := &p.Request.Format
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
		err = p.Inner(of, name)
	}
	return err
}

// Formed says of which kind the form of the answer is, after its members. field is the caller's name for it, what its name in a refusal.
func (p *Parser) Formed(kind, field, what string) error {
	f := &p.Request.Format
	switch f.Kind = chat.FormatKind(kind); f.Kind {
	case "", chat.PlainText, chat.JSONObject:
		*f = chat.Format{Kind: f.Kind}
	case chat.JSONSchema:
		if f.Schema == nil {
			return p.Refuse("a %s of type json_schema needs its schema", what)
		}
	default:
		*f = chat.Format{}
		p.Unsupported(field)
	}
	return nil
}
