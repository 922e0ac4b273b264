package gemini

import "github.com/massrouter/massrouter/gateway/chat"

// used goes over a member of generationConfig, and notes what it asks for.
func (s *Scanner) used(q *Request, name string) error {
	use := useOf(name)
	switch {
	case s.Kind() == 'n':
		return s.Skip()
	case name == "responseMimeType":
		raw, _, err := s.Value()
		if string(raw) == `"application/json"` {
			q.Uses |= chat.UsesResponseFormat
		}
		return err
	case name == "stopSequences" && s.Kind() == '[':
		_, err := s.Array(func(int) error {
			q.Uses |= use
			return s.Skip()
		})
		return err
	}
	q.Uses |= use
	return s.Skip()
}

func useOf(name string) chat.Uses {
	switch name {
	case "temperature":
		return chat.UsesTemperature
	case "topP":
		return chat.UsesTopP
	case "topK":
		return chat.UsesTopK
	case "seed":
		return chat.UsesSeed
	case "presencePenalty":
		return chat.UsesPresencePenalty
	case "frequencyPenalty":
		return chat.UsesFrequencyPenalty
	case "stopSequences":
		return chat.UsesStop
	case "responseSchema", "responseJsonSchema", "_responseJsonSchema":
		return chat.UsesStructuredOutputs
	case "responseLogprobs":
		return chat.UsesLogprobs
	case "logprobs":
		return chat.UsesTopLogprobs
	}
	return 0
}

// thinking looks whether the model is to think, and whether its thoughts are to be seen.
func (s *Scanner) thinking(q *Request) error {
	if s.Kind() != '{' {
		return s.Skip()
	}
	return s.fields(func(name string) error {
		switch kind := s.Kind(); name {
		case "includeThoughts":
			q.Hide = q.Hide || kind == 'f'
		case "thinkingBudget", "thinkingLevel":
			if kind != 'n' {
				q.Uses |= chat.UsesReasoning
			}
		}
		return s.Skip()
	})
}

// fileData looks at a medium that lies elsewhere: its tokens are not known.
func (s *Scanner) fileData(q *Request) error {
	q.opaque = q.opaque || s.Kind() != 'n'
	if s.Kind() != '{' {
		return s.Skip()
	}
	mime := ""
	err := s.fields(func(name string) (err error) {
		if name == "mimeType" {
			mime, err = s.string()
			return err
		}
		return s.Skip()
	})
	q.Uses |= chat.UsesMedia(mime)
	return err
}
