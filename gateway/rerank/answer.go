package rerank

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

var errNoRanking = errors.New("the answer does not rank the documents")

// Answer is a vendor's. It refers to the body, which must not change.
type Answer struct {
	ID     string // the vendor's own
	Report meter.Report

	body                []byte
	id, model, provider jsonscan.Span
	used                jsonscan.Span
	close               int // where the last brace stands
	searches            int64
}

// Answer reads a whole answer. An error means that it is none: it has to have a score for at least one of the documents, and for none
// twice.
func (q *Request) Answer(body []byte) (*Answer, error) {
	a := &Answer{body: body}
	var s scan.Scanner
	s.Lenient(body)
	defer s.Drop()
	ranked := make(map[int64]bool)
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			var raw jsontext.Value
			if raw, a.id, err = s.Value(); raw.Kind() == '"' {
				a.ID = jsonscan.Unquoted(raw)
			}
		case "model":
			_, a.model, err = s.Value()
		case "provider":
			_, a.provider, err = s.Value()
		case "usage":
			var raw jsontext.Value
			if raw, a.used, err = s.Value(); err == nil {
				err = a.counts(raw)
			}
		case "meta":
			var raw jsontext.Value
			if raw, err = s.Raw(); err == nil {
				err = a.counts(raw)
			}
		case "results":
			err = s.Array(func(int) error { return q.result(&s, ranked) })
		default:
			err = s.Skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.close = s.At() - 1
	if err := s.End(); err != nil {
		return nil, err
	}
	if len(ranked) == 0 {
		return nil, errNoRanking
	}
	if a.searches > 0 {
		a.Report.Add(usage.Search, a.searches)
	}
	return a, nil
}

// result reads the place of one document.
func (q *Request) result(s *scan.Scanner, ranked map[int64]bool) error {
	at, scored := int64(-1), false
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "index":
			var given bool
			if at, given, err = s.Whole(0, q.documents-1); !given {
				at = -1
			}
		case "relevance_score":
			scored = s.Kind() == '0'
			err = s.Skip()
		default:
			err = s.Skip()
		}
		return err
	})
	if err == nil && (at < 0 || !scored || ranked[at]) {
		err = errNoRanking
	}
	ranked[at] = true
	return err
}

// counts reads a usage, or Cohere's meta, whose counts stand one level deeper. A number that is not whole breaks the report.
func (a *Answer) counts(raw jsontext.Value) error {
	if raw.Kind() != '{' {
		a.Report.Given = a.Report.Given || raw != nil && raw.Kind() != 'n'
		a.Report.Broken = a.Report.Given
		return nil
	}
	var s scan.Scanner
	s.Lenient(raw)
	defer s.Drop()
	return s.Object(func(name []byte) error {
		var to *int64
		switch string(name) {
		case "total_tokens", "input_tokens":
			to = &a.Report.Prompt
		case "prompt_tokens":
			if a.Report.Prompt > 0 {
				return s.Skip() // part of the total
			}
			to = &a.Report.Prompt
		case "search_units":
			to = &a.searches
		case "billed_units", "tokens":
			inner, err := s.Raw()
			if err != nil {
				return err
			}
			return a.counts(inner)
		default:
			return s.Skip()
		}
		value, err := s.Raw()
		if err != nil || value == nil {
			return err
		}
		n, wrong := strconv.ParseInt(string(value), 10, 64)
		*to, a.Report.Given = n, true
		a.Report.Broken = a.Report.Broken || wrong != nil
		return nil
	})
}

// Append appends the answer for the caller: the vendor's bytes with another usage, and the names of the generation.
func (a *Answer) Append(dst []byte, t *chat.Told, b *chat.Bill) []byte {
	var e jsonscan.Edits
	var more [][]byte
	for _, m := range []struct {
		at   jsonscan.Span
		name string
		text []byte
	}{
		{a.id, `"id":`, jsonscan.AppendString(nil, t.ID)},
		{a.model, `"model":`, jsonscan.AppendString(nil, t.Model)},
		{a.provider, `"provider":`, jsonscan.AppendString(nil, t.Provider)},
		{a.used, `"usage":`, appendUsage(nil, b)},
	} {
		if m.at.Given() {
			e.Replace(m.at, m.text)
			continue
		}
		more = append(more, append([]byte(m.name), m.text...))
	}
	e.Add(a.body, a.close, more...)
	return e.Append(dst, a.body)
}

// appendUsage appends the usage that callers are told. The cost is a JSON number with all its digits.
func appendUsage(dst []byte, b *chat.Bill) []byte {
	dst = strconv.AppendInt(append(dst, `{"total_tokens":`...), b.Usage.Prompt(), 10)
	if n := b.Usage[usage.Search]; n > 0 {
		dst = strconv.AppendInt(append(dst, `,"search_units":`...), n, 10)
	}
	return append(append(append(dst, `,"cost":`...), b.Cost.Total.String()...), '}')
}
