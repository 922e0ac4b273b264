package anthropic

import "strings"

// spotted is what matters of a block: its type, and where an image comes from.
type spotted struct {
	kind, source string
	data         int64 // bytes of source.data
	signed       string
}

// blocks looks at a content: a text, or blocks.
func (s *Scanner) blocks(q *Request, param string) error {
	kind := s.kind()
	is, err := s.array(func(int) error { return s.spot(q, param) })
	if err == nil && !is && kind != '"' && kind != 'n' {
		err = refuse(param, "a content is a string or an array of blocks")
	}
	return err
}

// spot looks at one block. Text is bounded by its bytes, an image by a number of its own, most else not at all.
func (s *Scanner) spot(q *Request, param string) error {
	if q.blocks++; q.blocks > MaxBlocks {
		return refuse(param, "a request has at most %d blocks", MaxBlocks)
	}
	var b spotted
	is, err := s.object(func(name []byte) error {
		switch string(name) {
		case "type":
			if s.kind() != '"' {
				return orRefuse(s.skip(), param, "a block's type is a string")
			}
			return s.text(&b.kind)
		case "source":
			_, err := s.object(func(name []byte) error { return s.from(&b, name) })
			return err
		case "content":
			if s.kind() != '[' {
				return s.skip()
			}
			return s.blocks(q, param)
		case "signature", "data":
			return s.text(&b.signed)
		}
		if err := lookalike(name, "type", "source", "content"); err != nil {
			return err
		}
		return s.skip()
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

func (s *Scanner) from(b *spotted, name []byte) error {
	switch string(name) {
	case "type":
		return s.text(&b.source)
	case "data":
		raw, _, err := s.value()
		b.data = int64(len(raw))
		return err
	}
	if err := lookalike(name, "type", "data"); err != nil {
		return err
	}
	return s.skip()
}

func (q *Request) count(b *spotted) {
	switch b.kind {
	case "text", "tool_use", "tool_result", "search_result":
	case "thinking", "redacted_thinking":
		q.Foreign = q.Foreign || b.signed == "" || strings.HasPrefix(b.signed, foreign) || strings.HasPrefix(b.signed, ofCall)
	case "image":
		switch q.images++; b.source {
		case "base64":
			q.inline += b.data
		case "url":
		default:
			q.opaque = true
		}
	case "document":
		q.opaque = q.opaque || b.source != "text"
	default:
		q.opaque = true
	}
}
