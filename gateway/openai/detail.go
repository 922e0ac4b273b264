package openai

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// The kinds of reasoning_details, which OpenRouter added to the dialect.
const (
	detailText      = "reasoning.text"
	detailSummary   = "reasoning.summary"
	detailEncrypted = "reasoning.encrypted"
)

// The origins of signatures: see chat.Part.
const (
	OriginOpenAI    = "openai"
	OriginAnthropic = "anthropic"
	OriginGemini    = "gemini"
)

// detail is an element of reasoning_details.
type detail struct {
	kind, text, signature, format, id string
	index                             int64 // -1 for none
}

// readDetail reads an element of reasoning_details.
func readDetail(s *scan.Scanner) (detail, error) {
	d := detail{index: -1}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			d.kind, err = s.String()
		case "text", "summary":
			d.text, err = s.String()
		case "signature", "data":
			d.signature, err = s.String()
		case "format":
			d.format, err = s.String()
		case "id":
			d.id, err = s.String()
		case "index":
			n, given, readErr := s.Whole(0, 1<<20)
			if err = readErr; given {
				d.index = n
			}
		default:
			err = s.Skip()
		}
		return err
	})
	return d, err
}

// known says whether this form has a place for it.
func (d *detail) known() bool {
	switch d.kind {
	case detailText, detailSummary:
		return true
	case detailEncrypted:
		return d.signature != ""
	}
	return false
}

// part is the part that a detail is, or begins.
func (d *detail) part() chat.Part {
	p := chat.Part{Kind: chat.Thinking, Text: d.text, Signature: d.signature, Origin: OriginOf(d.format)}
	if d.kind == detailEncrypted {
		p.Kind, p.Text = chat.Redacted, ""
	}
	if p.Origin == "" {
		p.Origin = OriginOpenAI // it came in this dialect
	}
	return p
}

// thoughts makes parts of details. What a stream brought in pieces, and a client kept as pieces, becomes whole again. The
// signatures of calls are returned by the calls' ids.
func thoughts(details []detail, called func(id string) bool) (parts []chat.Part, calls map[string]chat.Part) {
	last := int64(-1)
	var text strings.Builder // of the last part
	finish := func() {
		if n := len(parts) - 1; n >= 0 && text.Len() > 0 {
			parts[n].Text = text.String()
		}
		text.Reset()
	}
	for i := range details {
		d := &details[i]
		if !d.known() {
			continue
		}
		p := d.part()
		if p.Kind == chat.Redacted && d.id != "" && called(d.id) {
			if calls == nil {
				calls = make(map[string]chat.Part)
			}
			calls[d.id] = p
			continue
		}
		if n := len(parts) - 1; n >= 0 && d.index >= 0 && d.index == last && continues(&parts[n], &p) {
			text.WriteString(p.Text)
			parts[n].Signature = p.Signature
			if d.format != "" {
				parts[n].Origin = p.Origin
			}
			continue
		}
		finish()
		text.WriteString(p.Text)
		p.Text = ""
		parts, last = append(parts, p), d.index
	}
	finish()
	return parts, calls
}

// continues says whether a piece belongs to the part before it: nothing comes after a signature.
func continues(part, piece *chat.Part) bool {
	return part.Kind == chat.Thinking && piece.Kind == chat.Thinking && part.Signature == ""
}

// appendDetail appends an element of reasoning_details. id is that of a call that the signature belongs to.
func appendDetail(dst []byte, p *chat.Part, id string, index int) []byte {
	var l scan.List
	dst = append(dst, '{')
	if p.Kind == chat.Thinking {
		dst = l.String(dst, "type", detailText)
		dst = l.Given(dst, "text", p.Text)
		dst = l.Given(dst, "signature", p.Signature)
	} else {
		dst = l.String(dst, "type", detailEncrypted)
		dst = l.String(dst, "data", p.Signature)
	}
	dst = l.Given(dst, "id", id)
	dst = l.Given(dst, "format", FormatOf(p.Origin))
	if index >= 0 {
		dst = strconv.AppendInt(l.Name(dst, "index"), int64(index), 10)
	}
	return append(dst, '}')
}

// OriginOf is the origin of a signature in OpenRouter's "format"; formats that have none here are origins of their own.
func OriginOf(format string) string {
	switch format {
	case "anthropic-claude-v1":
		return OriginAnthropic
	case "google-gemini-v1":
		return OriginGemini
	case "openai-responses-v1":
		return OriginOpenAI
	case "unknown":
		return ""
	}
	return format
}

// FormatOf is OpenRouter's "format" of an origin; "" for none.
func FormatOf(origin string) string {
	switch origin {
	case OriginAnthropic:
		return "anthropic-claude-v1"
	case OriginGemini:
		return "google-gemini-v1"
	case OriginOpenAI:
		return "openai-responses-v1"
	}
	return origin
}
