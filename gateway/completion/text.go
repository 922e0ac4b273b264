package completion

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Meter notes the texts of an answer, or of a chunk of one, for the case that the vendor does not say what it used. An echo of the
// prompt is none of them. One Meter serves one answer; the zero value is not ready.
type Meter struct {
	request *Request
	echoes  map[int]string // of the prompt, what is still to come of a choice
	quoted  []byte
}

// NewMeter begins an answer.
func (q *Request) NewMeter() *Meter { return &Meter{request: q, echoes: map[int]string{}} }

// Add reads the choices of a body; false if they are not there.
func (m *Meter) Add(body []byte, p *meter.Produced) (list bool, err error) {
	var s jsonscan.Scanner
	s.Lenient(body)
	defer s.Drop()
	_, err = s.Object(func(name []byte) error {
		if string(name) != "choices" {
			return s.Skip()
		}
		list, err = s.Array(func(i int) error {
			index, text := i, ""
			_, err := s.Object(func(name []byte) error {
				member := string(name)
				raw, _, err := s.Value()
				switch {
				case err != nil:
				case member == "index" && len(raw) == 1 && raw.Kind() == '0':
					index = int(raw[0] - '0')
				case member == "text" && raw.Kind() == '"':
					text = jsonscan.Unquoted(raw)
				}
				return err
			})
			m.produced(index, text, p)
			return err
		})
		return err
	})
	return list, err
}

// produced notes a piece of a choice's text.
func (m *Meter) produced(index int, text string, p *meter.Produced) {
	if m.request.echo {
		text = m.own(index, text)
	}
	if text == "" {
		return
	}
	m.quoted, _ = jsontext.AppendQuote(m.quoted[:0], text) // of a JSON string: there is nothing to go wrong
	p.Add(index, 0, meter.Visible, m.quoted)
}

// own is what is left of a piece without the echo of the prompt. Tokens that were echoed cannot be told from others: of those, only that
// there was something is noted.
func (m *Meter) own(index int, text string) string {
	q := m.request
	rest, begun := m.echoes[index]
	if !begun {
		at := min(index/int(q.choices), len(q.prompts)-1)
		if q.prompts[at].text == nil {
			return ""
		}
		rest = jsonscan.Unquoted(q.prompts[at].text)
	}
	switch {
	case strings.HasPrefix(text, rest):
		m.echoes[index] = ""
		return text[len(rest):]
	case strings.HasPrefix(rest, text):
		m.echoes[index] = rest[len(text):]
		return ""
	}
	m.echoes[index] = ""
	return text
}
