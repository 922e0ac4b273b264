package media

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

var errNoImage = errors.New("the answer has no image")

// Drawn is a vendor's answer with images, or the event of a stream that has one. It refers to the body, which must not change.
type Drawn struct {
	ID     string // the vendor's own
	Report meter.Report
	Type   string // of an event

	body                []byte
	images              int64
	id, model, provider jsonscan.Span
	used                jsonscan.Span
	close               int // where the last brace stands
}

// The types of events with images.
const (
	PartialImage   = "image_generation.partial_image"
	CompletedImage = "image_generation.completed"
)

// Answer reads a whole answer; what was drawn is added to p. An error means that it is none: it has to have an image. Of more images than
// were asked for, those count that were.
func (q *Drawing) Answer(body []byte, p *meter.Produced) (*Drawn, error) {
	a, err := readDrawn(body)
	if err == nil && a.images == 0 {
		err = errNoImage
	}
	if err != nil {
		return nil, err
	}
	q.drawn(a, p)
	return a, nil
}

// drawn counts finished images.
func (q *Drawing) drawn(a *Drawn, p *meter.Produced) {
	n := min(a.images, q.Count)
	a.Report.Set(usage.Image, n)
	p.Count(usage.Image, n)
	p.Count(usage.ImageOutput, n*q.tokens())
}

// Event reads an event of a stream; what was drawn is added to p.
func (q *Drawing) Event(data []byte, p *meter.Produced) (*Drawn, error) {
	a, err := readDrawn(data)
	switch {
	case err != nil:
		return nil, err
	case a.Type == CompletedImage && a.images == 0, a.Type == PartialImage && a.images == 0:
		return nil, errNoImage
	case a.Type == CompletedImage:
		q.drawn(a, p)
	case a.Type == PartialImage:
		p.Count(usage.ImageOutput, tokensOfPartial)
		a.Report = meter.Report{}
	}
	return a, nil
}

// Drawn says whether an event has an image.
func (a *Drawn) Drawn() bool { return a.Type == PartialImage || a.Type == CompletedImage }

// Own is the answer with a body of its own.
func (a *Drawn) Own() *Drawn {
	own := *a
	own.body = bytes.Clone(a.body)
	return &own
}

func readDrawn(body []byte) (*Drawn, error) {
	a := &Drawn{body: body}
	var s scan.Scanner
	s.Lenient(body)
	defer s.Drop()
	if s.Kind() != '{' {
		return nil, errNoImage
	}
	if err := s.Object(func(name []byte) error { return a.member(&s, name) }); err != nil {
		return nil, err
	}
	a.close = s.At() - 1
	return a, s.End()
}

func (a *Drawn) member(s *scan.Scanner, name []byte) (err error) {
	switch string(name) {
	case "id":
		var raw jsontext.Value
		if raw, a.id, err = s.Value(); raw.Kind() == '"' {
			a.ID = jsonscan.Unquoted(raw)
		}
	case "type":
		a.Type, err = s.String()
	case "model":
		_, a.model, err = s.Value()
	case "provider":
		_, a.provider, err = s.Value()
	case "usage":
		var raw jsontext.Value
		if raw, a.used, err = s.Value(); err == nil {
			a.Report = meter.Report{}
			err = readUsage(raw, &a.Report, usage.ImageOutput)
		}
	case "b64_json", "url":
		err = a.picture(s)
	case "data":
		a.images = 0
		err = s.Array(func(int) error {
			before := a.images
			err := s.Object(func(name []byte) error {
				if n := string(name); n == "b64_json" || n == "url" {
					return a.picture(s)
				}
				return s.Skip()
			})
			a.images = min(a.images, before+1)
			return err
		})
	default:
		err = s.Skip()
	}
	return err
}

// picture reads an image, or its address.
func (a *Drawn) picture(s *scan.Scanner) error {
	raw, err := s.Raw()
	if raw.Kind() == '"' && len(raw) > len(`""`) {
		a.images++
	}
	return err
}

// Append appends the answer for the caller: the vendor's bytes with another usage, and the names of the generation.
func (a *Drawn) Append(dst []byte, t *chat.Told, b *chat.Bill) []byte {
	var e jsonscan.Edits
	replace(&e, a.body, a.close, []member{
		{a.id, `"id":`, jsonscan.AppendString(nil, t.ID)},
		{a.model, `"model":`, jsonscan.AppendString(nil, t.Model)},
		{a.provider, `"provider":`, jsonscan.AppendString(nil, t.Provider)},
		{a.used, `"usage":`, appendUsage(nil, b, "input_tokens_details")},
	})
	return e.Append(dst, a.body)
}

// AppendEvent appends the last event of a stream, with its usage. Its other members stay.
func (a *Drawn) AppendEvent(dst []byte, b *chat.Bill) []byte {
	var e jsonscan.Edits
	replace(&e, a.body, a.close, []member{{a.used, `"usage":`, appendUsage(nil, b, "input_tokens_details")}})
	return append(e.Append(append(dst, "event: "+CompletedImage+"\ndata: "...), a.body), "\n\n"...)
}

// member is what stands in an answer for the caller, and where the vendor has it, if it does.
type member struct {
	at   jsonscan.Span
	name string
	text []byte
}

// replace puts members in the place of the vendor's, and those that it does not have before the last brace.
func replace(e *jsonscan.Edits, body []byte, end int, members []member) {
	var more [][]byte
	for _, m := range members {
		if m.at.Given() {
			e.Replace(m.at, m.text)
			continue
		}
		more = append(more, append([]byte(m.name), m.text...))
	}
	e.Add(body, end, more...)
}
