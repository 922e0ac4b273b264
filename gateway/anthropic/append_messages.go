package anthropic

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
)

// place is where a part stands, for refusals.
type place struct {
	message, part int
	result        bool // within the result of a tool
}

func (p place) String() string {
	s := "messages[" + strconv.Itoa(p.message) + "].content"
	if p.result {
		return s
	}
	return s + "[" + strconv.Itoa(p.part) + "]"
}

func (w *writer) system() error {
	var texts []*chat.Part
	cached := false
	for i := range w.request.Messages {
		m := &w.request.Messages[i]
		if m.Role != chat.System {
			continue
		}
		if err := w.name(m, i); err != nil {
			return err
		}
		for j := range m.Parts {
			p := &m.Parts[j]
			if p.Kind != chat.Text {
				return chat.Unsupported(place{i, j, false}.String(), "the vendor takes nothing but text from the system")
			}
			if p.Text != "" {
				texts, cached = append(texts, p), cached || p.CacheTTL != ""
			}
		}
	}
	switch {
	case len(texts) == 0:
		return nil
	case cached:
		w.raw(`,"system":[`)
		for i, p := range texts {
			if i > 0 {
				w.raw(`,`)
			}
			if err := w.textBlock(p); err != nil {
				return err
			}
		}
		w.raw(`]`)
		return nil
	}
	joint := texts[0].Text
	for _, p := range texts[1:] {
		joint += "\n\n" + p.Text
	}
	w.raw(`,"system":`)
	w.text(joint)
	return nil
}

// name refuses that of a speaker.
func (w *writer) name(m *chat.Message, i int) error {
	if m.Name == "" {
		return nil
	}
	return w.cannot("messages["+strconv.Itoa(i)+"].name", "the vendor has no names of speakers")
}

// messages writes the turns: those of a role that follow each other are one.
func (w *writer) messages() error {
	w.raw(`,"messages":[`)
	open := len(w.dst)
	all := w.request.Messages
	for i := 0; i < len(all); {
		if silent(&all[i]) {
			i++
			continue
		}
		role, from := all[i].Role, i
		for i < len(all) && (all[i].Role == role || silent(&all[i])) {
			i++
		}
		w.comma(open)
		w.raw(`{"role":"` + string(role) + `","content":[`)
		if err := w.turn(role, from, i); err != nil {
			return err
		}
		w.raw(`]}`)
	}
	if len(w.dst) == open {
		return chat.Unsupported("messages", "the vendor wants a message that is not of the system")
	}
	w.raw(`]`)
	return nil
}

// silent says whether a message says nothing in its place.
func silent(m *chat.Message) bool {
	if m.Role == chat.System {
		return true
	}
	for i := range m.Parts {
		if !void(&m.Parts[i]) {
			return false
		}
	}
	return true
}

// void says whether a part is left out: texts without a character, which the vendor refuses, and reasoning that it cannot read.
func void(p *chat.Part) bool {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		return p.Text == ""
	case chat.Thinking, chat.Redacted:
		return p.Origin != Origin || p.Signature == ""
	default:
		return false
	}
}

// turn writes the blocks of the messages from one to another. Results of tools come first: the vendor wants them right behind the calls.
func (w *writer) turn(role chat.Role, from, to int) error {
	if role != chat.User && role != chat.Assistant {
		return chat.Unsupported("messages["+strconv.Itoa(from)+"].role", "the vendor has no such role")
	}
	open := len(w.dst)
	for _, results := range []bool{true, false} {
		for i := from; i < to; i++ {
			m := &w.request.Messages[i]
			if m.Role != role {
				continue
			}
			if results {
				if err := w.name(m, i); err != nil {
					return err
				}
			}
			for j := range m.Parts {
				if (m.Parts[j].Kind == chat.ToolResult) != results {
					continue
				}
				if err := w.block(role, &m.Parts[j], place{i, j, false}, open); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// block writes one part of a turn, or nothing.
func (w *writer) block(role chat.Role, p *chat.Part, at place, open int) error {
	if void(p) {
		return nil
	}
	w.comma(open)
	user, assistant := role == chat.User, role == chat.Assistant
	switch {
	case p.Kind == chat.Text, p.Kind == chat.Refusal:
		return w.textBlock(p)
	case (p.Kind == chat.Thinking || p.Kind == chat.Redacted) && assistant:
		w.thinking(p)
		return nil
	case p.Kind == chat.ToolCall && p.Call != nil && assistant:
		return w.call(p, at)
	case p.Kind == chat.ToolResult && p.Result != nil && user:
		return w.result(p, at)
	case p.Kind == chat.Image && p.Media != nil && user:
		return w.image(p, at)
	case p.Kind == chat.File && p.Media != nil && user:
		return w.document(p, at)
	case p.Kind == chat.Audio:
		return chat.Unsupported(at.String(), "the vendor takes no sound")
	}
	return chat.Unsupported(at.String(), "the vendor takes no such part in a message of this role")
}

func (w *writer) textBlock(p *chat.Part) error {
	w.raw(`{"type":"text","text":`)
	w.text(p.Text)
	if err := w.cache(p.CacheTTL); err != nil {
		return err
	}
	w.raw(`}`)
	return nil
}

// thinking is returned unmodified; the vendor takes no mark of its cache on it.
func (w *writer) thinking(p *chat.Part) {
	if p.Kind == chat.Redacted {
		w.raw(`{"type":"redacted_thinking","data":`)
		w.text(p.Signature)
	} else {
		w.raw(`{"type":"thinking","thinking":`)
		w.text(p.Text)
		w.raw(`,"signature":`)
		w.text(p.Signature)
	}
	w.raw(`}`)
}
