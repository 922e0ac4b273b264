package anthropic

import (
	"bytes"
	"slices"
	"strconv"
)

// edits are made to a copy of a body, in one pass.
type edits struct {
	list [6]edit
	n    int
}

// edit replaces a range of bytes.
type edit struct {
	span
	text []byte
}

func (e *edits) replace(at span, text []byte) {
	e.list[e.n] = edit{at, text}
	e.n++
}

func (e *edits) insert(at int, text []byte) { e.replace(span{at, at}, text) }

// add puts members at the end of the body's object, whose last brace is at that place.
func (e *edits) add(body []byte, at int, members ...[]byte) {
	empty := bytes.HasSuffix(bytes.TrimRight(body[:at], " \t\r\n"), []byte("{"))
	for i, m := range members {
		if i == 0 && empty {
			e.insert(at, m)
			continue
		}
		e.insert(at, append([]byte(","), m...))
	}
}

// apply appends the body with all edits, which do not overlap. Edits at the same place keep their order.
func (e *edits) apply(dst, body []byte) []byte {
	list := e.list[:e.n]
	slices.SortStableFunc(list, func(a, b edit) int { return a.from - b.from })
	done := 0
	for _, one := range list {
		dst = append(dst, body[done:one.from]...)
		dst = append(dst, one.text...)
		done = one.to
	}
	return append(dst, body[done:]...)
}

// Upstream says how a request changes on its way to the vendor.
type Upstream struct {
	Model string // the vendor's name of the model
	Cap   int64  // output tokens; above 0
}

// Splice appends the body to send to the vendor: the caller's bytes, with the vendor's name of the model and the output cap.
func (q *Request) Splice(dst []byte, u Upstream) []byte {
	var e edits
	e.replace(q.model, appendText(nil, u.Model))
	text := strconv.AppendInt(nil, u.Cap, 10)
	switch {
	case !q.limit.given():
		e.insert(q.close, append([]byte(`,"max_tokens":`), text...))
	case q.Cap != u.Cap:
		e.replace(q.limit, text)
	}
	return e.apply(dst, q.body)
}
