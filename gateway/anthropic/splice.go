package anthropic

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Upstream says how a request changes on its way to the vendor.
type Upstream struct {
	Model string // the vendor's name of the model
	Cap   int64  // output tokens; above 0
	// Version stands in the body as anthropic_version, in place of the model; "" for Anthropic itself.
	Version string
}

// Splice appends the body to send to the vendor: the caller's bytes, with the vendor's name of the model and the output cap,
// without what is for the gateway.
func (q *Request) Splice(dst []byte, u Upstream) []byte {
	var e jsonscan.Edits
	if u.Version == "" {
		e.Replace(q.model, jsonscan.AppendString(nil, u.Model))
	} else {
		e.Replace(jsonscan.Span{From: q.named.From, To: q.model.To}, jsonscan.AppendString([]byte(`"anthropic_version":`), u.Version))
	}
	text := strconv.AppendInt(nil, u.Cap, 10)
	switch {
	case !q.limit.Given():
		e.Insert(q.close, append([]byte(`,"max_tokens":`), text...))
	case q.Cap != u.Cap:
		e.Replace(q.limit, text)
	}
	e.Remove(q.body, q.own)
	return e.Append(dst, q.body)
}
