package inference

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// said gathers the texts of an answer of some dialect, from the whole of it or from its events. What it does not know is no text.
type said struct {
	dialect         chat.Dialect
	text, reasoning strings.Builder
}

// events takes the events of a stream. The last one may be cut.
func (s *said) events(stream []byte) {
	for line := range bytes.Lines(stream) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			s.take(data)
		}
	}
}

// take takes a whole answer, or the data of an event.
func (s *said) take(body []byte) {
	switch s.dialect {
	case chat.OpenAI:
		s.openAI(body)
	case chat.Anthropic:
		s.anthropic(body)
	case chat.Responses:
		s.responses(body)
	case chat.Gemini:
		s.gemini(body)
	case chat.Bedrock: // of vendors only
	}
}

// part is a part of an answer, in the names of all dialects.
type part struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Thinking string `json:"thinking"`
	Thought  bool   `json:"thought"`
}

func (s *said) parts(parts []part) {
	for _, p := range parts {
		if p.Thought {
			s.reasoning.WriteString(p.Text)
			continue
		}
		s.text.WriteString(p.Text)
		s.reasoning.WriteString(p.Thinking)
	}
}

func (s *said) openAI(body []byte) {
	type message struct {
		Content          json.RawMessage `json:"content"`
		Reasoning        string          `json:"reasoning"`
		ReasoningContent string          `json:"reasoning_content"`
	}
	var a struct {
		Text    string `json:"text"` // of a transcription
		Choices []struct {
			Index   int     `json:"index"`
			Text    string  `json:"text"`
			Message message `json:"message"`
			Delta   message `json:"delta"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &a) != nil {
		return
	}
	s.text.WriteString(a.Text)
	for _, c := range a.Choices {
		if c.Index != 0 {
			continue
		}
		s.text.WriteString(c.Text)
		for _, m := range []message{c.Message, c.Delta} {
			var text string
			var parts []part
			if json.Unmarshal(m.Content, &text) == nil {
				s.text.WriteString(text)
			} else if json.Unmarshal(m.Content, &parts) == nil {
				s.parts(parts)
			}
			if m.Reasoning == "" {
				m.Reasoning = m.ReasoningContent
			}
			s.reasoning.WriteString(m.Reasoning)
		}
	}
}

func (s *said) anthropic(body []byte) {
	var a struct {
		Content []part `json:"content"` // of a whole answer
		Delta   part   `json:"delta"`   // of an event
	}
	if json.Unmarshal(body, &a) == nil {
		s.parts(append(a.Content, a.Delta))
	}
}

func (s *said) responses(body []byte) {
	var a struct {
		Type   string          `json:"type"` // of an event
		Delta  json.RawMessage `json:"delta"`
		Output []struct {
			Type    string `json:"type"`
			Content []part `json:"content"`
			Summary []part `json:"summary"`
		} `json:"output"`
	}
	if json.Unmarshal(body, &a) != nil {
		return
	}
	var delta string
	_ = json.Unmarshal(a.Delta, &delta) // deltas that are no text are none
	switch a.Type {
	case "response.output_text.delta", "response.refusal.delta":
		s.text.WriteString(delta)
	case "response.reasoning_text.delta", "response.reasoning_summary_text.delta":
		s.reasoning.WriteString(delta)
	}
	for _, o := range a.Output {
		for _, p := range append(o.Content, o.Summary...) {
			p.Thought = o.Type == "reasoning"
			s.parts([]part{p})
		}
	}
}

func (s *said) gemini(body []byte) {
	var a struct {
		Candidates []struct {
			Index   int `json:"index"`
			Content struct {
				Parts []part `json:"parts"`
			} `json:"content"`
		} `json:"candidates"`
	}
	if json.Unmarshal(body, &a) != nil {
		return
	}
	for _, c := range a.Candidates {
		if c.Index == 0 {
			s.parts(c.Content.Parts)
		}
	}
}
