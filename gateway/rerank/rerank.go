// Package rerank reads calls that sort documents by how well they answer a query, in the form that Cohere, Jina, vLLM and OpenRouter have
// in common (POST /rerank): model, query, documents, top_n, return_documents. There is no other form: bodies pass through but for the
// model's name, the id and the usage.
package rerank

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// MaxDocuments is how many documents a request may have.
const MaxDocuments = 2048

// Request is a call that sorts documents. It refers to the body, which must not change.
type Request struct {
	Model string
	chat.Steering

	body      []byte
	own       []jsonscan.Span // members that no vendor gets, names and values
	model     jsonscan.Span
	query     jsontext.Value
	documents int64
	texts     []jsontext.Value // strings
	pictures  bool
}

// Read reads a request. Errors are invalid_request, with the detail "param" when one parameter is to blame. Members that nobody here has
// heard of are the vendor's to judge.
func Read(body []byte) (*Request, error) {
	q := &Request{body: body}
	var s scan.Scanner
	s.Strict(body)
	defer s.Drop()
	if err := s.Object(func(name []byte) error { return q.member(&s, name) }); err != nil {
		return nil, err
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	switch {
	case q.Model == "":
		return nil, scan.Refuse("model", "model is required")
	case len(q.query) <= len(`""`):
		return nil, scan.Refuse("query", "query is required and not empty")
	case q.documents == 0:
		return nil, scan.Refuse("documents", "documents is required and not empty")
	}
	return q, nil
}

// member reads one member.
func (q *Request) member(s *scan.Scanner, name []byte) error {
	switch string(name) {
	case "model":
		var err error
		q.Model, q.model, err = s.Model()
		return err
	case "query":
		raw, err := s.Raw()
		if err == nil && raw.Kind() != '"' {
			err = scan.Refuse("query", "query is a string")
		}
		q.query = raw
		return err
	case "documents":
		return s.Array(func(i int) error {
			if q.documents++; i == MaxDocuments {
				return scan.Refuse("documents", "documents has at most %d elements", MaxDocuments)
			}
			return q.document(s)
		})
	case "top_n":
		_, _, err := s.Whole(1, 1<<31)
		return err
	}
	if chat.Steers(name) {
		from, text := s.Named(), string(name)
		value, at, err := s.Value()
		if err != nil {
			return err
		}
		q.own = append(q.own, jsonscan.Span{From: from.From, To: at.To})
		return q.Take(text, value)
	}
	if err := s.Lookalike(name, "model", "query", "documents", "top_n"); err != nil {
		return err
	}
	return s.Skip()
}

// document reads a text, or an object with one; an image in it has tokens that its bytes do not bound.
func (q *Request) document(s *scan.Scanner) error {
	switch s.Kind() {
	case '"':
		raw, err := s.Raw()
		q.texts = append(q.texts, raw)
		return err
	case '{':
		return s.Object(func(name []byte) error {
			picture := string(name) == "image"
			raw, err := s.Raw()
			q.pictures = q.pictures || picture && raw != nil
			if raw.Kind() == '"' && !picture {
				q.texts = append(q.texts, raw)
			}
			return err
		})
	default:
		if err := s.Skip(); err != nil {
			return err
		}
		return scan.Refuse("documents", "a document is a text or an object")
	}
}

// Prompts is how many texts there are that each have the model's context: a vendor reads the query with each of the documents.
func (q *Request) Prompts() int64 { return q.documents }

// PromptBound is the most tokens that the documents and, with each of them, the query can have.
func (q *Request) PromptBound(context int64) int64 {
	most := context * q.documents
	if q.pictures {
		return most
	}
	return min(int64(len(q.body))+(q.documents-1)*int64(len(q.query)), most)
}

// Extras are what of the request is priced apart from its text: the search.
func (q *Request) Extras() chat.Extras { return chat.Extras{Searches: true, Pictures: q.pictures} }

// Prompt gathers what an estimate needs: one search, and the texts, each once.
func (q *Request) Prompt() meter.Prompt {
	var text strings.Builder
	text.WriteString(jsonscan.Unquoted(q.query))
	for _, raw := range q.texts {
		text.WriteByte('\n')
		text.WriteString(jsonscan.Unquoted(raw))
	}
	return meter.Prompt{Text: text.String(), Searches: 1}
}

// Splice appends the body with the vendor's name of the model, and without what is not for vendors.
func (q *Request) Splice(dst []byte, model string) []byte {
	var e jsonscan.Edits
	e.Replace(q.model, jsonscan.AppendString(nil, model))
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}
