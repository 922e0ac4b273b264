package openai

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Upstream says how a request changes on its way to the vendor.
type Upstream struct {
	Model string // the vendor's name of the model
	// CapField is the name of the output cap that the vendor obeys: MaxTokens or MaxCompletionTokens.
	CapField string
	Cap      int64 // output tokens of one choice; above 0
	// NoStreamUsage: the vendor refuses to be asked for the usage of a stream.
	NoStreamUsage bool
}

// Splice appends the body to send to the vendor: the caller's bytes, with the vendor's name of the model, usage asked for
// in a stream, and the output cap under the name that the vendor obeys. Everything else is as it was.
func (q *Request) Splice(dst []byte, u Upstream) []byte {
	var e jsonscan.Edits
	e.Replace(q.model, jsonscan.AppendString(nil, u.Model))
	switch {
	case u.NoStreamUsage && q.stream.value.Given():
		e.Replace(q.stream.value, []byte("null"))
	case q.Stream && !u.NoStreamUsage:
		q.askForUsage(&e)
	}
	q.setCap(&e, u)
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}

func (q *Request) askForUsage(e *jsonscan.Edits) {
	const wanted = `{"include_usage":true}`
	switch {
	case q.include.Given():
		if string(q.include.Of(q.body)) != "true" {
			e.Replace(q.include, []byte("true"))
		}
	case q.stream.there && !jsonscan.Blank(q.body, q.stream.value):
		e.Insert(q.stream.value.From+1, []byte(`"include_usage":true,`))
	case q.stream.value.Given():
		e.Replace(q.stream.value, []byte(wanted))
	default:
		e.Insert(q.close, []byte(`,"stream_options":`+wanted))
	}
}

// setCap makes sure that the vendor obeys the cap: it stands under the name that the vendor reads, and where the caller
// gave both names both say the same.
func (q *Request) setCap(e *jsonscan.Edits, u Upstream) {
	mine, other := &q.caps[0], &q.caps[1]
	if u.CapField == MaxCompletionTokens {
		mine, other = other, mine
	}
	text := strconv.AppendInt(nil, u.Cap, 10)
	keeps := u.Cap == q.Cap
	switch {
	case mine.value.Given():
		if !mine.there || !keeps {
			e.Replace(mine.value, text)
		}
		switch {
		case other.there && !mine.there:
			e.Replace(other.value, []byte("null")) // a vendor may refuse both
		case other.there && !keeps:
			e.Replace(other.value, text)
		}
	case other.value.Given():
		e.Replace(other.name, []byte(`"`+u.CapField+`"`))
		if !other.there || !keeps {
			e.Replace(other.value, text)
		}
	default:
		e.Insert(q.close, append([]byte(`,"`+u.CapField+`":`), text...))
	}
}
