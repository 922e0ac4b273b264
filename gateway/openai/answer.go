package openai

import (
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Answer is what the gateway has to know of a chat completion that came back, or of one chunk of it. It refers to the
// body, which must not change.
type Answer struct {
	Report  meter.Report // of the vendor's usage
	Choices int          // how many choices stand in it
	Finish  string       // the last finish_reason that stands in it, as the vendor calls it
	Failure *Failure     // a top-level error

	body              []byte
	id, model, usage  jsonscan.Span
	created, provider jsonscan.Span
	list              bool            // choices is an array
	hidden            []jsonscan.Span // members with thoughts that are left out
	spoken            bool            // there is more than these
	close             int             // where the last brace stands
}

// ID is the vendor's own id.
func (a *Answer) ID() string { return a.text(a.id) }

// Created is the vendor's time, as it stands in the answer; "0" if it does not.
func (a *Answer) Created() string {
	if !a.created.Given() {
		return "0"
	}
	return string(a.created.Of(a.body))
}

func (a *Answer) text(at jsonscan.Span) string {
	if raw := at.Of(a.body); len(raw) > 1 && raw[0] == '"' {
		return jsonscan.Unquoted(raw)
	}
	return ""
}

// Shaped says whether this is a chat completion at all: it has a list of choices.
func (a *Answer) Shaped() bool { return a.list }

// Failure is a vendor's error object.
type Failure struct {
	Code    string // a code or number, as text
	Type    string
	Param   string
	Message string
}

// Answer reads a whole answer, Chunk one chunk of a stream; what was produced is added to p.
func (r *Reader) Answer(body []byte, p *meter.Produced) (Answer, error) {
	return r.read(body, "message", p)
}

// Chunk reads the data of one event. See Answer.
func (r *Reader) Chunk(data []byte, p *meter.Produced) (Answer, error) {
	return r.read(data, "delta", p)
}

func (r *Reader) read(body []byte, part string, p *meter.Produced) (Answer, error) {
	r.Lenient(body)
	a := Answer{body: body}
	if ok, err := r.Enter('{'); err != nil || !ok {
		return a, orRefuse(err, "", "the answer is not a JSON object")
	}
	for {
		name, _, more, err := r.Member()
		if err != nil {
			return a, err
		}
		if !more {
			break
		}
		if err := r.answerMember(&a, name, part, p); err != nil {
			return a, err
		}
	}
	a.close = r.At() - 1
	return a, r.End()
}

func (r *Reader) answerMember(a *Answer, name []byte, part string, p *meter.Produced) (err error) {
	switch string(name) {
	case "id":
		_, a.id, err = r.Value()
	case "model":
		_, a.model, err = r.Value()
	case "created":
		_, a.created, err = r.Value()
	case "provider":
		_, a.provider, err = r.Value()
	case "usage":
		a.usage, err = r.report(&a.Report)
	case "service_tier":
		err = r.tier(&a.Report)
	case "error":
		a.Failure, err = r.failure()
	case "choices":
		a.list = r.Kind() == '['
		err = r.choices(a, part, p)
	default:
		err = r.Skip()
	}
	return err
}
