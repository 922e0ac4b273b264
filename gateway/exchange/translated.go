package exchange

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// translated takes a call through the canonical form.
type translated struct {
	request *chat.Request
	vendor  vendorSide
	writer  chat.Writer
	told    chat.Told

	decoder chat.Decoder
	encoder chat.Encoder
	events  []chat.Event
	answer  *chat.Answer
	quoted  []byte // the last piece of text as a JSON string
	report  meter.Report
	ended   bool            // a completion has finished: what is reported from now on is the last word
	began   []chat.PartKind // of the parts of the stream, for the choice that is under way
	veil    *veil           // nil when the caller may see everything
}

func (x *translated) Request(dst []byte, o chat.Options) ([]byte, error) {
	if len(x.request.Unsupported) > 0 && !o.DropUnsupported {
		return dst, chat.Unsupported(x.request.Unsupported[0], "its vendor has nothing like it")
	}
	return x.vendor.appendRequest(dst, x.request, o)
}

func (x *translated) Failure(body []byte) *chat.Failure { return x.vendor.reader.Failure(body) }

func (x *translated) Whole(body []byte, p *meter.Produced) (Step, error) {
	a, err := x.vendor.reader.Answer(body)
	if err != nil {
		if f := x.vendor.reader.Failure(body); f != nil {
			return Step{Failure: f}, nil
		}
		return Step{}, err
	}
	if len(a.Choices) == 0 {
		return Step{}, domain.Errorf(domain.CodeInvalid, "the answer has no completion")
	}
	x.answer = a
	s := Step{ID: a.ID, Report: a.Report, Final: true}
	for i := range a.Choices {
		c := &a.Choices[i]
		s.Finish, s.Native = c.Finish, c.Native
		calls := 0
		for n := range c.Parts {
			part := &c.Parts[n]
			call := calls
			if part.Kind == chat.ToolCall {
				calls++
				x.add(p, c.Index, call, meter.CallName, part.Call.Name)
				x.add(p, c.Index, call, meter.CallArguments, part.Call.Arguments)
				continue
			}
			x.produced(p, c.Index, part.Kind, part.Text)
		}
	}
	return s, nil
}

func (x *translated) AppendWhole(dst []byte, b *chat.Bill) []byte {
	if x.veil != nil {
		x.veil.answer(x.answer)
	}
	if x.answer.Created != 0 {
		x.told.Created = x.answer.Created
	}
	return x.writer.Answer(dst, x.answer, &x.told, b)
}

func (x *translated) Chunk(dst []byte, name string, data []byte, p *meter.Produced) ([]byte, Step, error) {
	x.begin()
	var err error
	if x.events, err = x.decoder.Decode(name, data, x.events[:0]); err != nil {
		return dst, Step{}, err
	}
	var s Step
	for i := range x.events {
		e := &x.events[i]
		x.meter(e, p)
		switch e.Kind {
		case chat.Began:
			s.ID = e.ID
		case chat.Finished:
			s.Finish, s.Native, x.ended = e.Finish, e.Native, true
		case chat.Reported:
			s.Report = e.Report
		case chat.Ended:
			s.Done = true
		case chat.Broken:
			s.Failure = e.Failure
			return dst, s, nil
		case chat.PartBegan, chat.PartDelta, chat.PartEnded:
		}
		dst = x.encode(dst, e)
	}
	if s.Report.Given {
		s.Report.After(&x.report)
		x.report, s.Final = s.Report, x.ended
	}
	if s.Done {
		s.Report, s.Final = x.report, true
	}
	return dst, s, nil
}

// encode appends what the caller is told of an event.
func (x *translated) encode(dst []byte, e *chat.Event) []byte {
	if x.veil == nil {
		return x.encoder.Encode(dst, e)
	}
	x.veil.event(e, func(shown *chat.Event) { dst = x.encoder.Encode(dst, shown) })
	return dst
}

// begin prepares a stream.
func (x *translated) begin() {
	if x.decoder == nil {
		x.decoder, x.encoder = x.vendor.reader.Stream(), x.writer.Stream(&x.told)
	}
}

// meter notes what an event brings, in case the vendor does not report it.
func (x *translated) meter(e *chat.Event, p *meter.Produced) {
	switch e.Kind {
	case chat.PartBegan:
		for len(x.began) <= e.Part {
			x.began = append(x.began, 0)
		}
		x.began[e.Part] = e.Header.Kind
		if e.Header.Call != nil {
			x.add(p, e.Choice, e.Part, meter.CallName, e.Header.Call.Name)
		} else if e.Header.Kind != chat.Text {
			x.produced(p, e.Choice, e.Header.Kind, "")
		}
	case chat.PartDelta:
		if e.Part < len(x.began) && x.began[e.Part] == chat.ToolCall {
			x.add(p, e.Choice, e.Part, meter.CallArguments, e.Delta)
		} else if e.Part < len(x.began) && e.Delta != "" {
			x.produced(p, e.Choice, x.began[e.Part], e.Delta)
		}
	case chat.Began, chat.PartEnded, chat.Finished, chat.Reported, chat.Ended, chat.Broken:
	}
}

func (x *translated) produced(p *meter.Produced, choice int, kind chat.PartKind, text string) {
	switch kind {
	case chat.Text:
		x.add(p, choice, 0, meter.Visible, text)
	case chat.Refusal:
		x.add(p, choice, 0, meter.Refusal, text)
	case chat.Thinking:
		x.add(p, choice, 0, meter.Reasoning, text)
	case chat.Redacted, chat.Image, chat.File, chat.Audio:
		p.Mark()
	case chat.ToolCall, chat.ToolResult:
	}
}

func (x *translated) add(p *meter.Produced, choice, call int, kind meter.Kind, text string) {
	if text == "" {
		return
	}
	x.quoted, _ = jsontext.AppendQuote(x.quoted[:0], text) // broken UTF-8 is replaced
	p.Add(choice, call, kind, x.quoted)
}

func (x *translated) AppendEnd(dst []byte, b *chat.Bill) []byte {
	x.begin()
	x.events = x.decoder.End(x.events[:0])
	for i := range x.events {
		dst = x.encode(dst, &x.events[i])
	}
	return x.encoder.End(dst, b)
}

func (x *translated) AppendFailure(dst, failure []byte, b *chat.Bill) []byte {
	x.begin()
	return x.encoder.Fail(dst, failure, b)
}
