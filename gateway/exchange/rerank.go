package exchange

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/rerank"
)

// documents is a request that sorts documents.
type documents struct{ request *rerank.Request }

func readRerank(q *Request) error {
	r, err := rerank.Read(q.in.Body)
	if err != nil {
		return err
	}
	q.Model, q.Prompts, q.other = r.Model, r.Prompts(), documents{r}
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

func (d documents) bound(context, _ int64) int64 { return d.request.PromptBound(context) }

func (d documents) prompt() (meter.Prompt, error) { return d.request.Prompt(), nil }

func (d documents) extras() chat.Extras { return d.request.Extras() }

func (documents) ask(chat.Dialect) Ask { return Ask{Operation: Rerank} }

func (d documents) with(_ chat.Dialect, told *chat.Told) (Exchange, error) {
	return &ranking{request: d.request, told: *told}, nil
}

// ranking takes documents to a vendor.
type ranking struct {
	unstreamed
	request *rerank.Request
	told    chat.Told
	answer  *rerank.Answer
}

func (x *ranking) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Splice(dst, o.Model), nil
}

func (*ranking) Failure(body []byte) *chat.Failure { return vendorOf(chat.OpenAI).reader.Failure(body) }

func (x *ranking) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.request.Answer(body)
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

func (x *ranking) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.told, b)
}
