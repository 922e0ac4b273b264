package bedrock

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
	before := len(w.dst)
	w.raw(`,"system":[`)
	open := len(w.dst)
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
			if p.Text == "" {
				continue
			}
			w.comma(open)
			w.textBlock(p)
			if err := w.cache(p.CacheTTL); err != nil {
				return err
			}
		}
	}
	if len(w.dst) == open {
		w.dst = w.dst[:before]
		return nil
	}
	w.raw(`]`)
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

// block writes one part of a turn, or nothing, and behind it the mark up to which the prompt may be kept.
func (w *writer) block(role chat.Role, p *chat.Part, at place, open int) error {
	if void(p) {
		return nil
	}
	w.comma(open)
	if err := w.content(role, p, at); err != nil {
		return err
	}
	if p.Kind == chat.Thinking || p.Kind == chat.Redacted {
		return nil // no mark may follow these
	}
	return w.cache(p.CacheTTL)
}

func (w *writer) content(role chat.Role, p *chat.Part, at place) error {
	user, assistant := role == chat.User, role == chat.Assistant
	switch {
	case p.Kind == chat.Text, p.Kind == chat.Refusal:
		w.textBlock(p)
		return nil
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
	case p.Kind == chat.Audio && p.Media != nil && user:
		return w.audio(p, at)
	}
	return chat.Unsupported(at.String(), "the vendor takes no such part in a message of this role")
}

func (w *writer) textBlock(p *chat.Part) {
	w.raw(`{"text":`)
	w.text(p.Text)
	w.raw(`}`)
}

// thinking is returned unmodified.
func (w *writer) thinking(p *chat.Part) {
	if p.Kind == chat.Redacted {
		w.raw(`{"reasoningContent":{"redactedContent":`)
		w.text(p.Signature)
	} else {
		w.raw(`{"reasoningContent":{"reasoningText":{"text":`)
		w.text(p.Text)
		w.raw(`,"signature":`)
		w.text(p.Signature)
		w.raw(`}`)
	}
	w.raw(`}}`)
}

// cache writes a mark: the prompt up to it may be kept. Five minutes are the vendor's default.
func (w *writer) cache(ttl string) error {
	switch ttl {
	case "":
	case "5m":
		w.raw(`,{"cachePoint":{"type":"default"}}`)
	case "1h":
		w.raw(`,{"cachePoint":{"type":"default","ttl":"1h"}}`)
	default:
		return w.cannot("cache_control.ttl", "the vendor keeps prompts for 5m or 1h")
	}
	return nil
}
