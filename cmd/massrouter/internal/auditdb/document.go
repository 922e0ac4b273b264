package auditdb

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// document is what a jsonb column should hold: as JSON, and as the text that PostgreSQL makes of it, so that most rows
// need no parsing. The text is only a short cut: where it differs, the meaning decides.
type document struct {
	text func() ([]byte, error) // nil for NULL
	fast []byte
}

// same compares a column, selected as text, with the document.
func (doc document) same(d *diff, column string, stored []byte) {
	if doc.text != nil && string(doc.fast) == string(stored) {
		return
	}
	var want []byte
	if doc.text != nil {
		var err error
		if want, err = doc.text(); err != nil {
			d.report(RowDiffers, "%s cannot be compared: %v", column, err)
			return
		}
	}
	d.json(column, stored, want)
}

// PostgreSQL orders the members of an object by the length of their names, then by their bytes, and puts a space after
// colons and commas.

func usageDocument(u usage.Usage) document {
	names := make([]usage.Class, 0, len(u))
	for class := range u {
		names = append(names, class)
	}
	slices.SortFunc(names, func(a, b usage.Class) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	o := object{b: []byte("{")}
	for _, class := range names {
		o.number(string(class), u[class])
	}
	return document{func() ([]byte, error) { return u.AppendJSON(nil) }, append(o.b, '}')}
}

func linesDocument(lines []usage.LineItem) document {
	b := append(make([]byte, 0, 100*len(lines)), '[')
	for i, line := range lines {
		if i > 0 {
			b = append(b, ", "...)
		}
		o := object{b: append(b, '{')}
		o.text("class", string(line.Class))
		o.text("price", line.Price.String())
		o.text("amount", line.Amount.String())
		o.number("quantity", line.Quantity)
		b = append(o.b, '}')
	}
	return document{func() ([]byte, error) { return usage.AppendJSON(nil, lines) }, append(b, ']')}
}

func callDocument(c wallet.Call) document {
	o := object{b: append(make([]byte, 0, 300), '{')}
	o.optional("error", c.Error)
	o.flag("suspect", c.Suspect, false)
	o.optionalNumber("attempts", int64(c.Attempts))
	o.flag("streamed", c.Streamed, true)
	o.flag("cancelled", c.Cancelled, false)
	if !c.StartedAt.IsZero() {
		o.text("started_at", c.StartedAt.Format(time.RFC3339Nano))
	}
	o.optionalNumber("duration_ms", c.DurationMS)
	o.optional("upstream_id", c.UpstreamID)
	o.optional("finish_reason", c.FinishReason)
	o.optionalNumber("first_token_ms", c.FirstTokenMS)
	o.optional("native_finish_reason", c.NativeFinishReason)
	return document{func() ([]byte, error) { return c.AppendJSON(nil) }, append(o.b, '}')}
}

// object appends members. Texts are written as they are: one that needs escapes makes the short cut fail.
type object struct{ b []byte }

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ", "...)
	}
	o.b = append(append(append(o.b, '"'), name...), `": `...)
}

func (o *object) number(name string, n int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) optionalNumber(name string, n int64) {
	if n != 0 {
		o.number(name, n)
	}
}

func (o *object) text(name, s string) {
	o.name(name)
	o.b = append(append(append(o.b, '"'), s...), '"')
}

func (o *object) optional(name, s string) {
	if s != "" {
		o.text(name, s)
	}
}

func (o *object) flag(name string, v, always bool) {
	if v || always {
		o.name(name)
		o.b = strconv.AppendBool(o.b, v)
	}
}
