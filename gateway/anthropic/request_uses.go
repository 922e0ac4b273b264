package anthropic

import "github.com/massrouter/massrouter/gateway/chat"

// used goes over a parameter that asks something of the model.
func (s *Scanner) used(q *Request, use chat.Uses) error {
	if s.Kind() != 'n' {
		q.Uses |= use
	}
	return s.Skip()
}

// thinking looks whether the model is to think, and whether its thoughts are to be seen.
func (s *Scanner) thinking(q *Request) error {
	if s.Kind() == '{' {
		q.Uses |= chat.UsesReasoning
	}
	_, err := s.Object(func(name []byte) error {
		if string(name) != "display" {
			return s.Skip()
		}
		raw, _, err := s.Value()
		q.Hide = string(raw) == `"omitted"`
		return err
	})
	return err
}

func (s *Scanner) outputConfig(q *Request) error {
	if s.Kind() != 'n' {
		q.hidden += hiddenTokens
	}
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "format":
			return s.used(q, chat.UsesStructuredOutputs)
		case "effort":
			return s.used(q, chat.UsesReasoning)
		}
		return s.Skip()
	})
	return err
}

func (s *Scanner) stopSequences(q *Request) error {
	_, err := s.Array(func(int) error { // anything but an array is the vendor's to refuse
		q.Uses |= chat.UsesStop
		return s.Skip()
	})
	return err
}
