package gemini

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Scanner reads requests, answers and events of calls whose caller and vendor both speak this dialect, as far as the gateway
// has to know them: their bytes pass through. The zero value is ready; one Scanner serves one call at a time.
type Scanner struct {
	parser
	quoted []byte // scratch
	called bool   // the call's answer has a call
	hide   bool
}

// Hide says whether the thoughts of the answers that are read are to be left out when they are appended; what was produced counts them all the
// same.
func (s *Scanner) Hide(yes bool) { s.hide = yes }

// Request is what the gateway has to know of a generateContent. It refers to the body, which must not change.
type Request struct {
	Model   string
	Stream  bool
	Choices int64 // candidateCount
	Cap     int64 // output tokens of one choice; 0 when the caller gave none
	// Foreign: a thought has the signature of another dialect's vendor, which no Gemini model may be sent. Such a call takes the
	// canonical form.
	Foreign bool

	chat.Steering
	// Uses is what the call asks of a model.
	Uses chat.Uses
	// Hide: the caller does not want to see the thoughts of the model. Not all who speak this dialect heed it.
	Hide bool

	body   []byte
	own    []jsonscan.Span // members that no vendor gets, names and values
	config jsonscan.Span   // the value of generationConfig
	blank  bool            // it is an object without members
	limit  jsonscan.Span   // the value of maxOutputTokens
	close  int             // where the body's last brace stands

	contents  int64
	beginning []byte // of the conversation
	images    int64
	inline    int64 // bytes of images that stand in the body
	opaque    bool  // something whose tokens the body's bytes do not bound
	searches  bool  // the vendor may search the web
	tier      string
}

// Request reads a body; model and stream are what its address says. Errors are invalid_request, with the detail "param" when one
// member is to blame. Members that nobody here has heard of are the vendor's to judge.
func (s *Scanner) Request(body []byte, model string, stream bool) (*Request, error) {
	s.begin(body)
	defer s.Drop()
	q := &Request{Model: model, Stream: stream, Choices: 1, body: body}
	if kind := s.Kind(); kind != '{' && kind != 0 {
		return nil, s.refuse("is not a JSON object")
	}
	if err := s.fields(func(name string) error { return s.member(q, name) }); err != nil {
		return nil, err
	}
	q.close = s.At() - 1
	if err := s.End(); err != nil {
		return nil, err
	}
	if q.Opening == nil {
		q.Opening = q.beginning
	}
	if q.contents == 0 {
		s.path = []string{"contents"}
		return nil, s.refuse("is required and not empty")
	}
	return q, nil
}

func (s *Scanner) begin(body []byte) {
	s.Strict(body)
	s.path, s.unsupported, s.called = s.path[:0], nil, false
}

func (s *Scanner) member(q *Request, name string) error {
	switch name {
	case "contents":
		return s.list(func(i int) error {
			if q.contents++; i == MaxContents {
				return s.refuse("is one too many")
			}
			if i == 0 {
				return s.open(q)
			}
			return s.content(q)
		})
	case "systemInstruction":
		return s.open(q)
	case "tools":
		return s.list(func(int) error {
			return s.fields(func(name string) error {
				if name == "functionDeclarations" && s.Kind() != 'n' {
					q.Uses |= chat.UsesTools
				}
				q.searches = q.searches || searches(name) && s.Kind() != 'n'
				q.opaque = q.opaque || (name != "functionDeclarations" && s.Kind() != 'n') // what it finds becomes a part of the prompt
				return s.Skip()
			})
		})
	case "cachedContent":
		q.opaque = q.opaque || s.Kind() != 'n'
		return s.Skip()
	case "serviceTier":
		raw, _, err := s.Value()
		if err == nil && raw.Kind() == '"' {
			q.tier = jsonscan.Unquoted(raw)
		}
		return err
	case "generationConfig":
		return s.generation(q)
	case "model":
		if err := s.Skip(); err != nil {
			return err
		}
		return s.refuse("stands in the address, not in the body")
	}
	if written := s.path[len(s.path)-1]; chat.Steers([]byte(written)) {
		at := s.Named()
		v, value, err := s.Value()
		if err != nil {
			return err
		}
		q.own = append(q.own, jsonscan.Span{From: at.From, To: value.To})
		return q.Take(written, v)
	}
	return s.Skip()
}

// open reads a turn with which the conversation begins: the system's, or the first.
func (s *Scanner) open(q *Request) error {
	from := s.At()
	err := s.content(q)
	q.beginning = append(append(q.beginning, bytes.TrimLeft(q.body[from:s.At()], " \t\r\n:")...), 0)
	return err
}

func (s *Scanner) generation(q *Request) error {
	if s.Kind() == 'n' {
		_, at, err := s.Value()
		q.config = at
		return err
	}
	if s.Kind() != '{' {
		return s.fields(nil) // which refuses it
	}
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
		case "thinkingConfig":
			err = s.thinking(q)
		default:
			err = s.used(q, name)
		}
		return err
	})
	q.config = s.Last()
	if q.Uses&chat.UsesStructuredOutputs != 0 {
		q.Uses &^= chat.UsesResponseFormat // it is JSON anyway
	}
	return err
}

// content looks for what the bytes of a turn do not bound.
func (s *Scanner) content(q *Request) error {
	return s.fields(func(name string) error {
		if name != "parts" {
			return s.Skip()
		}
		return s.list(func(int) error {
			return s.fields(func(name string) error { return s.part(q, name) })
		})
	})
}

func (s *Scanner) part(q *Request, name string) error {
	switch name {
	case "text", "thought", "functionCall", "executableCode", "codeExecutionResult":
		return s.Skip()
	case "thoughtSignature":
		signature, err := s.string()
		_, _, _, foreign := parseWrapped(signature)
		q.Foreign = q.Foreign || foreign
		return err
	case "functionResponse":
		return s.fields(func(name string) error {
			if name != "parts" {
				return s.Skip()
			}
			return s.list(func(int) error {
				return s.fields(func(name string) error { return s.part(q, name) })
			})
		})
	case "inlineData":
		return s.inlineData(q)
	case "fileData":
		return s.fileData(q)
	}
	q.opaque = q.opaque || s.Kind() != 'n'
	return s.Skip()
}

func (s *Scanner) inlineData(q *Request) error {
	mime, size := "", 0
	err := s.fields(func(name string) (err error) {
		switch name {
		case "mimeType":
			mime, err = s.string()
		case "data":
			var v jsontext.Value
			v, _, err = s.Value()
			size = len(v)
		default:
			err = s.Skip()
		}
		return err
	})
	q.Uses |= chat.UsesMedia(mime)
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

// Splice appends the body to send to the vendor: the caller's bytes, with the output cap, without what is for the gateway. The model stands in
// the address.
func (q *Request) Splice(dst []byte, limit int64) []byte {
	text := whole([]byte{'{'}, "maxOutputTokens", limit)[1:]
	var e jsonscan.Edits
	switch {
	case q.limit.Given():
		if q.Cap != limit {
			e.Replace(q.limit, text[len(`"maxOutputTokens":`):])
		}
	case q.config.Given() && q.body[q.config.From] == '{':
		if !q.blank {
			text = append(text, ',')
		}
		e.Insert(q.config.From+1, text)
	case q.config.Given():
		e.Replace(q.config, append(append([]byte{'{'}, text...), '}'))
	default:
		e.Insert(q.close, append(append([]byte(`,"generationConfig":{`), text...), '}'))
	}
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}
