package sim

import (
	"bytes"
	"strings"
)

// anthropicDialogue is what of the messages so far decides whether the next one may follow.
type anthropicDialogue struct {
	last    anthropicTurn
	pending []string        // ids of tool_use in the last message, if it is the assistant's
	seen    map[string]bool // ids of tool_use in all messages
	// unthought is the assistant's last message with tool_use, if it does not begin with thinking, else -1.
	unthought int
}

// anthropicTurn is what is known of one message.
type anthropicTurn struct {
	index    int
	role     byte
	blocks   int
	bytes    int64
	parts    int64
	uses     []string // ids of tool_use
	results  []string // the tool_use_id of tool_result
	late     bool     // a tool_result comes after something else
	first    string   // the type of the first block
	trailing bool     // the last block is text that ends with white space
}

// messages reads all messages, each held against the one before.
func (a *anthropicReader) messages() error {
	p, q := a.p, a.q
	p.digest.Reset()
	q.messagePrompt, q.hasMessages = 0, true
	a.dialogue = anthropicDialogue{unthought: -1}
	n, err := p.items(func(i int) error { return a.message(i) })
	if err != nil {
		return err
	}
	if n == 0 {
		return invalid(codeEmpty, "messages", "messages: at least one message is required")
	}
	q.hash = p.digest.Sum64()
	return nil
}

func (a *anthropicReader) message(index int) error {
	p, t, filled := a.p, anthropicTurn{index: index}, false
	err := p.members(func(name []byte) error {
		switch string(name) {
		case "role":
			return a.role(&t)
		case "content":
			filled = true
			return a.content(&t)
		}
		return p.unknown()
	})
	switch {
	case err != nil:
		return err
	case t.role == 0:
		return p.lacks("role")
	case !filled:
		return p.lacks("content")
	}
	p.scratch = append(p.scratch[:0], t.role, 0xFF)
	_, _ = p.digest.Write(p.scratch)
	a.q.messagePrompt += messageTokens + wordTokens(t.bytes) + partTokens*t.parts
	return a.dialogue.add(&t)
}

func (a *anthropicReader) role(t *anthropicTurn) error {
	text, err := a.p.word()
	if err != nil {
		return err
	}
	switch t.role = roleOf(text); {
	case t.role == roleUser, t.role == roleAssistant:
		return nil
	case string(text) == "system":
		return invalid(codeValue, a.p.here(), "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, "+
			"not \"system\" as an input message role.")
	}
	return a.p.bad("Input should be 'user' or 'assistant'")
}

// content reads a message's text or blocks.
func (a *anthropicReader) content(t *anthropicTurn) error {
	if a.p.dec.PeekKind() == '"' {
		text, err := a.p.word()
		if err != nil || len(text) == 0 {
			return err // empty content is found later: the last assistant's may be empty
		}
		t.blocks, t.first = 1, "text"
		return a.text(t, text)
	}
	_, err := a.p.items(func(int) error { return a.block(t) })
	return err
}

// text takes a piece of the conversation's text.
func (a *anthropicReader) text(t *anthropicTurn, text []byte) error {
	t.bytes += int64(len(text))
	t.trailing = len(text) > 0 && strings.IndexByte(" \t\r\n", text[len(text)-1]) >= 0
	_, err := a.p.digest.Write(text)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		if len(text) == 0 {
			return invalid(codeValue, a.p.here(), "messages: text content blocks must be non-empty")
		}
		return invalid(codeValue, a.p.here(), "messages: text content blocks must contain non-whitespace text")
	}
	return err
}

// add holds a message against the one before it.
func (d *anthropicDialogue) add(t *anthropicTurn) error {
	switch {
	case t.index == 0 && t.role != roleUser:
		return invalid(codeOrder, "messages", "messages: first message must use the \"user\" role")
	case d.last.blocks == 0 && t.index > 0:
		return invalid(codeValue, "messages", "messages.%d: all messages must have non-empty content except for the optional final assistant message", d.last.index)
	}
	if err := d.answers(t); err != nil {
		return err
	}
	if len(t.uses) > 0 {
		if d.seen == nil {
			d.seen = make(map[string]bool)
		}
		for _, id := range t.uses {
			if d.seen[id] {
				return invalid(codeValue, "messages", "messages.%d: `tool_use` ids must be unique", t.index)
			}
			d.seen[id] = true
		}
		d.unthought = -1
		if t.first != "thinking" && t.first != "redacted_thinking" {
			d.unthought = t.index
		}
	}
	d.pending, d.last = t.uses, *t
	return nil
}

// answers makes sure that the results in a message are those of the calls in the one before it, and come first.
func (d *anthropicDialogue) answers(t *anthropicTurn) error {
	if len(t.results) == 0 && len(d.pending) == 0 {
		return nil
	}
	asked, answered := set(d.pending), set(t.results)
	for _, id := range t.results {
		if !asked[id] {
			return invalid(codeOrder, "messages", "messages.%d.content: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block "+
				"must have a corresponding `tool_use` block in the previous message.", t.index, clip(id))
		}
	}
	var open []string
	for _, id := range d.pending {
		if (!answered[id] || t.late) && len(open) < maxNamed {
			open = append(open, clip(id))
		}
	}
	if len(open) > 0 {
		return unanswered(t.index-1, open)
	}
	return nil
}

// maxNamed is how many ids a message names.
const maxNamed = 8

func unanswered(index int, ids []string) error {
	ids = ids[:min(len(ids), maxNamed)]
	return invalid(codeOrder, "messages", "messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block "+
		"must have a corresponding `tool_result` block in the next message.", index, strings.Join(ids, ", "))
}

// check holds the last message against what may stand at the end. thinks: with a budget for it.
func (d *anthropicDialogue) check(thinks bool) error {
	t := &d.last
	switch {
	case len(d.pending) > 0:
		return unanswered(t.index, d.pending)
	case t.blocks == 0 && t.role == roleUser:
		return invalid(codeValue, "messages", "messages.%d: user messages must have non-empty content", t.index)
	case t.role == roleAssistant && t.trailing:
		return invalid(codeValue, "messages", "messages: final assistant content cannot end with trailing whitespace")
	case thinks && len(t.results) > 0 && d.unthought == t.index-1:
		return invalid(codeOrder, "messages", "messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is "+
			"enabled, a final `assistant` message must start with a thinking block.", d.unthought)
	}
	return nil
}

// system reads the system prompt, which counts as a message.
func (a *anthropicReader) system() error {
	p := a.p
	before := p.digest
	p.digest.Reset()
	t := anthropicTurn{}
	if p.dec.PeekKind() == '"' {
		text, err := p.word()
		if err != nil {
			return err
		}
		t.bytes = int64(len(text))
		_, _ = p.digest.Write(text)
	} else {
		_, err := p.items(func(int) error {
			if err := a.block(&t); err != nil {
				return err
			}
			if t.parts > 0 || len(t.uses) > 0 || len(t.results) > 0 || t.first != "text" {
				return p.bad("Input should be a text block")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	a.systemPrompt = messageTokens + wordTokens(t.bytes)
	a.systemHash = p.digest.Sum64()
	p.digest = before
	return nil
}
