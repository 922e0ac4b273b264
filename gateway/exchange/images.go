package exchange

import (
	"bytes"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
)

// images is a request for images.
type images struct{ request *media.Drawing }

func readImages(q *Request) error {
	r, err := media.ReadDrawing(q.in.Body)
	if err != nil {
		return err
	}
	q.Model, q.Stream, q.Choices, q.other = r.Model, r.Stream, r.Count, images{r}
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

func (i images) bound(context, _ int64) int64 { return i.request.PromptBound(context) }

func (i images) prompt() (meter.Prompt, error) { return i.request.Prompt(), nil }

func (i images) extras() chat.Extras {
	return chat.Extras{Pieces: usage.Usage{usage.Image: i.request.Count}}
}

func (i images) ask(chat.Dialect) Ask { return Ask{Operation: Images, Stream: i.request.Stream} }

func (i images) with(_ chat.Dialect, told *chat.Told) (Exchange, error) {
	return &drawing{request: i.request, told: *told}, nil
}

// drawing takes a request for images to a vendor.
type drawing struct {
	request *media.Drawing
	told    chat.Told
	answer  *media.Drawn // for a stream, its last event, which is held back
}

func (x *drawing) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Splice(dst, o.Model), nil
}

func (*drawing) Failure(body []byte) *chat.Failure { return vendorOf(chat.OpenAI).reader.Failure(body) }

func (x *drawing) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.request.Answer(body, p)
	if err != nil {
		if f := x.Failure(body); f != nil {
			return Step{Failure: f}, nil
		}
		return Step{}, err
	}
	x.answer = a
	return Step{ID: a.ID, Finish: chat.Stopped, Report: a.Report, Final: true}, nil
}

func (x *drawing) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.answer.Append(dst, &x.told, b)
}

func (x *drawing) Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	a, err := x.request.Event(data, p)
	if err != nil || !a.Drawn() {
		if f := x.Failure(data); f != nil {
			return dst, Step{Failure: f}, nil
		}
	}
	if err != nil {
		return dst, Step{}, err
	}
	if a.Type != media.CompletedImage {
		return appendEvent(dst, name, data), Step{}, nil
	}
	x.answer = a.Own()
	return dst, Step{Finish: chat.Stopped, Report: a.Report, Final: true, Done: true}, nil
}

func (x *drawing) AppendEnd(dst []byte, b *chat.Bill) []byte { return x.answer.AppendEvent(dst, b) }

func (*drawing) AppendFailure(dst, failure []byte, _ *chat.Bill) []byte {
	return appendError(dst, failure)
}

// appendEvent appends an event as it came. Line ends in its data can only stand between two tokens of JSON.
func appendEvent(dst []byte, name string, data []byte) []byte {
	if name != "" {
		dst = append(append(append(dst, "event: "...), name...), '\n')
	}
	return append(append(append(dst, "data: "...), bytes.ReplaceAll(data, []byte("\n"), []byte(" "))...), "\n\n"...)
}

// appendError appends the event that ends a stream of OpenAI's which has events of several kinds.
func appendError(dst, failure []byte) []byte {
	return append(append(append(dst, "event: error\ndata: {\"type\":\"error\",\"error\":"...), failure...), "}\n\n"...)
}
