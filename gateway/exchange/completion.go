package exchange

import (
	"bytes"
	"errors"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/completion"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
)

// completions is a request for the continuation of a text.
type completions struct{ request *completion.Request }

func readCompletion(q *Request) error {
	r, err := completion.Read(q.in.Body)
	if err != nil {
		return err
	}
	q.Model, q.Stream, q.Cap, q.CapName, q.other = r.Model, r.Stream, r.Cap, openai.MaxTokens, completions{r}
	q.Prompts, q.Choices = r.Prompts(), r.Prompts()*r.Each
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

func (c completions) bound(context, _ int64) int64 { return c.request.PromptBound(context) }

func (c completions) prompt() (meter.Prompt, error) { return c.request.Prompt(), nil }

func (completions) extras() chat.Extras { return chat.Extras{} } // texts only

// ask: vendors of other dialects hold a conversation.
func (c completions) ask(vendor chat.Dialect) Ask {
	if vendor == chat.OpenAI {
		return Ask{Operation: Completion, Stream: c.request.Stream}
	}
	return Ask{Stream: c.request.Stream}
}

func (c completions) with(vendor chat.Dialect, told *chat.Told) (Exchange, error) {
	writer := completion.Writer{}
	if vendor == chat.OpenAI {
		return &throughCompletion{
			request: c.request, meter: c.request.NewMeter(), reader: new(openai.Reader), told: *told,
			words: openai.NewRewrite(told.ID, told.Model, told.Provider),
		}, nil
	}
	canonical, err := c.request.Canonical()
	if err != nil {
		return &unsaid{err: err}, nil // another vendor of the model may be able to say it
	}
	return &translated{request: canonical, vendor: vendorOf(vendor), writer: writer, told: *told}, nil
}

// unsaid is an exchange with a vendor who cannot be told what is asked for.
type unsaid struct {
	unstreamed
	err error
}

func (x *unsaid) Request(dst []byte, _ chat.Options) ([]byte, error) { return dst, x.err }

func (*unsaid) Failure([]byte) *chat.Failure { return nil }

func (x *unsaid) Whole([]byte, *meter.Produced) (Step, error) { return Step{}, x.err }

func (*unsaid) AppendWhole(dst []byte, _ *chat.Bill) []byte { return dst }

var errNoCompletion = errors.New("the answer is no completion")

// throughCompletion hands completions on byte by byte.
type throughCompletion struct {
	request *completion.Request
	meter   *completion.Meter
	reader  *openai.Reader
	words   openai.Rewrite
	told    chat.Told
	answer  openai.Answer
	last    []byte // the vendor's chunk with the usage, which is held back
}

func (x *throughCompletion) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Splice(dst, o.Model, o.MaxTokens, !o.NoStreamUsage), nil
}

func (x *throughCompletion) Failure(body []byte) *chat.Failure {
	return failureOf(x.reader.Failure(body))
}

func (x *throughCompletion) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.reader.Answer(body, new(meter.Produced))
	if err != nil {
		return Step{}, err
	}
	if a.Failure == nil {
		x.meter = x.request.NewMeter()
		if list, err := x.meter.Add(body, p); err != nil || !list {
			return Step{}, errNoCompletion
		}
	}
	x.answer = a
	s := stepOf(&a)
	s.Final = true
	return s, nil
}

func (x *throughCompletion) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.words, openai.AppendUsage(nil, b.Usage, b.Cost))
}

func (x *throughCompletion) Chunk(dst []byte, _ string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	if bytes.Equal(bytes.TrimSpace(data), []byte("[DONE]")) {
		return dst, Step{Done: true}, nil
	}
	a, err := x.reader.Chunk(data, new(meter.Produced))
	if err != nil {
		return dst, Step{}, err
	}
	s := stepOf(&a)
	if s.Failure != nil {
		return dst, s, nil
	}
	if _, err := x.meter.Add(data, p); err != nil {
		return dst, Step{}, err
	}
	if a.Report.Given && a.Choices == 0 {
		s.Final = true
		x.last = append(x.last[:0], data...)
		return dst, s, nil
	}
	dst = append(dst, "data: "...)
	return append(a.AppendChunk(dst, &x.words), "\n\n"...), s, nil
}

// AppendEnd appends the chunk with the usage, the vendor's own if there is one, and the mark of the end.
func (x *throughCompletion) AppendEnd(dst []byte, b *chat.Bill) []byte {
	if len(x.last) == 0 {
		return completion.Writer{}.Stream(&x.told).End(dst, b)
	}
	a, _ := x.reader.Chunk(x.last, new(meter.Produced)) // it was read before
	dst = a.Append(append(dst, "data: "...), &x.words, openai.AppendUsage(nil, b.Usage, b.Cost))
	return append(dst, "\n\ndata: [DONE]\n\n"...)
}

func (x *throughCompletion) AppendFailure(dst, failure []byte, b *chat.Bill) []byte {
	return completion.Writer{}.Stream(&x.told).Fail(dst, failure, b)
}
