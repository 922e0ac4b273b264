package exchange

import (
	"mime"
	"strings"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
)

// transcription is a request for the text of a sound.
type transcription struct{ request *media.Hearing }

func readTranscription(q *Request) error {
	r, err := media.ReadHearing(q.in.Body, q.in.Boundary)
	if err != nil {
		return err
	}
	q.Model, q.Stream, q.Media, q.other = r.Model, r.Stream, r.Media, transcription{r}
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

// bound: nothing but the model's context bounds what sound has in tokens.
func (transcription) bound(context, _ int64) int64 { return context }

func (t transcription) prompt() (meter.Prompt, error) { return t.request.Prompt(), nil }

func (t transcription) extras() chat.Extras {
	return chat.Extras{Sound: true, Pieces: usage.Usage{usage.Second: t.request.Seconds}}
}

func (t transcription) ask(chat.Dialect) Ask {
	return Ask{Operation: Transcription, Stream: t.request.Stream}
}

func (t transcription) with(_ chat.Dialect, _ *chat.Told) (Exchange, error) {
	return &hearing{request: t.request}, nil
}

// Boundary is the boundary that a Content-Type names; ok is false when it is not that of a form.
func Boundary(contentType string) (boundary string, ok bool) { return media.Boundary(contentType) }

// Form is an Exchange whose request is no JSON.
type Form interface {
	// ContentType is that of the request.
	ContentType() string
	// Takes says whether a whole answer of a media type can be what was asked for.
	Takes(contentType string) bool
}

// hearing takes a sound to a vendor that writes it down.
type hearing struct {
	request *media.Hearing
	tokens  bool // are what costs
	answer  *media.Written
}

var _ Form = (*hearing)(nil)

func (x *hearing) Request(dst []byte, o chat.Options) ([]byte, error) {
	x.tokens = o.CountsTokens
	return x.request.Append(dst, o.Model), nil
}

func (x *hearing) ContentType() string { return x.request.ContentType() }

// Takes: where a text is wanted, JSON or a page is none.
func (x *hearing) Takes(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || x.request.Media == "" {
		return x.request.Media == ""
	}
	return strings.HasPrefix(kind, "text/") && kind != "text/html" || kind == "application/x-subrip"
}

func (*hearing) Failure(body []byte) *chat.Failure { return vendorOf(chat.OpenAI).reader.Failure(body) }

func (x *hearing) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.request.Answer(body, p)
	if err != nil {
		if f := x.Failure(body); f != nil {
			return Step{Failure: f}, nil
		}
		return Step{}, err
	}
	x.request.Heard(p, x.tokens)
	x.answer = a
	return Step{Finish: chat.Stopped, Report: a.Report, Final: true}, nil
}

func (x *hearing) AppendWhole(dst []byte, b *chat.Bill) []byte {
	return x.request.AppendAnswer(dst, x.answer, b)
}

func (x *hearing) Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	first := !p.Any()
	a, err := x.request.Event(data, p)
	if err != nil || a.Type != media.TextDelta && a.Type != media.TextDone {
		if f := x.Failure(data); f != nil {
			return dst, Step{Failure: f}, nil
		}
	}
	if err != nil {
		return dst, Step{}, err
	}
	if first && (a.Type == media.TextDelta || a.Type == media.TextDone) {
		x.request.Heard(p, x.tokens)
	}
	if a.Type != media.TextDone {
		return appendEvent(dst, name, data), Step{}, nil
	}
	x.answer = a.Own()
	return dst, Step{Finish: chat.Stopped, Report: a.Report, Final: true, Done: true}, nil
}

func (x *hearing) AppendEnd(dst []byte, b *chat.Bill) []byte {
	return x.request.AppendEnd(dst, x.answer, b)
}

func (*hearing) AppendFailure(dst, failure []byte, _ *chat.Bill) []byte {
	return appendError(dst, failure)
}
