package openai

import (
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
	id, model, usage  span
	created, provider span
	list              bool // choices is an array
	close             int  // where the last brace stands
}

// ID is the vendor's own id.
func (a *Answer) ID() string { return a.text(a.id) }

// Created is the vendor's time, as it stands in the answer; "0" if it does not.
func (a *Answer) Created() string {
	if !a.created.given() {
		return "0"
	}
	return string(a.created.of(a.body))
}

func (a *Answer) text(at span) string {
	if raw := at.of(a.body); len(raw) > 1 && raw[0] == '"' {
		return unquoted(raw)
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
	r.lenient(body)
	a := Answer{body: body}
	if ok, err := r.enter('{'); err != nil || !ok {
		return a, orRefuse(err, "", "the answer is not a JSON object")
	}
	for {
		name, _, more, err := r.member()
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
	a.close = int(r.dec.InputOffset()) - 1
	return a, r.only()
}

func (r *Reader) answerMember(a *Answer, name []byte, part string, p *meter.Produced) (err error) {
	switch string(name) {
	case "id":
		_, a.id, err = r.value()
	case "model":
		_, a.model, err = r.value()
	case "created":
		_, a.created, err = r.value()
	case "provider":
		_, a.provider, err = r.value()
	case "usage":
		a.usage, err = r.report(&a.Report)
	case "error":
		a.Failure, err = r.failure()
	case "choices":
		a.list = r.dec.PeekKind() == '['
		err = r.choices(a, part, p)
	default:
		err = r.skip()
	}
	return err
}
