package auditdb

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
)

// diff compares one row with what it should be, column by column, and reports each that differs.
type diff struct {
	findings *audit.Findings
	position int64
	table    string
	key      func() string
}

func (d *diff) report(code audit.Code, format string, args ...any) {
	d.findings.Addf(d.position, code, d.table+" "+d.key(), format, args...)
}

func (d *diff) differs(column string, stored, want any) {
	d.report(RowDiffers, "%s is %s, the events give %s", column, show(stored), show(want))
}

// show is a value for a message, cut when it is long.
func show(v any) string {
	const longest = 300
	text := fmt.Sprint(v)
	if t, ok := v.(time.Time); ok {
		text = "none"
		if !t.IsZero() {
			text = t.Format(time.RFC3339Nano)
		}
	}
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return fmt.Sprintf("%q", text)
}

// same compares values that are equal or not.
func same[T comparable](d *diff, column string, stored, want T) {
	if stored != want {
		d.differs(column, stored, want)
	}
}

func (d *diff) amount(column string, stored amount, want money.Amount) {
	if stored.odd != "" || !stored.value.Equal(want) {
		d.differs(column, stored, want)
	}
}

func (d *diff) time(column string, stored, want time.Time) {
	if !stored.Equal(want) {
		d.differs(column, stored, want)
	}
}

// json compares documents by what they mean; nil stands for NULL. Most are the same to the byte.
func (d *diff) json(column string, stored, want []byte) {
	null := (stored == nil) != (want == nil)
	if null || !bytes.Equal(stored, want) && canonical(stored) != canonical(want) {
		d.differs(column, string(stored), string(want))
	}
}

// canonical is a document without the freedoms of JSON: spaces, the order of members, escapes. Numbers stay as they are.
func canonical(text []byte) string {
	v := jsontext.Value(bytes.Clone(text))
	err := v.Format(jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return string(text)
	}
	return string(v)
}
