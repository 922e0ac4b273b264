// Package turns is what the writers of requests share for vendors whose conversations are turns: messages of a role that follow each other
// are one, results of tools stand right behind the calls, the system speaks elsewhere, and speakers have no names.
//
//	turns.go  the walk over the messages
//	call.go   calls of tools and their results
package turns

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Writer writes one request.
type Writer struct {
	jsonscan.Builder
	Request *chat.Request
	Options chat.Options
}

// Cannot refuses what the dialect has no word for, unless it may be left out.
func (w *Writer) Cannot(field, why string) error {
	if w.Options.DropUnsupported {
		return nil
	}
	return chat.Unsupported(field, why)
}

// Parameter is one that a request may have; Given says whether this one does.
type Parameter struct {
	Field string
	Given bool
}

// Check refuses the parameters that no dialect of turns has a word for, and further ones. One that asks for what is so anyway is none of them.
func (w *Writer) Check(further ...Parameter) error {
	const why = "the vendor has no such parameter"
	r := w.Request
	for _, p := range append([]Parameter{
		{"n", r.Choices > 1},
		{"frequency_penalty", !zero(r.FrequencyPenalty)},
		{"presence_penalty", !zero(r.PresencePenalty)},
		{"seed", r.Seed != ""},
	}, further...) {
		if p.Given {
			if err := w.Cannot(p.Field, why); err != nil {
				return err
			}
		}
	}
	for _, field := range r.Unsupported {
		if err := w.Cannot(field, why); err != nil {
			return err
		}
	}
	return nil
}

// zero says whether a number is none, or nought.
func zero(n chat.Number) bool {
	digits, _, _ := strings.Cut(strings.ToLower(string(n)), "e")
	return strings.Trim(digits, "-0.") == ""
}

// Place is where a part stands, for refusals.
type Place struct {
	Message, Part int
	Result        bool // within the result of a tool
}

func (p Place) String() string {
	s := "messages[" + strconv.Itoa(p.Message) + "].content"
	if p.Result {
		return s
	}
	return s + "[" + strconv.Itoa(p.Part) + "]"
}

// System calls text for each text of the system that is not empty, in order.
func (w *Writer) System(text func(p *chat.Part) error) error {
	for i := range w.Request.Messages {
		m := &w.Request.Messages[i]
		if m.Role != chat.System {
			continue
		}
		if err := w.name(m, i); err != nil {
			return err
		}
		for j := range m.Parts {
			p := &m.Parts[j]
			if p.Kind != chat.Text {
				return chat.Unsupported(Place{Message: i, Part: j}.String(), "the vendor takes nothing but text from the system")
			}
			if p.Text == "" {
				continue
			}
			if err := text(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// name refuses that of a speaker.
func (w *Writer) name(m *chat.Message, i int) error {
	if m.Name == "" {
		return nil
	}
	return w.Cannot("messages["+strconv.Itoa(i)+"].name", "the vendor has no names of speakers")
}

// Block writes one part of a turn.
type Block func(role chat.Role, p *chat.Part, at Place) error

// Messages writes the turns, as the member `messages`. Texts without a character are left out, which vendors refuse, and so is reasoning
// that was not signed by a vendor of the dialect origin.
func (w *Writer) Messages(origin string, block Block) error {
	t := turns{Writer: w, origin: origin, block: block}
	w.Raw(`,"messages":[`)
	open := len(w.Dst)
	all := w.Request.Messages
	for i := 0; i < len(all); {
		if t.silent(&all[i]) {
			i++
			continue
		}
		role, from := all[i].Role, i
		for i < len(all) && (all[i].Role == role || t.silent(&all[i])) {
			i++
		}
		w.Comma(open)
		w.Raw(`{"role":"` + string(role) + `","content":[`)
		if err := t.turn(role, from, i); err != nil {
			return err
		}
		w.Raw(`]}`)
	}
	if len(w.Dst) == open {
		return chat.Unsupported("messages", "the vendor wants a message that is not of the system")
	}
	w.Raw(`]`)
	return nil
}

// turns is one walk.
type turns struct {
	*Writer
	origin string
	block  Block
}

// silent says whether a message says nothing in its place.
func (t *turns) silent(m *chat.Message) bool {
	if m.Role == chat.System {
		return true
	}
	for i := range m.Parts {
		if !t.void(&m.Parts[i]) {
			return false
		}
	}
	return true
}

// void says whether a part is left out.
func (t *turns) void(p *chat.Part) bool {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		return p.Text == ""
	case chat.Thinking, chat.Redacted:
		return p.Origin != t.origin || p.Signature == ""
	default:
		return false
	}
}

// turn writes the blocks of the messages from one to another. Results of tools come first: vendors want them right behind the calls.
func (t *turns) turn(role chat.Role, from, to int) error {
	if role != chat.User && role != chat.Assistant {
		return chat.Unsupported("messages["+strconv.Itoa(from)+"].role", "the vendor has no such role")
	}
	open := len(t.Dst)
	for _, results := range []bool{true, false} {
		for i := from; i < to; i++ {
			m := &t.Request.Messages[i]
			if m.Role != role {
				continue
			}
			if results {
				if err := t.name(m, i); err != nil {
					return err
				}
			}
			for j := range m.Parts {
				p := &m.Parts[j]
				if (p.Kind == chat.ToolResult) != results || t.void(p) {
					continue
				}
				t.Comma(open)
				if err := t.block(role, p, Place{Message: i, Part: j}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
