package openai

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// edit replaces a range of bytes.
type edit struct {
	span
	text []byte
}

// edits are made to a copy of a body, in one pass.
type edits struct {
	list [12]edit
	n    int
}

func (e *edits) replace(at span, text []byte) {
	e.list[e.n] = edit{at, text}
	e.n++
}

func (e *edits) insert(at int, text []byte) { e.replace(span{at, at}, text) }

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

// quote makes a JSON string; broken UTF-8 is replaced.
func quote(text string) []byte {
	quoted, err := jsontext.AppendQuote(make([]byte, 0, len(text)+2), text)
	if err != nil && len(quoted) == 0 {
		return []byte(`""`)
	}
	return quoted
}

// Upstream says how a request changes on its way to the vendor.
type Upstream struct {
	Model string // the vendor's name of the model
	// CapField is the name of the output cap that the vendor obeys: MaxTokens or MaxCompletionTokens.
	CapField string
	Cap      int64 // output tokens of one choice; above 0
}

// Splice appends the body to send to the vendor: the caller's bytes, with the vendor's name of the model, usage asked for
// in a stream, and the output cap under the name that the vendor obeys. Everything else is as it was.
func (q *Request) Splice(dst []byte, u Upstream) []byte {
	var e edits
	e.replace(q.model, quote(u.Model))
	if q.Stream {
		q.askForUsage(&e)
	}
	q.setCap(&e, u)
	q.takeOut(&e)
	return e.apply(dst, q.body)
}

func (q *Request) askForUsage(e *edits) {
	const wanted = `{"include_usage":true}`
	switch {
	case q.include.given():
		if string(q.include.of(q.body)) != "true" {
			e.replace(q.include, []byte("true"))
		}
	case q.stream.there && q.stream.value.to-q.stream.value.from > len("{}") && !q.blank(q.stream.value):
		e.insert(q.stream.value.from+1, []byte(`"include_usage":true,`))
	case q.stream.value.given():
		e.replace(q.stream.value, []byte(wanted))
	default:
		e.insert(q.close, []byte(`,"stream_options":`+wanted))
	}
}

// takeOut removes the members that are not for vendors, each with the comma before it; those that stand before all others, with the one
// behind it.
func (q *Request) takeOut(e *edits) {
	end := 0 // of what was removed last
	for _, at := range q.own {
		if before := q.before(at.from); q.body[before] == ',' && before >= end {
			at.from = before
		} else {
			at.to = q.behind(at.to) + 1
		}
		end = at.to
		e.replace(at, nil)
	}
}

// before is where the last byte before a place stands that is not blank, behind the first one at or after it. Both are there: a member has
// something on either side.
func (q *Request) before(place int) int {
	for place--; isSpace(q.body[place]); place-- {
	}
	return place
}

func (q *Request) behind(place int) int {
	for ; isSpace(q.body[place]); place++ {
	}
	return place
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// blank says whether an object has no members.
func (q *Request) blank(object span) bool {
	for _, c := range q.body[object.from+1 : object.to-1] {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// setCap makes sure that the vendor obeys the cap: it stands under the name that the vendor reads, and where the caller
// gave both names both say the same.
func (q *Request) setCap(e *edits, u Upstream) {
	mine, other := &q.caps[0], &q.caps[1]
	if u.CapField == MaxCompletionTokens {
		mine, other = other, mine
	}
	text := strconv.AppendInt(nil, u.Cap, 10)
	keeps := u.Cap == q.Cap
	switch {
	case mine.value.given():
		if !mine.there || !keeps {
			e.replace(mine.value, text)
		}
		switch {
		case other.there && !mine.there:
			e.replace(other.value, []byte("null")) // a vendor may refuse both
		case other.there && !keeps:
			e.replace(other.value, text)
		}
	case other.value.given():
		e.replace(other.name, []byte(`"`+u.CapField+`"`))
		if !other.there || !keeps {
			e.replace(other.value, text)
		}
	default:
		e.insert(q.close, append([]byte(`,"`+u.CapField+`":`), text...))
	}
}
