package exchange

import (
	"errors"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

// nativeGemini is a request of generateContent.
type nativeGemini struct {
	set     *Set
	scanner *gemini.Scanner
	request *gemini.Request
}

func (s *Set) readGemini(q *Request) error {
	scanner, ok := s.walkers.Get().(*gemini.Scanner)
	if !ok {
		scanner = new(gemini.Scanner)
	}
	n := &nativeGemini{set: s, scanner: scanner}
	r, err := scanner.Request(q.in.Body, q.in.Model, q.in.Stream)
	if err != nil {
		n.close()
		return err
	}
	n.request, q.native, q.Steering, q.Uses = r, n, r.Steering, r.Uses
	q.Model, q.Stream, q.Choices, q.Cap, q.CapName = r.Model, r.Stream, max(r.Choices, 1), r.Cap, gemini.CapName
	return nil
}

func (n *nativeGemini) bound(context, perImage int64) int64 {
	return n.request.PromptBound(context, perImage)
}

func (n *nativeGemini) prompt() (meter.Prompt, error) { return n.scanner.Prompt(n.request) }

func (n *nativeGemini) canonical(in *Incoming) (*chat.Request, error) {
	return gemini.ParseRequest(in.Body, in.Model, in.Stream)
}

func (n *nativeGemini) close() { n.set.walkers.Put(n.scanner) }

func (n *nativeGemini) through(told *chat.Told) Exchange {
	if n.request.Foreign {
		return nil
	}
	n.scanner.Hide(n.request.Hide)
	return &throughGemini{scanner: n.scanner, request: n.request, words: gemini.NewRewrite(told.ID, told.Model)}
}

// throughGemini hands generateContent on byte by byte.
type throughGemini struct {
	scanner *gemini.Scanner
	request *gemini.Request
	words   gemini.Rewrite
	answer  gemini.Answer
	last    []byte // the data of the event with the finish reason, which is held back
}

var errNoContent = errors.New("the answer has neither candidates nor feedback on the prompt")

func (x *throughGemini) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Splice(dst, o.MaxTokens), nil
}

func (x *throughGemini) Failure(body []byte) *chat.Failure { return gemini.Reader{}.Failure(body) }

func (x *throughGemini) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.scanner.Answer(body, p)
	switch {
	case err != nil:
		return Step{}, err
	case a.Failure != nil:
		return Step{Failure: a.Failure}, nil
	case a.Finish == "":
		return Step{}, errNoContent
	}
	x.answer = a
	s := stepOfGemini(&a)
	s.Final = true
	return s, nil
}

func stepOfGemini(a *gemini.Answer) Step {
	return Step{ID: a.ID, Finish: a.Finish, Native: a.Native, Report: a.Report, Failure: a.Failure}
}

func (x *throughGemini) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.words, gemini.AppendUsage(nil, b.Usage, b.Cost))
}

func (x *throughGemini) Chunk(dst []byte, _ string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	a, err := x.scanner.Answer(data, p)
	if err != nil {
		return dst, Step{}, err
	}
	s := stepOfGemini(&a)
	switch {
	case s.Failure != nil:
	case s.Finish == "":
		dst = a.AppendEvent(dst, &x.words)
	default:
		if dst, err = x.release(dst); err != nil {
			return dst, Step{}, err
		}
		x.last, s.Final = append(x.last[:0], data...), s.Report.Given
	}
	return dst, s, nil
}

// release sends an event with a finish reason that was not the last one after all.
func (x *throughGemini) release(dst []byte) ([]byte, error) {
	if len(x.last) == 0 {
		return dst, nil
	}
	a, err := x.scanner.Answer(x.last, new(meter.Produced))
	if err != nil {
		return dst, err
	}
	return a.AppendEvent(dst, &x.words), nil
}

// AppendEnd appends the last event, the vendor's own if there is one, with the usage.
func (x *throughGemini) AppendEnd(dst []byte, b *chat.Bill) []byte {
	used := gemini.AppendUsage(nil, b.Usage, b.Cost)
	if len(x.last) == 0 {
		return x.words.AppendEnd(dst, used)
	}
	a, _ := x.scanner.Answer(x.last, new(meter.Produced)) // it was read before
	return a.AppendEnd(dst, &x.words, used)
}

func (x *throughGemini) AppendFailure(dst, failure []byte, b *chat.Bill) []byte {
	var used []byte
	if b != nil {
		used = gemini.AppendUsage(nil, b.Usage, b.Cost)
	}
	return x.words.AppendFailure(dst, failure, used)
}
