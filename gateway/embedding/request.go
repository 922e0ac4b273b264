package embedding

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Bounds of what a request may ask for.
const (
	MaxInputs     = 2048 // OpenAI's
	MaxDimensions = 1 << 16
	maxParts      = 64 // of one input
)

// Request is a call for vectors. It refers to the body, which must not change.
type Request struct {
	Model string // of OpenAI's form; in Gemini's it stands in the address
	// Single: Gemini's embedContent, which is answered with one vector and not with a list.
	Single bool
	chat.Steering

	dialect chat.Dialect
	body    []byte
	own     []jsonscan.Span // members that no vendor gets, names and values
	names   []jsonscan.Span // the values of model, to be changed
	nameIn  []int           // where a model's name is missing
	inputs  []input
	base64  bool // OpenAI: vectors are wanted as base64

	images int64
	inline int64 // bytes of images that stand in the body
	opaque bool  // something whose tokens the body's bytes do not bound

	dimensions  int64
	purpose     purpose
	unsupported []string // of what stands in the body, what no other form has
}

// input is what one vector is wanted for.
type input struct {
	texts  []jsontext.Value // strings
	tokens int64            // given as such
	other  string           // where it stands, if it is anything else than one text
}

// Read reads a request in the form of a dialect, OpenAI's or Gemini's; single is for Gemini's embedContent. Errors are
// invalid_request, with the detail "param" when one parameter is to blame. Members that nobody here has heard of are the vendor's to
// judge.
func Read(d chat.Dialect, body []byte, single bool) (*Request, error) {
	q := &Request{dialect: d, body: body, Single: single}
	var err error
	if d == chat.Gemini {
		err = q.readGemini()
	} else {
		err = q.readOpenAI()
	}
	if err != nil {
		return nil, err
	}
	return q, nil
}

// Inputs is how many vectors are wanted; each has a prompt of its own.
func (q *Request) Inputs() int { return len(q.inputs) }

// PromptBound is the most tokens that the inputs can have together for a model with such a context length; see openai.Request.
func (q *Request) PromptBound(context, perImage int64) int64 {
	most := context * int64(len(q.inputs))
	if q.opaque {
		return most
	}
	return min(int64(len(q.body))-q.inline+q.images*perImage, most)
}

// Extras are what of the request is priced apart from its text.
func (q *Request) Extras() chat.Extras {
	return chat.Extras{Sound: q.opaque, Pictures: q.opaque || q.images > 0}
}

// Prompt gathers what an estimate of the tokens needs.
func (q *Request) Prompt() meter.Prompt {
	p := meter.Prompt{Images: q.images}
	var text strings.Builder
	for i := range q.inputs {
		in := &q.inputs[i]
		p.Tokens += in.tokens
		for _, one := range in.texts {
			text.WriteString(jsonscan.Unquoted(one))
			text.WriteByte('\n')
		}
	}
	p.Text = text.String()
	return p
}

// Append appends the body for a vendor that speaks a dialect and calls the model so. Errors are *domain.Error: what its form cannot
// say; drop leaves that out, but never an input.
func (q *Request) Append(dst []byte, vendor chat.Dialect, model string, drop bool) ([]byte, error) {
	if vendor == q.dialect {
		return q.splice(dst, model), nil
	}
	for i := range q.inputs {
		if in := &q.inputs[i]; in.other != "" {
			return dst, chat.Unsupported(in.other, "its vendor takes texts only")
		}
	}
	if len(q.unsupported) > 0 && !drop {
		return dst, chat.Unsupported(q.unsupported[0], "its vendor has nothing like it")
	}
	if vendor == chat.Gemini {
		return q.appendGemini(dst, model), nil
	}
	return q.appendOpenAI(dst, model), nil
}

// splice appends the body with the vendor's name of the model, and without what is not for vendors.
func (q *Request) splice(dst []byte, model string) []byte {
	var e jsonscan.Edits
	name := jsonscan.AppendString(nil, model)
	if q.dialect == chat.Gemini {
		name = jsonscan.AppendString(nil, geminiModel(model))
	}
	for _, at := range q.names {
		e.Replace(at, name)
	}
	for _, at := range q.nameIn {
		e.Insert(at, append(append([]byte(`"model":`), name...), ','))
	}
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}

func (q *Request) without(name string) {
	for _, known := range q.unsupported {
		if known == name {
			return
		}
	}
	q.unsupported = append(q.unsupported, name)
}

// steer takes a member that is for the gateway; what the scanner reads begins at a place of the body.
func (q *Request) steer(s *scan.Scanner, name string, begin int) error {
	from := s.Named()
	value, at, err := s.Value()
	if err != nil {
		return err
	}
	q.own = append(q.own, jsonscan.Span{From: begin + from.From, To: begin + at.To})
	return q.Take(name, value)
}

// purpose is what vectors are for, by OpenRouter's input_type; "" if the caller does not say.
type purpose string

// gemini is the same in Gemini's words; "" if it has none.
func (p purpose) gemini() string {
	switch p {
	case "search_query":
		return "RETRIEVAL_QUERY"
	case "search_document":
		return "RETRIEVAL_DOCUMENT"
	case "classification":
		return "CLASSIFICATION"
	case "clustering":
		return "CLUSTERING"
	}
	return ""
}
