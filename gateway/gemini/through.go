package gemini

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Scanner reads requests, answers and events of calls whose caller and vendor both speak this dialect, as far as the gateway
// has to know them: their bytes pass through. The zero value is ready; one Scanner serves one call at a time.
type Scanner struct {
	parser
	quoted []byte // scratch
	called bool   // the call's answer has a call
}

// Request is what the gateway has to know of a generateContent. It refers to the body, which must not change.
type Request struct {
	Model   string
	Stream  bool
	Choices int64 // candidateCount
	Cap     int64 // output tokens of one choice; 0 when the caller gave none
	// Foreign: a thought has the signature of another dialect's vendor, which no Gemini model may be sent. Such a call takes the
	// canonical form.
	Foreign bool

	body   []byte
	config span // the value of generationConfig
	blank  bool // it is an object without members
	limit  span // the value of maxOutputTokens
	close  int  // where the body's last brace stands

	contents int64
	images   int64
	inline   int64 // bytes of images that stand in the body
	opaque   bool  // something whose tokens the body's bytes do not bound
}

// Request reads a body; model and stream are what its address says. Errors are invalid_request, with the detail "param" when one
// member is to blame. Members that nobody here has heard of are the vendor's to judge.
func (s *Scanner) Request(body []byte, model string, stream bool) (*Request, error) {
	s.begin(body)
	defer s.drop()
	q := &Request{Model: model, Stream: stream, Choices: 1, body: body}
	if kind := s.peek(); kind != '{' && kind != 0 {
		return nil, s.refuse("is not a JSON object")
	}
	if err := s.fields(func(name string) error { return s.member(q, name) }); err != nil {
		return nil, err
	}
	q.close = s.at() - 1
	if err := s.only(); err != nil {
		return nil, err
	}
	if q.contents == 0 {
		s.path = []string{"contents"}
		return nil, s.refuse("is required and not empty")
	}
	return q, nil
}

func (s *Scanner) begin(body []byte) {
	s.strict(body)
	s.path, s.unsupported, s.called = s.path[:0], nil, false
}

func (s *Scanner) member(q *Request, name string) error {
	switch name {
	case "contents":
		return s.list(func(i int) error {
			if q.contents++; i == MaxContents {
				return s.refuse("is one too many")
			}
			return s.content(q)
		})
	case "systemInstruction":
		return s.content(q)
	case "tools":
		return s.list(func(int) error {
			return s.fields(func(name string) error {
				q.opaque = q.opaque || (name != "functionDeclarations" && s.peek() != 'n') // what it finds becomes a part of the prompt
				return s.skip()
			})
		})
	case "cachedContent":
		q.opaque = q.opaque || s.peek() != 'n'
		return s.skip()
	case "generationConfig":
		return s.generation(q)
	case "model":
		if err := s.skip(); err != nil {
			return err
		}
		return s.refuse("stands in the address, not in the body")
	}
	return s.skip()
}

func (s *Scanner) generation(q *Request) error {
	if s.peek() == 'n' {
		_, at, err := s.value()
		q.config = at
		return err
	}
	if s.peek() != '{' {
		return s.fields(nil) // which refuses it
	}
	from := s.at() + bytes.IndexByte(s.body[s.at():], '{') // a colon and blanks come first
	q.blank = true
	err := s.fields(func(name string) (err error) {
		q.blank = false
		switch name {
		case "maxOutputTokens":
			q.Cap, _, err = s.whole(1, MaxCap)
			q.limit = s.seen
		case "candidateCount":
			var n int64
			if n, _, err = s.whole(1, MaxChoices); n > 0 {
				q.Choices = n
			}
		default:
			err = s.skip()
		}
		return err
	})
	q.config = span{from, s.at()}
	return err
}

// content looks for what the bytes of a turn do not bound.
func (s *Scanner) content(q *Request) error {
	return s.fields(func(name string) error {
		if name != "parts" {
			return s.skip()
		}
		return s.list(func(int) error {
			return s.fields(func(name string) error { return s.part(q, name) })
		})
	})
}

func (s *Scanner) part(q *Request, name string) error {
	switch name {
	case "text", "thought", "functionCall", "executableCode", "codeExecutionResult":
		return s.skip()
	case "thoughtSignature":
		signature, err := s.string()
		_, _, _, foreign := parseWrapped(signature)
		q.Foreign = q.Foreign || foreign
		return err
	case "functionResponse":
		return s.fields(func(name string) error {
			if name != "parts" {
				return s.skip()
			}
			return s.list(func(int) error {
				return s.fields(func(name string) error { return s.part(q, name) })
			})
		})
	case "inlineData":
		return s.inlineData(q)
	}
	q.opaque = q.opaque || s.peek() != 'n'
	return s.skip()
}

func (s *Scanner) inlineData(q *Request) error {
	mime, size := "", 0
	err := s.fields(func(name string) (err error) {
		switch name {
		case "mimeType":
			mime, err = s.string()
		case "data":
			var v jsontext.Value
			v, _, err = s.value()
			size = len(v)
		default:
			err = s.skip()
		}
		return err
	})
	if strings.HasPrefix(strings.ToLower(mime), "image/") {
		q.images, q.inline = q.images+1, q.inline+int64(size)
	} else {
		q.opaque = true
	}
	return err
}

// PromptBound is the most tokens that the prompt can have for a model with such a context length: one for each byte of the
// body; images in the body count perImage each. Files, sound, what lies elsewhere and what tools of the vendor find can fill the
// context.
func (q *Request) PromptBound(context, perImage int64) int64 {
	if q.opaque {
		return context
	}
	return min(int64(len(q.body))-q.inline+q.images*perImage, context)
}

// Splice appends the body to send to the vendor: the caller's bytes, with the output cap. The model stands in the address.
func (q *Request) Splice(dst []byte, limit int64) []byte {
	text := whole([]byte{'{'}, "maxOutputTokens", limit)[1:]
	put := func(at span, parts ...string) []byte {
		dst = append(dst, q.body[:at.from]...)
		for _, part := range parts {
			dst = append(dst, part...)
		}
		return append(dst, q.body[at.to:]...)
	}
	switch {
	case q.limit.given() && q.Cap == limit:
		return append(dst, q.body...)
	case q.limit.given():
		return put(q.limit, string(text[len(`"maxOutputTokens":`):]))
	case q.config.given() && q.body[q.config.from] == '{':
		comma := ","
		if q.blank {
			comma = ""
		}
		return put(span{q.config.from + 1, q.config.from + 1}, string(text), comma)
	case q.config.given():
		return put(q.config, "{", string(text), "}")
	}
	return put(span{q.close, q.close}, `,"generationConfig":{`, string(text), "}")
}
