package embedding

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Errors of answers that are none.
var (
	errNoVectors = errors.New("the answer does not have a vector for each input")
	errNoNumbers = errors.New("the answer has a vector without numbers")
)

// Answer is a vendor's. It refers to the body, which must not change.
type Answer struct {
	ID     string // the vendor's own
	Report meter.Report

	dialect   chat.Dialect
	body      []byte
	vectors   []jsontext.Value // in the order of the inputs
	index     []int            // where each vector stands in that order, as it is read
	id, model jsonscan.Span
	usage     jsonscan.Span
	close     int  // where the last brace stands
	through   bool // its bytes are what the caller wants; see Convert
}

// Answer reads the whole answer of a vendor that speaks a dialect. An error means that it is none.
func (q *Request) Answer(vendor chat.Dialect, body []byte) (*Answer, error) {
	a := &Answer{dialect: vendor, body: body}
	var s scan.Scanner
	s.Lenient(body)
	defer s.Drop()
	member := a.openAI
	if vendor == chat.Gemini {
		member = a.gemini
		a.Report.Untold = true // unless it says more
	}
	if err := s.Object(func(name []byte) error { return member(&s, name) }); err != nil {
		return nil, err
	}
	a.close = s.At() - 1
	if err := s.End(); err != nil {
		return nil, err
	}
	if len(a.vectors) != q.Inputs() || !a.sort() {
		return nil, errNoVectors
	}
	for _, v := range a.vectors {
		if err := checkVector(v); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// sort puts the vectors in the order of the inputs; false if they have none.
func (a *Answer) sort() bool {
	if a.index == nil {
		return true
	}
	sorted := make([]jsontext.Value, len(a.vectors))
	for i, at := range a.index {
		if at < 0 || at >= len(sorted) || sorted[at] != nil {
			return false
		}
		sorted[at] = a.vectors[i]
	}
	a.vectors = sorted
	return true
}

// openAI reads a member of {"object":"list","data":[{"index","embedding"}],"model","usage"}.
func (a *Answer) openAI(s *scan.Scanner, name []byte) (err error) {
	switch string(name) {
	case "id":
		var raw jsontext.Value
		if raw, a.id, err = s.Value(); raw.Kind() == '"' {
			a.ID = jsonscan.Unquoted(raw)
		}
	case "model":
		_, a.model, err = s.Value()
	case "usage":
		a.usage, err = a.report(s, "prompt_tokens", "completion_tokens", "total_tokens")
	case "data":
		a.vectors, a.index = nil, []int{}
		err = s.Array(func(i int) error {
			if i == MaxInputs {
				return errNoVectors
			}
			at, vector := int64(i), jsontext.Value(nil)
			err := s.Object(func(name []byte) (err error) {
				switch string(name) {
				case "index":
					at, _, err = s.Whole(0, MaxInputs)
				case "embedding":
					vector, err = s.Raw()
				default:
					err = s.Skip()
				}
				return err
			})
			a.vectors, a.index = append(a.vectors, vector), append(a.index, int(at))
			return err
		})
	default:
		err = s.Skip()
	}
	return err
}

// gemini reads a member of {"embedding":{"values"}}, or of {"embeddings":[{"values"}]}; usageMetadata is newer than both.
func (a *Answer) gemini(s *scan.Scanner, name []byte) (err error) {
	values := func() error {
		var vector jsontext.Value
		err := s.Object(func(name []byte) (err error) {
			if string(name) == "values" {
				vector, err = s.Raw()
				return err
			}
			return s.Skip()
		})
		a.vectors = append(a.vectors, vector)
		return err
	}
	switch string(name) {
	case "embedding":
		err = values()
	case "embeddings":
		err = s.Array(func(i int) error {
			if i == MaxInputs {
				return errNoVectors
			}
			return values()
		})
	case "usageMetadata":
		a.usage, err = a.report(s, "promptTokenCount", "candidatesTokenCount", "totalTokenCount")
	default:
		err = s.Skip()
	}
	return err
}

// report reads a usage of which the counts are called so; a number that is not whole breaks it. Null is none.
func (a *Answer) report(s *scan.Scanner, prompt, completion, total string) (jsonscan.Span, error) {
	raw, at, err := s.Value()
	if err != nil || raw.Kind() == 'n' {
		return at, err
	}
	u := meter.Report{Given: true, Broken: raw.Kind() != '{'}
	var inner scan.Scanner
	inner.Lenient(raw)
	defer inner.Drop()
	err = inner.Object(func(name []byte) error {
		var to *int64
		switch string(name) {
		case prompt:
			to = &u.Prompt
		case completion:
			to = &u.Completion
		case total:
			to, u.HasTotal = &u.Total, inner.Kind() != 'n'
		default:
			return inner.Skip()
		}
		raw, err := inner.Raw()
		if err != nil || raw == nil {
			return err
		}
		n, wrong := strconv.ParseInt(string(raw), 10, 64)
		u.Broken = u.Broken || wrong != nil
		*to = n
		return nil
	})
	a.Report = u
	return at, err
}

// checkVector: a list of numbers or a text, and not empty.
func checkVector(v jsontext.Value) error {
	const brackets = 2
	switch {
	case v.Kind() == '"' && len(v) > brackets:
		return nil
	case v.Kind() != '[' || bytes.ContainsAny(v[1:], `[{"tfn`) || !bytes.ContainsAny(v, "0123456789"):
		return errNoNumbers
	}
	return nil
}
