package sim

// content reads a message's text or parts. A content that comes twice counts twice here, which no client sends.
func (p *parser) content(m *message, at path) error {
	if isNull, err := p.null(); isNull || err != nil {
		return err
	}
	m.content = true
	if p.dec.PeekKind() == '"' {
		return p.words(m, at)
	}
	if err := p.enter('[', at, "a string or an array of parts"); err != nil {
		return err
	}
	for at.part = 0; ; at.part++ {
		more, err := p.element()
		if err != nil || !more {
			return err
		}
		if err := p.part(m, at); err != nil {
			return err
		}
	}
}

func (p *parser) words(m *message, at path) error {
	text, err := p.text(at)
	if err != nil {
		return err
	}
	m.bytes += int64(len(text))
	_, err = p.digest.Write(text)
	return err
}

// part reads one part of a content: its type, and beside it the member that the type names.
func (p *parser) part(m *message, at path) error {
	if err := p.enter('{', at, "an object"); err != nil {
		return err
	}
	kind, texts, others := byte(0), false, false
	for {
		name, more, err := p.field()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch string(name) {
		case "type":
			kind, err = p.partKind(at.at("type"))
		case "text", "refusal":
			texts = true
			err = p.words(m, at.at(string(name)))
		case "image_url", "input_audio", "file":
			others = true
			_, err = p.skip()
		default:
			_, err = p.skip()
		}
		if err != nil {
			return err
		}
	}
	switch {
	case kind == 0:
		return missing(at.at("type"))
	case kind == 't' && !texts:
		return missing(at.at("text"))
	case kind == 'o' && !others:
		return invalid(codeMissing, at.String(), "The part '%s' lacks the member that its type names.", at)
	case kind == 'o':
		m.parts++
	}
	return nil
}

// partKind is t for text, o for any other known type.
func (p *parser) partKind(at path) (byte, error) {
	text, err := p.text(at)
	if err != nil {
		return 0, err
	}
	switch string(text) {
	case "text", "refusal":
		return 't', nil
	case "image_url", "input_audio", "file":
		return 'o', nil
	}
	return 0, invalid(codeValue, at.String(), "Invalid value: %q. Supported values are: 'text', 'refusal', 'image_url', 'input_audio' and 'file'.", clip(string(text)))
}
