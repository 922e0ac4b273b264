package anthropic

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// spotted is what matters of a block: its type, and where an image comes from.
type spotted struct {
	kind, source string
	data         int64 // bytes of source.data
	signed       string
}

// blocks looks at a content: a text, or blocks.
func (s *Scanner) blocks(q *Request, param string) error {
	kind := s.Kind()
	if kind == '"' {
		return s.said(q)
	}
	is, err := s.Array(func(int) error { return s.spot(q, param) })
	if err == nil && !is && kind != 'n' {
		err = refuse(param, "a content is a string or an array of blocks")
	}
	return err
}

// said goes over a value, and notes it if the conversation begins with it.
func (s *Scanner) said(q *Request) error {
	raw, _, err := s.Value()
	if err == nil && q.opens {
		q.beginning = append(q.beginning, raw...)
	}
	return err
}

// spot looks at one block. Text is bounded by its bytes, an image by a number of its own, most else not at all.
func (s *Scanner) spot(q *Request, param string) error {
	if q.blocks++; q.blocks > MaxBlocks {
		return refuse(param, "a request has at most %d blocks", MaxBlocks)
	}
	var b spotted
	is, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "type":
			if s.Kind() != '"' {
				return orRefuse(s.Skip(), param, "a block's type is a string")
			}
			return s.text(&b.kind)
		case "text":
			return s.said(q)
		case "source":
			_, err := s.Object(func(name []byte) error { return s.from(q, &b, name) })
			return err
		case "content":
			if s.Kind() != '[' {
				return s.Skip()
			}
			return s.blocks(q, param)
		case "signature", "data":
			return s.text(&b.signed)
		}
		if err := lookalike(name, "type", "source", "content"); err != nil {
			return err
		}
		return s.Skip()
	})
	if err == nil && !is {
		err = refuse(param, "a block is an object")
	}
	q.count(&b)
	return err
}

func orRefuse(err error, param, message string) error {
	if err != nil {
		return err
	}
	return refuse(param, "%s", message)
}

func (s *Scanner) from(q *Request, b *spotted, name []byte) error {
	switch string(name) {
	case "type":
		return s.text(&b.source)
	case "data":
		raw, _, err := s.Value()
		b.data = int64(len(raw))
		if err == nil && q.opens {
			q.beginning = append(q.beginning, raw...)
		}
		return err
	case "url":
		return s.said(q)
	}
	if err := lookalike(name, "type", "data"); err != nil {
		return err
	}
	return s.Skip()
}

func (q *Request) count(b *spotted) {
	switch b.kind {
	case "text", "tool_use", "tool_result", "search_result":
	case "thinking", "redacted_thinking":
		q.Foreign = q.Foreign || b.signed == "" || strings.HasPrefix(b.signed, foreign) || strings.HasPrefix(b.signed, ofCall)
	case "image":
		q.Uses |= chat.UsesImages
		switch q.images++; b.source {
		case "base64":
			q.inline += b.data
		case "url":
		default:
			q.opaque = true
		}
	case "document":
		if b.source != "text" && b.source != "content" {
			q.Uses |= chat.UsesFiles
		}
		q.opaque = q.opaque || b.source != "text"
	default:
		q.opaque = true
	}
}
