package openai

import (
	"bytes"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// saying is what a member of a message says.
type saying uint8

const (
	speech    saying = iota
	reasoning        // in plain text
	detailed         // reasoning in pieces, some of which only the vendor can read
)

// veil notes a member of a message: one with thoughts is left out, any other may say something. value is where its value begins.
func (a *Answer) veil(member jsonscan.Span, value int, is saying) {
	switch is {
	case reasoning:
		a.hidden = append(a.hidden, member)
	case speech:
		switch string(bytes.Trim(a.body[value:member.To], ": \t\r\n")) {
		case "null", `""`, "[]", `"assistant"`:
		default:
			a.spoken = true
		}
	case detailed:
	}
}

// thoughts reads reasoning_details. Their texts are to be hidden; what else there is only the vendor can read.
func (r *Reader) thoughts(a *Answer) error {
	if !r.hide {
		return r.Skip()
	}
	_, err := r.Array(func(int) error {
		_, err := r.Object(func(name []byte) error {
			from, text := r.Named().From, string(name) == "text" || string(name) == "summary"
			sign, some := string(name) == "signature" || string(name) == "data", r.Kind() == '"'
			if err := r.Skip(); err != nil {
				return err
			}
			if text {
				a.hidden = append(a.hidden, jsonscan.Span{From: from, To: r.At()})
			}
			a.spoken = a.spoken || sign && some
			return nil
		})
		return err
	})
	return err
}

// Silent says whether nothing is left of a chunk without its thoughts.
func (a *Answer) Silent() bool {
	return len(a.hidden) > 0 && !a.spoken && a.Finish == "" && !a.Report.Given
}
