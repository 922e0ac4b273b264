package auditdb

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
)

// encoder writes rows as a binary COPY sends them, and sums them up.
type encoder struct {
	tally

	b       []byte // the row under way
	columns uint16
}

const (
	noValue = 0xffffffff // the length of NULL
)

func (e *encoder) begin() {
	e.b, e.columns = append(e.b[:0], 0, 0), 0
}

// end counts the row.
func (e *encoder) end() {
	binary.BigEndian.PutUint16(e.b, e.columns)
	e.add(e.b)
}

func (e *encoder) length(n uint32) {
	e.columns++
	e.b = binary.BigEndian.AppendUint32(e.b, n)
}

func (e *encoder) text(s string) {
	e.length(uint32(len(s))) //nolint:gosec // no text comes near
	e.b = append(e.b, s...)
}

// document is NULL when it is nil.
func (e *encoder) document(text []byte) {
	if text == nil {
		e.length(noValue)
		return
	}
	e.length(uint32(len(text))) //nolint:gosec // no text comes near
	e.b = append(e.b, text...)
}

func (e *encoder) uuid(id uuid.UUID) {
	e.length(uint32(len(id)))
	e.b = append(e.b, id[:]...)
}

// uuidOrNull is NULL when it is zero.
func (e *encoder) uuidOrNull(id uuid.UUID) {
	if id == uuid.Nil {
		e.length(noValue)
		return
	}
	e.uuid(id)
}

// int64OrNull is NULL when it is 0.
func (e *encoder) int64OrNull(n int64) {
	if n == 0 {
		e.length(noValue)
		return
	}
	e.int64(n)
}

func (e *encoder) int64(n int64) {
	e.length(8)
	e.b = binary.BigEndian.AppendUint64(e.b, uint64(n)) //nolint:gosec // two's complement is the format
}

func (e *encoder) bool(v bool) {
	e.length(1)
	if v {
		e.b = append(e.b, 1)
		return
	}
	e.b = append(e.b, 0)
}

// time is NULL when it is zero.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.length(noValue)
		return
	}
	e.int64(t.UnixMicro() - epoch)
}

// A numeric in binary: the number of digits, the weight of the first one, sign and scale, in two bytes each; then digits to
// the base of 10,000 without zeros at either end.
const (
	numericBase     = 10_000
	numericNegative = 0x4000
	numericScale    = 12 // of every column of an amount
	fractionDigits  = 3
	wordDigits      = 4 // that are split off at once
	word            = numericBase * numericBase * numericBase * numericBase
	mostDigits      = 3 * wordDigits
)

// amount is a numeric with 12 digits after the point.
func (e *encoder) amount(a money.Amount) {
	e.columns++
	e.rawAmount(a)
}

// rawAmount is one within a list.
func (e *encoder) rawAmount(a money.Amount) {
	negative, hi, lo := a.Units()
	var digits [mostDigits]uint16 // the least significant first
	count, skip := 0, -1
	for n := 0; hi != 0 || lo != 0; n += wordDigits {
		var rest uint64
		upper := hi / word
		lo, rest = bits.Div64(hi%word, lo, word)
		hi = upper
		for i := n; rest != 0; i++ {
			digits[i], rest = uint16(rest%numericBase), rest/numericBase
			if digits[i] != 0 {
				if count = i + 1; skip < 0 {
					skip = i
				}
			}
		}
	}
	sign, weight := uint16(0), 0
	if count == 0 {
		skip = 0
	} else {
		weight = count - 1 - fractionDigits
	}
	if negative {
		sign = numericNegative
	}
	e.b = binary.BigEndian.AppendUint32(e.b, uint32(8+2*(count-skip)))
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(count-skip))
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(weight)) //nolint:gosec // two's complement
	e.b = binary.BigEndian.AppendUint16(e.b, sign)
	e.b = binary.BigEndian.AppendUint16(e.b, numericScale)
	for i := count - 1; i >= skip; i-- {
		e.b = binary.BigEndian.AppendUint16(e.b, digits[i])
	}
}

// rawText is a text within a list.
func (e *encoder) rawText(s string) {
	e.b = binary.BigEndian.AppendUint32(e.b, uint32(len(s))) //nolint:gosec // no text comes near
	e.b = append(e.b, s...)
}

// The types of elements.
const (
	textOID    = 25
	numericOID = 1700
)

// list is an array of one dimension, NULL when it is empty: the number of dimensions, whether there are NULLs, the type, the
// number of elements and the first one's index in four bytes each, then the elements with their lengths.
func list[T any](e *encoder, oid uint32, all []T, element func(*T)) {
	if len(all) == 0 {
		e.length(noValue)
		return
	}
	start := len(e.b)
	e.length(0)
	for _, n := range [...]uint32{1, 0, oid, uint32(len(all)), 1} { //nolint:gosec // a few
		e.b = binary.BigEndian.AppendUint32(e.b, n)
	}
	for i := range all {
		element(&all[i])
	}
	binary.BigEndian.PutUint32(e.b[start:], uint32(len(e.b)-start-4)) //nolint:gosec // far below
}
