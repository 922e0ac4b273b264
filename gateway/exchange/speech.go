package exchange

import (
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
)

// speech is a request for speech.
type speech struct{ request *media.Speaking }

func readSpeech(q *Request) error {
	r, err := media.ReadSpeaking(q.in.Body)
	if err != nil {
		return err
	}
	q.Model, q.Stream, q.Media, q.other = r.Model, r.Events, r.Media, speech{r}
	q.Provider, q.Models, q.Route, q.Opening = r.Provider, r.Models, r.Route, r.Opening
	return nil
}

func (s speech) bound(context, _ int64) int64 { return s.request.PromptBound(context) }

func (s speech) prompt() (meter.Prompt, error) { return s.request.Prompt(), nil }

func (s speech) extras() chat.Extras {
	return chat.Extras{Speaks: true, Pieces: usage.Usage{usage.Character: s.request.Characters}}
}

func (s speech) ask(chat.Dialect) Ask { return Ask{Operation: Speech, Stream: s.request.Events} }

func (s speech) with(_ chat.Dialect, told *chat.Told) (Exchange, error) {
	return &speaking{request: s.request, told: *told}, nil
}

// Sound is an Exchange whose whole answer is sound, which is passed on as it comes.
type Sound interface {
	Exchange
	// Heard notes in p that sound came.
	Heard(p *meter.Produced)
	// Untold is the report of sound that came to its end without one.
	Untold() meter.Report
	// Unpack appends the sound in an event of the vendor's, who was asked for events though the caller was not.
	Unpack(dst, data []byte) ([]byte, Step, error)
}

// speaking takes a text to a vendor that speaks it.
type speaking struct {
	request *media.Speaking
	told    chat.Told
	last    *media.Spoken // the last event of a stream, which is held back
	sound   []byte        // that is kept somewhere
}

var _ Sound = (*speaking)(nil)

func (x *speaking) Request(dst []byte, o chat.Options) ([]byte, error) {
	return x.request.Splice(dst, o.Model, o.CountsTokens), nil
}

func (*speaking) Failure(body []byte) *chat.Failure {
	return vendorOf(chat.OpenAI).reader.Failure(body)
}

func (x *speaking) Heard(p *meter.Produced) { x.request.Spoke(p) }

func (x *speaking) Untold() meter.Report { return x.request.Untold() }

// Whole takes sound that is kept somewhere.
func (x *speaking) Whole(body []byte, p *meter.Produced) (Step, error) {
	x.sound = body
	x.Heard(p)
	return Step{Finish: chat.Stopped, Report: x.Untold(), Final: true}, nil
}

func (x *speaking) AppendWhole(dst []byte, _ *chat.Bill) []byte { return append(dst, x.sound...) }

func (x *speaking) Unpack(dst, data []byte) ([]byte, Step, error) {
	a, step, err := x.event(data)
	if err != nil || a == nil || a.Type != media.SoundDelta {
		return dst, step, err
	}
	dst, err = a.AppendSound(dst)
	return dst, step, err
}

// event reads an event; none where it is a failure.
func (x *speaking) event(data []byte) (*media.Spoken, Step, error) {
	a, err := x.request.Event(data)
	if err != nil || a.Type != media.SoundDelta && a.Type != media.SoundDone {
		if f := x.Failure(data); f != nil {
			return nil, Step{Failure: f}, nil
		}
	}
	if err != nil {
		return nil, Step{}, err
	}
	if a.Type != media.SoundDone {
		return a, Step{}, nil
	}
	return a, Step{Finish: chat.Stopped, Report: a.Report, Final: true, Done: true}, nil
}

func (x *speaking) Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	a, step, err := x.event(data)
	switch {
	case err != nil || a == nil:
		return dst, step, err
	case a.Type == media.SoundDone:
		x.last = a.Own()
		return dst, step, nil
	case a.Type == media.SoundDelta && !p.Any():
		x.Heard(p)
	}
	return appendEvent(dst, name, data), step, nil
}

func (x *speaking) AppendEnd(dst []byte, b *chat.Bill) []byte { return x.last.AppendEnd(dst, b) }

// AppendFailure appends nothing to sound.
func (x *speaking) AppendFailure(dst, failure []byte, _ *chat.Bill) []byte {
	if !x.request.Events {
		return dst
	}
	return appendError(dst, failure)
}
