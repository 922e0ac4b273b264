package sim

// Token counts that the package documentation states.
const (
	messageTokens = 4
	partTokens    = 16 // of a content part that is no text
)

// message gathers what is known of one message while its fields are read.
type message struct {
	role     byte  // 0 while unknown
	bytes    int64 // of text, name and calls
	parts    int64 // that are no text
	content  bool  // there is content that is not null
	calls    bool  // something stands in for content
	toolCall bool  // tool_call_id is there
}

// roleOf numbers the roles; 0 is none of them.
func roleOf(text []byte) byte {
	switch string(text) {
	case "system":
		return 1
	case "developer":
		return 2
	case "user":
		return roleUser
	case roleAssistantName:
		return roleAssistant
	case "tool":
		return roleTool
	case "function":
		return roleFunction
	}
	return 0
}

const (
	roleUser          = 3
	roleAssistant     = 4
	roleTool          = 5
	roleFunction      = 6
	roleAssistantName = "assistant"
)

func (p *parser) messages(q *request) error {
	at := top("messages")
	if err := p.enter('[', at, "an array of objects"); err != nil {
		return err
	}
	p.digest.Reset()
	q.messagePrompt, q.hasMessages = 0, true
	for at.index = 0; ; at.index++ {
		more, err := p.element()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		tokens, err := p.message(at)
		if err != nil {
			return err
		}
		q.messagePrompt += tokens
	}
	if at.index == 0 {
		return invalid(codeEmpty, "messages", "Invalid 'messages': empty array. Expected an array with minimum length 1.")
	}
	q.hash = p.digest.Sum64()
	return nil
}

// message reads one message into the digest and returns its prompt tokens.
func (p *parser) message(at path) (tokens int64, err error) {
	if err := p.enter('{', at, "an object"); err != nil {
		return 0, err
	}
	var m message
	for {
		name, more, err := p.field()
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		if err := p.messageField(name, &m, at); err != nil {
			return 0, err
		}
	}
	switch {
	case m.role == 0:
		return 0, missing(at.at("role"))
	case m.role == roleTool && !m.toolCall:
		return 0, missing(at.at("tool_call_id"))
	case !m.content && (m.role != roleAssistant || !m.calls):
		return 0, missing(at.at("content"))
	}
	// 0xFF is in no UTF-8 text, so that messages cannot run into each other.
	p.scratch = append(p.scratch[:0], m.role, 0xFF)
	_, _ = p.digest.Write(p.scratch)
	return messageTokens + wordTokens(m.bytes) + partTokens*m.parts, nil
}

func (p *parser) messageField(name []byte, m *message, at path) error {
	switch string(name) {
	case "role":
		text, err := p.text(at.at("role"))
		if err != nil {
			return err
		}
		if m.role = roleOf(text); m.role == 0 {
			return invalid(codeValue, at.at("role").String(),
				"Invalid value: %q. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool' and 'function'.", clip(string(text)))
		}
		return nil
	case "content":
		return p.content(m, at.at("content"))
	case "name":
		text, err := p.text(at.at("name"))
		m.bytes += int64(len(text))
		return err
	case "tool_call_id":
		_, err := p.text(at.at("tool_call_id"))
		m.toolCall = true
		return err
	case "tool_calls", "function_call", "refusal", "audio":
		if isNull, err := p.null(); isNull || err != nil {
			return err
		}
		value, err := p.skip()
		m.bytes += int64(len(value))
		m.calls = true
		return err
	}
	_, err := p.skip()
	return err
}
