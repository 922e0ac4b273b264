package exchange

import (
	"errors"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// nativeAnthropic is a request of Messages.
type nativeAnthropic struct {
	set     *Set
	scanner *anthropic.Scanner
	request *anthropic.Request
}

func (s *Set) readAnthropic(q *Request) error {
	scanner, ok := s.scanners.Get().(*anthropic.Scanner)
	if !ok {
		scanner = new(anthropic.Scanner)
	}
	n := &nativeAnthropic{set: s, scanner: scanner}
	r, err := scanner.Request(q.in.Body)
	if err != nil {
		n.close()
		return err
	}
	n.request, q.native, q.Steering, q.Uses = r, n, r.Steering, r.Uses
	q.Model, q.Stream, q.Cap, q.CapName = r.Model, r.Stream, r.Cap, r.CapName()
	return nil
}

func (n *nativeAnthropic) bound(context, perImage int64) int64 {
	return n.request.PromptBound(context, perImage)
}

func (n *nativeAnthropic) prompt() (meter.Prompt, error) { return n.scanner.Prompt(n.request) }

func (n *nativeAnthropic) canonical(in *Incoming) (*chat.Request, error) {
	return anthropic.ParseRequest(in.Body)
}

func (n *nativeAnthropic) close() { n.set.scanners.Put(n.scanner) }

// through: reasoning of another vendor is left out on the way through the canonical form; a vendor of this dialect refuses it.
func (n *nativeAnthropic) through(told *chat.Told) Exchange {
	if n.request.Foreign {
		return nil
	}
	n.scanner.Hide(n.request.Hide)
	return &throughAnthropic{scanner: n.scanner, request: n.request, words: anthropic.NewRewrite(told.ID, told.Model, told.Provider)}
}

// throughAnthropic hands Messages on byte by byte.
type throughAnthropic struct {
	scanner *anthropic.Scanner
	request *anthropic.Request
	words   anthropic.Rewrite
	answer  anthropic.Answer
	last    []byte // the data of the message_delta, which is held back
}

var errNoMessage = errors.New("the answer is no message")

func (x *throughAnthropic) Request(dst []byte, o chat.Options) ([]byte, error) {
	for _, field := range x.request.Priced {
		if field != "service_tier" {
			return dst, chat.Unsupported(field, "its vendor takes another price for it, which is not in the list")
		}
	}
	return x.request.Splice(dst, anthropic.Upstream{Model: o.Model, Cap: o.MaxTokens, Version: o.BodyVersion}), nil
}

func (x *throughAnthropic) Failure(body []byte) *chat.Failure {
	return anthropic.Reader{}.Failure(body)
}

func (x *throughAnthropic) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.scanner.Answer(body, p)
	switch {
	case err != nil:
		return Step{}, err
	case a.Failure != nil:
		return Step{Failure: a.Failure}, nil
	case !a.Shaped():
		return Step{}, errNoMessage
	}
	x.answer = a
	return Step{ID: a.ID(), Finish: finish(a.Finish), Native: a.Finish, Report: a.Report, Final: true}, nil
}

// finish is the common name of a stop_reason; "" is none.
func finish(native string) chat.Finish {
	if native == "" {
		return ""
	}
	return anthropic.FinishOf(native)
}

func (x *throughAnthropic) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.words, anthropic.AppendUsage(nil, b))
}

func (x *throughAnthropic) Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	e, err := x.scanner.Event(name, data, p)
	if err != nil {
		return dst, Step{}, err
	}
	s := Step{ID: e.ID(), Finish: finish(e.Finish), Native: e.Finish, Report: e.Report, Failure: e.Failure}
	switch e.Type {
	case anthropic.ErrorEvent:
		return dst, s, nil
	case anthropic.MessageDelta:
		x.last, s.Final = append(x.last[:0], data...), e.Report.Given
		return dst, s, nil
	case anthropic.MessageStop:
		s.Done = true
		return dst, s, nil
	}
	if e.Silent() {
		return dst, s, nil
	}
	return e.Append(dst, &x.words), s, nil
}

// AppendEnd appends the message_delta, the vendor's own if there is one, with the usage, and the message_stop.
func (x *throughAnthropic) AppendEnd(dst []byte, b *chat.Bill) []byte {
	used := anthropic.AppendUsage(nil, b)
	if len(x.last) == 0 {
		dst = x.words.AppendLast(dst, used)
	} else {
		e, _ := x.scanner.Event(anthropic.MessageDelta, x.last, new(meter.Produced)) // it was read before
		dst = e.AppendUsage(dst, used)
	}
	return append(dst, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}

func (x *throughAnthropic) AppendFailure(dst, failure []byte, b *chat.Bill) []byte {
	var used []byte
	if b != nil {
		used = anthropic.AppendUsage(nil, b)
	}
	return x.words.AppendFailure(dst, failure, used)
}
