package exchange

import (
	"errors"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/embedding"
	"github.com/massrouter/massrouter/gateway/meter"
)

// embeddings is a request for vectors, in either form.
type embeddings struct{ request *embedding.Request }

func readEmbeddings(q *Request) error {
	r, err := embedding.Read(q.in.Dialect, q.in.Body, q.in.Single)
	if err != nil {
		return err
	}
	q.Model, q.Prompts, q.other = r.Model, int64(r.Inputs()), embeddings{r}
	if q.in.Dialect == chat.Gemini {
		q.Model = q.in.Model
	}
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

func (e embeddings) bound(context, perImage int64) int64 {
	return e.request.PromptBound(context, perImage)
}

func (e embeddings) prompt() (meter.Prompt, error) { return e.request.Prompt(), nil }

func (e embeddings) extras() chat.Extras { return e.request.Extras() }

// ask: what was translated for Gemini is a list, also of one text.
func (e embeddings) ask(vendor chat.Dialect) Ask {
	return Ask{Operation: Embeddings, Single: vendor == chat.Gemini && e.request.Single}
}

func (e embeddings) with(vendor chat.Dialect, told *chat.Told) (Exchange, error) {
	return &vectors{request: e.request, vendor: vendor, told: *told}, nil
}

// vectors takes a call for vectors to a vendor.
type vectors struct {
	unstreamed
	request *embedding.Request
	vendor  chat.Dialect
	told    chat.Told
	answer  *embedding.Answer
}

func (x *vectors) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Append(dst, x.vendor, o.Model, o.DropUnsupported)
}

func (x *vectors) Failure(body []byte) *chat.Failure { return vendorOf(x.vendor).reader.Failure(body) }

func (x *vectors) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.request.Answer(x.vendor, body)
	if err == nil {
		err = x.request.Convert(a)
	}
	if err != nil {
		if f := x.Failure(body); f != nil {
			return Step{Failure: f}, nil
		}
		return Step{}, err
	}
	p.Mark()
	x.answer = a
	return Step{ID: a.ID, Finish: chat.Stopped, Report: a.Report, Final: true}, nil
}

func (x *vectors) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.request.AppendAnswer(dst, x.answer, &x.told, b)
}

// unstreamed is the part of an Exchange that answers in one piece do not have.
type unstreamed struct{}

var errNoStream = errors.New("this answer comes in one piece")

// Chunk refuses.
func (unstreamed) Chunk(dst []byte, _ string, _ []byte, _ *meter.Produced) ([]byte, Step, error) {
	return dst, Step{}, errNoStream
}

// AppendEnd appends nothing.
func (unstreamed) AppendEnd(dst []byte, _ *chat.Bill) []byte { return dst }

// AppendFailure appends nothing.
func (unstreamed) AppendFailure(dst, _ []byte, _ *chat.Bill) []byte { return dst }
