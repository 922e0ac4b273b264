package openai

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// message is what a vendor's message, or a delta of it, says.
type message struct {
	text, refusal, thought string
	details                []detail
	calls                  []callPiece
	images                 []chat.Part
	ids                    map[string]bool // of the calls, when it was asked for
}

// callPiece is a tool call or a piece of one.
type callPiece struct {
	index               int // -1 for none
	id, name, arguments string
}

// choice is what stands beside a message.
type choice struct {
	index            int
	finish, original string
	failure          *chat.Failure
}

// native is the vendor's own word: one that itself speaks for other vendors says that apart.
func (c *choice) native() string {
	if c.original != "" {
		return c.original
	}
	return c.finish
}

// choice reads a choice; what it says is in m until the next one. member is "message" or "delta". Some vendors report usage here.
func (m *message) choice(s *scan.Scanner, member string, i int, u *meter.Report) (choice, error) {
	*m = message{details: m.details[:0], calls: m.calls[:0]}
	c := choice{index: i}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			n, given, readErr := s.Whole(0, MaxChoices-1)
			if err = readErr; given {
				c.index = int(n)
			}
		case member:
			err = m.read(s)
		case "finish_reason":
			c.finish, err = s.String()
		case "native_finish_reason":
			c.original, err = s.String()
		case "error":
			c.failure, err = readFailure(s)
		case "usage":
			err = readReport(s, u)
		default:
			err = s.Skip()
		}
		return err
	})
	return c, err
}

func (m *message) read(s *scan.Scanner) error {
	return s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "content":
			err = m.content(s)
		case "refusal":
			m.refusal, err = s.String()
		case "reasoning", "reasoning_content": // who sends both says the same twice
			text, readErr := s.String()
			if err = readErr; m.thought == "" {
				m.thought = text
			}
		case "reasoning_details":
			err = s.Array(func(int) error {
				d, err := readDetail(s)
				m.details = append(m.details, d)
				return err
			})
		case "tool_calls":
			err = s.Array(func(int) error {
				c, err := readCall(s)
				m.calls = append(m.calls, c)
				return err
			})
		case "function_call":
			c := callPiece{}
			err = c.function(s)
			if c.name != "" || c.arguments != "" {
				m.calls = append(m.calls, c)
			}
		case "images":
			err = s.Array(func(int) error { return m.image(s) })
		default:
			err = s.Skip()
		}
		return err
	})
}

// content is a text or, of some vendors, a list of parts: texts and thoughts.
func (m *message) content(s *scan.Scanner) (err error) {
	if s.Kind() != '[' {
		m.text, err = s.String()
		return err
	}
	var texts, thoughts strings.Builder
	err = s.Array(func(int) error {
		var kind, text string
		return s.Object(func(name []byte) (err error) {
			switch string(name) {
			case "type":
				kind, err = s.String()
			case "text":
				if text, err = s.String(); kind == "text" || kind == "" {
					texts.WriteString(text)
				}
			case "thinking":
				err = readThinking(s, &thoughts)
			default:
				err = s.Skip()
			}
			return err
		})
	})
	m.text, m.thought = texts.String(), m.thought+thoughts.String()
	return err
}

// readThinking reads a thought, which is a text or a list of texts.
func readThinking(s *scan.Scanner, to *strings.Builder) error {
	piece := func() error {
		text, err := s.String()
		to.WriteString(text)
		return err
	}
	if s.Kind() != '[' {
		return piece()
	}
	return s.Array(func(int) error {
		return s.Object(func(name []byte) error {
			if string(name) != "text" {
				return s.Skip()
			}
			return piece()
		})
	})
}

func readCall(s *scan.Scanner) (callPiece, error) {
	c := callPiece{index: -1}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			n, given, readErr := s.Whole(0, maxCalls)
			if err = readErr; given {
				c.index = int(n)
			}
		case "id":
			c.id, err = s.String()
		case "function":
			err = c.function(s)
		default:
			err = s.Skip()
		}
		return err
	})
	return c, err
}

func (c *callPiece) function(s *scan.Scanner) error {
	return s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			c.name, err = s.String()
		case "arguments":
			c.arguments, err = arguments(s)
		default:
			err = s.Skip()
		}
		return err
	})
}

// arguments are a text; some vendors send the object itself.
func arguments(s *scan.Scanner) (string, error) {
	if s.Kind() == '{' {
		raw, err := s.Raw()
		return string(raw), err
	}
	return s.String()
}

// image takes a picture that the model made.
func (m *message) image(s *scan.Scanner) error {
	return s.Object(func(name []byte) error {
		if string(name) != "image_url" {
			return s.Skip()
		}
		url, _, err := readAddress(s)
		if media, ok := MediaOf(url); ok {
			m.images = append(m.images, chat.Part{Kind: chat.Image, Media: media})
		}
		return err
	})
}

// readAddress reads {"url": …, "detail": …} or a bare address.
func readAddress(s *scan.Scanner) (url, detail string, err error) {
	if s.Kind() != '{' {
		url, err = s.String()
		return url, "", err
	}
	err = s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "url":
			url, err = s.String()
		case "detail":
			detail, err = s.String()
		default:
			err = s.Skip()
		}
		return err
	})
	return url, detail, err
}

// parts are those of a whole message, in the order in which a model comes to them.
func (m *message) parts() []chat.Part {
	parts, signatures := m.thoughts()
	if m.text != "" {
		parts = append(parts, chat.Part{Kind: chat.Text, Text: m.text})
	}
	if m.refusal != "" {
		parts = append(parts, chat.Part{Kind: chat.Refusal, Text: m.refusal})
	}
	for i := range m.calls {
		c := &m.calls[i]
		p := chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: c.id, Name: c.name, Arguments: c.arguments}}
		if signed, ok := signatures[c.id]; ok {
			p.Signature, p.Origin = signed.Signature, signed.Origin
		}
		parts = append(parts, p)
	}
	return append(parts, m.images...)
}

func (m *message) thoughts() (parts []chat.Part, calls map[string]chat.Part) {
	parts, calls = thoughts(m.details, m.called)
	if len(parts) == 0 && m.thought != "" {
		parts = []chat.Part{{Kind: chat.Thinking, Text: m.thought}}
	}
	return parts, calls
}

func (m *message) called(id string) bool {
	if m.ids == nil {
		m.ids = make(map[string]bool, len(m.calls))
		for i := range m.calls {
			m.ids[m.calls[i].id] = true
		}
	}
	return m.ids[id]
}
