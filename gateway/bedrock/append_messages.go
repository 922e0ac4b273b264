package bedrock

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
)

func (w *writer) system() error {
	before := len(w.Dst)
	w.Raw(`,"system":[`)
	open := len(w.Dst)
	err := w.System(func(p *chat.Part) error {
		w.Comma(open)
		w.textBlock(p)
		return w.cache(p.CacheTTL)
	})
	if err != nil {
		return err
	}
	if len(w.Dst) == open {
		w.Dst = w.Dst[:before]
		return nil
	}
	w.Raw(`]`)
	return nil
}

func (w *writer) messages() error { return w.Messages(Origin, w.block) }

// block writes one part of a turn, and behind it the mark up to which the prompt may be kept.
func (w *writer) block(role chat.Role, p *chat.Part, at turns.Place) error {
	if err := w.content(role, p, at); err != nil {
		return err
	}
	if p.Kind == chat.Thinking || p.Kind == chat.Redacted {
		return nil // no mark may follow these
	}
	return w.cache(p.CacheTTL)
}

func (w *writer) content(role chat.Role, p *chat.Part, at turns.Place) error {
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
	w.Raw(`{"text":`)
	w.Text(p.Text)
	w.Raw(`}`)
}

// thinking is returned unmodified.
func (w *writer) thinking(p *chat.Part) {
	if p.Kind == chat.Redacted {
		w.Raw(`{"reasoningContent":{"redactedContent":`)
		w.Text(p.Signature)
	} else {
		w.Raw(`{"reasoningContent":{"reasoningText":{"text":`)
		w.Text(p.Text)
		w.Raw(`,"signature":`)
		w.Text(p.Signature)
		w.Raw(`}`)
	}
	w.Raw(`}}`)
}

// cache writes a mark: the prompt up to it may be kept. Five minutes are the vendor's default.
func (w *writer) cache(ttl string) error {
	switch ttl {
	case "":
	case "5m":
		w.Raw(`,{"cachePoint":{"type":"default"}}`)
	case "1h":
		w.Raw(`,{"cachePoint":{"type":"default","ttl":"1h"}}`)
	default:
		return w.Cannot("cache_control.ttl", "the vendor keeps prompts for 5m or 1h")
	}
	return nil
}
