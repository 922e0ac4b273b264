package openai

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// choices reads the choices: what was produced goes to p, the finish reasons to a. part is "message" or "delta".
func (r *Reader) choices(a *Answer, part string, p *meter.Produced) error {
	if ok, err := r.Enter('['); err != nil || !ok {
		return err
	}
	for ; ; a.Choices++ {
		more, err := r.Element()
		if err != nil || !more {
			return err
		}
		if err := r.choice(a, part, p); err != nil {
			return err
		}
	}
}

func (r *Reader) choice(a *Answer, part string, p *meter.Produced) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	index := a.Choices
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "index":
			index, err = r.index(index)
		case part:
			err = r.produced(a, p, index)
		case "finish_reason":
			err = r.finish(a)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// index reads a small number; anything else leaves it as it was.
func (r *Reader) index(was int) (int, error) {
	raw, _, err := r.Value()
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseUint(string(raw), 10, 16); err == nil {
		return int(n), nil
	}
	return was, nil
}

func (r *Reader) finish(a *Answer) error {
	raw, _, err := r.Value()
	if err == nil && raw.Kind() == '"' {
		a.Finish = jsonscan.Unquoted(raw)
	}
	return err
}

// produced reads what a choice says, whole or a piece of it. Vendors call thoughts "reasoning" or "reasoning_content";
// who sends both says the same twice.
func (r *Reader) produced(a *Answer, p *meter.Produced, choice int) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	thought := false
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		from, start, is := r.Named().From, r.At(), speech
		switch string(name) {
		case "content":
			err = r.said(p, choice, 0, meter.Visible)
		case "refusal":
			err = r.said(p, choice, 0, meter.Refusal)
		case "reasoning", "reasoning_content":
			is = reasoning
			if thought {
				err = r.Skip()
			} else {
				thought = true
				err = r.said(p, choice, 0, meter.Reasoning)
			}
		case "reasoning_details":
			is = detailed
			err = r.thoughts(a)
		case "tool_calls":
			err = r.calls(p, choice)
		case "function_call":
			err = r.function(p, choice, 0)
		case "audio":
			err = r.audio(p, choice)
		case "images":
			err = r.other(p)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		if r.hide {
			a.veil(jsonscan.Span{From: from, To: r.At()}, start, is)
		}
	}
}

// said takes a string; a list of parts, which some vendors send, counts as something that was produced.
func (r *Reader) said(p *meter.Produced, choice, call int, kind meter.Kind) error {
	raw, _, err := r.Value()
	if err != nil {
		return err
	}
	switch first := raw.Kind(); {
	case first == '"':
		p.Add(choice, call, kind, raw)
	case (first == '[' || first == '{') && len(raw) > len("[]"):
		p.Mark()
	}
	return nil
}

// other notes what is no text.
func (r *Reader) other(p *meter.Produced) error {
	raw, _, err := r.Value()
	if err == nil && raw.Kind() == '[' && len(raw) > len("[]") {
		p.Mark()
	}
	return err
}

func (r *Reader) calls(p *meter.Produced, choice int) error {
	if ok, err := r.Enter('['); err != nil || !ok {
		return err
	}
	for i := 0; ; i++ {
		more, err := r.Element()
		if err != nil || !more {
			return err
		}
		if err := r.call(p, choice, i); err != nil {
			return err
		}
	}
}

// call reads one tool call. In a stream its index comes first; a vendor that sends it later only costs the estimate some
// of its precision.
func (r *Reader) call(p *meter.Produced, choice, call int) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "index":
			call, err = r.index(call)
		case "function", "custom":
			err = r.function(p, choice, call)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) function(p *meter.Produced, choice, call int) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "name":
			err = r.said(p, choice, call, meter.CallName)
		case "arguments", "input":
			err = r.said(p, choice, call, meter.CallArguments)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// audio counts what was spoken by its transcript.
func (r *Reader) audio(p *meter.Produced, choice int) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "transcript":
			err = r.said(p, choice, 0, meter.Transcript)
		case "data":
			raw, _, readErr := r.Value()
			if err = readErr; err == nil && len(raw) > len(`""`) && raw.Kind() == '"' {
				p.Mark()
			}
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}
