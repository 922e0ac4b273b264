package exchange

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

// veil hides the thoughts of an answer from a caller who does not want to see them. What it leaves are signatures, and reasoning that only its
// vendor can read: without them the conversation could not go on.
type veil struct {
	parts []veiled
	shown map[int]int // how many parts of a choice its caller has seen begin
}

// veiled is a part of a stream.
type veiled struct {
	choice, part int
	number       int       // as the caller knows it; -1 while it is hidden
	header       chat.Part // of a thought
}

// hidden says whether a caller does not want to see the thoughts of the model.
func hidden(r *chat.Request) bool { return r.Reasoning.Show != nil && !*r.Reasoning.Show }

// answer hides the thoughts of a whole answer.
func (v *veil) answer(a *chat.Answer) {
	for i := range a.Choices {
		c := &a.Choices[i]
		for j := range c.Parts {
			if c.Parts[j].Kind == chat.Thinking {
				c.Parts[j].Text = ""
			}
		}
		c.Parts = slices.DeleteFunc(c.Parts, func(p chat.Part) bool { return p.Kind == chat.Thinking && p.Signature == "" })
	}
}

// event hands an event of a stream on, perhaps changed. A thought is only told of when it is known to have a signature, so that the parts behind
// it have other numbers.
func (v *veil) event(event *chat.Event, show func(*chat.Event)) {
	e := *event
	switch e.Kind {
	case chat.PartBegan:
		p := veiled{choice: e.Choice, part: e.Part, number: -1}
		if e.Header.Kind == chat.Thinking {
			p.header = e.Header
			p.header.Text = ""
		}
		v.parts = append(v.parts, p)
		if last := &v.parts[len(v.parts)-1]; e.Header.Kind != chat.Thinking || e.Header.Signature != "" {
			v.begin(last, &e, show)
		}
		return
	case chat.PartDelta, chat.PartEnded:
		p := v.find(&e)
		if p == nil {
			return
		}
		if p.header.Kind == chat.Thinking {
			if e.Delta = ""; e.Signature == "" && e.Kind == chat.PartDelta {
				return
			}
			if p.number < 0 && e.Signature != "" {
				v.begin(p, &chat.Event{Kind: chat.PartBegan, Choice: e.Choice, Header: p.header}, show)
			}
		}
		if p.number < 0 {
			return
		}
		e.Part = p.number
	case chat.Began, chat.Finished, chat.Reported, chat.Ended, chat.Broken:
	}
	show(&e)
}

// begin tells of a part, under the next number of its choice.
func (v *veil) begin(p *veiled, e *chat.Event, show func(*chat.Event)) {
	if v.shown == nil {
		v.shown = make(map[int]int)
	}
	p.number = v.shown[p.choice]
	v.shown[p.choice]++
	e.Part = p.number
	if e.Header.Kind == chat.Thinking {
		e.Header.Text = ""
	}
	show(e)
}

func (v *veil) find(e *chat.Event) *veiled {
	for i := range slices.Backward(v.parts) {
		if p := &v.parts[i]; p.choice == e.Choice && p.part == e.Part {
			return p
		}
	}
	return nil
}
