package responses

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Reader reads what vendors of this dialect answer. It is a chat.Reader and has no state.
type Reader struct{}

var _ chat.Reader = Reader{}

// read is a response as a vendor tells it.
type read struct {
	id, status, reason string
	created            int64
	items              []received
	report             meter.Report
	failure            *chat.Failure
	listed             bool
}

// Answer reads a whole answer. A response that failed, or that is not at its end, is none.
func (Reader) Answer(body []byte) (*chat.Answer, error) {
	s := new(scan.Scanner)
	s.Lenient(body)
	r, err := readWhole(s)
	switch {
	case err != nil:
		return nil, err
	case !r.listed || r.failure != nil || r.status != completed && r.status != incomplete:
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is no response that came to its end")
	}
	c := chat.Choice{}
	calls := false
	for i := range r.items {
		c.Parts = append(c.Parts, r.items[i].parts()...)
		calls = calls || r.items[i].kind == "function_call"
	}
	c.Finish, c.Native = r.finish(calls)
	return &chat.Answer{ID: r.id, Created: r.created, Choices: []chat.Choice{c}, Report: r.report}, nil
}

// Failure reads the error in a body; nil when there is none in it.
func (Reader) Failure(body []byte) *chat.Failure {
	s := new(scan.Scanner)
	s.Lenient(body)
	if r, err := readWhole(s); err == nil {
		return r.failure
	}
	return nil
}

func readWhole(s *scan.Scanner) (*read, error) {
	if s.Kind() != '{' {
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is not a JSON object")
	}
	r, err := readResponse(s)
	if err == nil {
		err = s.End()
	}
	return r, err
}

// finish says why a response ended.
func (r *read) finish(calls bool) (finish chat.Finish, native string) {
	native = r.status
	if r.reason != "" {
		native = r.reason
	}
	switch {
	case r.status == incomplete && r.reason == "content_filter":
		return chat.ContentFilter, native
	case r.status == incomplete:
		return chat.Length, native
	case calls:
		return chat.ToolCalls, native
	}
	return chat.Stopped, native
}

func readResponse(s *scan.Scanner) (*read, error) {
	r := new(read)
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			r.id, err = s.String()
		case "created_at":
			r.created, _, err = s.Whole(0, 253402300799)
		case "status":
			r.status, err = s.String()
		case "incomplete_details":
			err = s.Object(func(name []byte) (err error) {
				if string(name) != "reason" {
					return s.Skip()
				}
				r.reason, err = s.String()
				return err
			})
		case "error":
			r.failure, err = readFailure(s)
		case "usage":
			err = readUsage(s, &r.report)
		case "service_tier":
			r.report.Tier, err = s.String()
		case "output":
			r.listed = s.Kind() == '['
			err = s.Array(func(int) error {
				it, err := readItem(s)
				r.items = append(r.items, it)
				return err
			})
		default:
			err = s.Skip()
		}
		return err
	})
	r.searches()
	return r, err
}

// searches counts the calls of the vendor's own web search, which its usage does not have.
func (r *read) searches() {
	var n int64
	for i := range r.items {
		if r.items[i].kind == "web_search_call" {
			n++
		}
	}
	r.report.Set(usage.Search, n)
}

// readFailure reads an error object or text; nil for null. It is the same in all of OpenAI's dialects.
func readFailure(s *scan.Scanner) (*chat.Failure, error) {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return nil, err
	}
	return openai.Canonical{}.Failure(append(append([]byte(`{"error":`), raw...), '}')), nil
}

// readUsage reads usage; what are no whole numbers break the report.
func readUsage(s *scan.Scanner, u *meter.Report) error {
	switch s.Kind() {
	case 'n':
		return s.Skip()
	case '{':
		*u = meter.Report{Given: true, Tier: u.Tier}
	default:
		*u = meter.Report{Given: true, Broken: true, Tier: u.Tier}
	}
	return s.Object(func(name []byte) error {
		switch string(name) {
		case "input_tokens":
			return readTokens(s, u, &u.Prompt)
		case "output_tokens":
			return readTokens(s, u, &u.Completion)
		case "total_tokens":
			u.HasTotal = s.Kind() != 'n'
			return readTokens(s, u, &u.Total)
		case "input_tokens_details":
			return readDetails(s, u, usage.AudioInput, usage.ImageInput)
		case "output_tokens_details":
			return readDetails(s, u, usage.AudioOutput, usage.ImageOutput)
		}
		return s.Skip()
	})
}

// readDetails reads the inner objects; their names do not overlap, but for those of sound and of pictures.
func readDetails(s *scan.Scanner, u *meter.Report, sound, picture usage.Class) error {
	units := func(class usage.Class) error {
		n := u.Media[class]
		err := readTokens(s, u, &n)
		u.Set(class, n)
		return err
	}
	return s.Object(func(name []byte) error {
		switch string(name) {
		case "cached_tokens":
			return readTokens(s, u, &u.Cached)
		case "cache_write_tokens":
			return readTokens(s, u, &u.CacheWrite)
		case "reasoning_tokens":
			return readTokens(s, u, &u.Reasoning)
		case "audio_tokens":
			return units(sound)
		case "image_tokens":
			return units(picture)
		}
		return s.Skip()
	})
}

// readTokens reads a count; null is none.
func readTokens(s *scan.Scanner, u *meter.Report, to *int64) error {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || bytes.ContainsAny(raw, ".eE") {
		u.Broken = true
		return nil
	}
	*to = n
	return nil
}

// received is an item of a vendor's output.
type received struct {
	kind, callID, name, arguments string
	summary, content              []said
	encrypted, format, result     string
}

// said is a part of an item.
type said struct{ kind, text string }

func readItem(s *scan.Scanner) (received, error) {
	var it received
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			it.kind, err = s.String()
		case "call_id":
			it.callID, err = s.String()
		case "name":
			it.name, err = s.String()
		case "arguments":
			it.arguments, err = s.String()
		case "summary":
			it.summary, err = readSaid(s)
		case "content":
			it.content, err = readSaid(s)
		case "encrypted_content":
			it.encrypted, err = s.String()
		case "format":
			it.format, err = s.String()
		case "result":
			it.result, err = s.String()
		default:
			err = s.Skip()
		}
		return err
	})
	return it, err
}

func readSaid(s *scan.Scanner) (parts []said, err error) {
	err = s.Array(func(int) error {
		var p said
		err := s.Object(func(name []byte) (err error) {
			switch string(name) {
			case "type":
				p.kind, err = s.String()
			case "text", "refusal":
				p.text, err = s.String()
			default:
				err = s.Skip()
			}
			return err
		})
		parts = append(parts, p)
		return err
	})
	return parts, err
}

// part is the part of an answer that a part of a message is; one without a kind if it is none.
func (s *said) part() chat.Part {
	switch s.kind {
	case "output_text":
		return chat.Part{Kind: chat.Text, Text: s.text}
	case "refusal":
		return chat.Part{Kind: chat.Refusal, Text: s.text}
	}
	return chat.Part{}
}

// between stands between the parts of a summary.
const between = "\n\n"

// parts are the parts that an item is; none for an item that this form has no place for.
func (it *received) parts() []chat.Part {
	switch it.kind {
	case "message":
		var parts []chat.Part
		for i := range it.content {
			if p := it.content[i].part(); p.Kind != 0 {
				parts = append(parts, p)
			}
		}
		return parts
	case "function_call":
		return []chat.Part{{Kind: chat.ToolCall, Call: &chat.Call{ID: it.callID, Name: it.name, Arguments: it.arguments}}}
	case "image_generation_call":
		if it.result != "" {
			return []chat.Part{{Kind: chat.Image, Media: &chat.Media{MIME: "image/png", Data: it.result}}}
		}
	case "reasoning":
		if p := it.thought(); p.Text != "" || p.Signature != "" {
			return []chat.Part{p}
		}
	}
	return nil
}

func (it *received) thought() chat.Part {
	texts := it.summary
	if len(texts) == 0 {
		texts = it.content
	}
	all := make([]string, len(texts))
	for i := range texts {
		all[i] = texts[i].text
	}
	p := chat.Part{Kind: chat.Thinking, Text: strings.Join(all, between)}
	if it.encrypted != "" {
		if call := open(&p, it.encrypted, it.format); call != "" {
			return chat.Part{} // of a call that another gateway wrapped
		}
		if len(texts) == 0 {
			p.Kind = chat.Redacted
		}
	}
	return p
}
