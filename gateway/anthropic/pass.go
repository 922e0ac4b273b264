package anthropic

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// Answer is what the gateway has to know of a message that passes through. It refers to the body, which must not change.
type Answer struct {
	Report  meter.Report
	Finish  string        // the stop_reason, as the vendor calls it
	Failure *chat.Failure // an error in place of a message

	body  []byte
	named named
	usage jsonscan.Span
	list  bool            // content is an array
	veil  []jsonscan.Span // texts of thoughts that are left out
	close int             // where the last brace stands
}

// named is where a message has its names.
type named struct{ id, model, provider jsonscan.Span }

// ID is the vendor's own id.
func (a *Answer) ID() string { return textAt(a.body, a.named.id) }

// Shaped says whether this is a message at all: it has a list of blocks.
func (a *Answer) Shaped() bool { return a.list }

func textAt(body []byte, at jsonscan.Span) string {
	if raw := body[at.From:at.To]; len(raw) > 1 && raw[0] == '"' {
		return jsonscan.Unquoted(raw)
	}
	return ""
}

// Answer reads a whole answer; what was produced is added to p.
func (s *Scanner) Answer(body []byte, p *meter.Produced) (Answer, error) {
	s.Lenient(body)
	defer s.Drop()
	a := Answer{body: body}
	s.counts = counts{}
	err := s.Whole(func(name []byte) (err error) {
		switch string(name) {
		case "id", "model", "provider":
			return s.name(&a.named, name)
		case "stop_reason":
			return s.text(&a.Finish)
		case "usage":
			a.usage, err = s.counts.merge(&s.scanner)
			return err
		case "error":
			a.Failure, err = s.failure()
			return err
		case "content":
			a.list, err = s.Array(func(i int) error { return s.produced(&a.veil, p, i) })
			return err
		}
		return s.Skip()
	})
	a.Report, a.close = s.counts.report(), s.Last().To-1
	return a, err
}

func (s *Scanner) name(to *named, name []byte) (err error) {
	at := &to.id
	switch string(name) {
	case "model":
		at = &to.model
	case "provider":
		at = &to.provider
	}
	_, *at, err = s.Value()
	return err
}

// produced adds what a block has, whole or its beginning, to what was produced. The text of a thought is noted in veil.
func (s *Scanner) produced(veil *[]jsonscan.Span, p *meter.Produced, index int) error {
	var kind string
	var at jsonscan.Span
	var visible, thought, call, input []byte
	is, err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			return s.text(&kind)
		case "text":
			visible, err = s.quoted()
		case "thinking":
			thought, err = s.quoted()
			at = jsonscan.Span{From: s.At() - len(thought), To: s.At()}
		case "name":
			call, err = s.quoted()
		case "input":
			input, _, err = s.Value()
		default:
			return s.Skip()
		}
		return err
	})
	if err != nil || !is {
		return err
	}
	switch kind {
	case "text":
		p.Add(0, index, meter.Visible, visible)
	case "thinking":
		p.Add(0, index, meter.Reasoning, thought)
		if s.hide && at.Given() {
			*veil = append(*veil, at)
		}
	case "tool_use", "server_tool_use":
		p.Add(0, index, meter.CallName, call)
		if len(input) > len(`{}`) {
			p.Add(0, index, meter.CallArguments, jsonscan.AppendString(nil, string(input)))
		}
	default:
		p.Mark()
	}
	return nil
}

// quoted reads a string as it stands in the body; nil for anything else.
func (s *Scanner) quoted() ([]byte, error) {
	raw, _, err := s.Value()
	if err != nil || raw.Kind() != '"' {
		return nil, err
	}
	return raw, nil
}
