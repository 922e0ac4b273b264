package auditdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// row reads the columns of one row in binary format. The first column that is not what it should be is in err. Values
// are copied: they may be kept.
type row struct {
	values [][]byte
	err    error
}

func streamID(s string) domain.StreamID { return domain.StreamID(s) }

// fixed is a column of a known number of bytes.
func (r *row) fixed(i, size int) []byte {
	if v := r.values[i]; len(v) == size {
		return v
	}
	if r.err == nil {
		r.err = fmt.Errorf("column %d has %d bytes instead of %d", i+1, len(r.values[i]), size)
	}
	return make([]byte, size)
}

func (r *row) null(i int) bool { return r.values[i] == nil }

//nolint:gosec // two's complement is the format, here and below
func (r *row) int16(i int) int16 { return int16(binary.BigEndian.Uint16(r.fixed(i, 2))) }

//nolint:gosec // as above
func (r *row) int64(i int) int64 { return int64(binary.BigEndian.Uint64(r.fixed(i, 8))) }

// int64OrNull is 0 for NULL.
func (r *row) int64OrNull(i int) int64 {
	if r.null(i) {
		return 0
	}
	return r.int64(i)
}

// uuidOrNull is zero for NULL.
func (r *row) uuidOrNull(i int) uuid.UUID {
	if r.null(i) {
		return uuid.UUID{}
	}
	return r.uuid(i)
}

func (r *row) bool(i int) bool { return r.fixed(i, 1)[0] != 0 }

func (r *row) uuid(i int) uuid.UUID { return uuid.UUID(r.fixed(i, 16)) }

func (r *row) hash(i int) [32]byte { return [32]byte(r.fixed(i, 32)) }

func (r *row) text(i int) string { return string(r.values[i]) }

// bytes is nil for NULL.
func (r *row) bytes(i int) []byte { return bytes.Clone(r.values[i]) }

// epoch is 2000-01-01, from which PostgreSQL counts microseconds, in those of 1970.
const epoch = 946_684_800_000_000

// time is zero for NULL.
func (r *row) time(i int) time.Time {
	if r.null(i) {
		return time.Time{}
	}
	return moment(r.int64(i))
}

// day is a date as the number of days since 1970; -1 << 63 for NULL.
func (r *row) day(i int) int64 {
	if r.null(i) {
		return math.MinInt64
	}
	return int64(int32(binary.BigEndian.Uint32(r.fixed(i, 4)))) + epoch/secondsOfDay/1_000_000 //nolint:gosec // as above
}

const secondsOfDay = 24 * 60 * 60

// amount is a numeric that was selected as text. One that no amount can be is kept as such: it equals nothing.
func (r *row) amount(i int) amount { return parseAmount(string(r.values[i])) }

func parseAmount(text string) amount {
	value, err := money.Parse(text)
	if err != nil {
		return amount{odd: cmp.Or(text, "nothing")}
	}
	return amount{value: value}
}

// texts is a list of texts; nil for NULL. What is no such list is one of a text that says so.
func (r *row) texts(i int) (all []string) {
	if r.null(i) {
		return nil
	}
	c := columns{rest: r.values[i]}
	if len(c.rest) < listHead || binary.BigEndian.Uint32(c.rest) != 1 || binary.BigEndian.Uint32(c.rest[16:]) != 1 {
		return []string{"no list"}
	}
	n := binary.BigEndian.Uint32(c.rest[12:])
	for c.rest = c.rest[listHead:]; n > 0 && c.err == nil; n-- {
		all = append(all, string(c.value()))
	}
	if c.err != nil && r.err == nil {
		r.err = c.err
	}
	return all
}

const listHead = 20 // bytes before the elements of a list

// amount is a sum of money, or a number that is none of the ledger's.
type amount struct {
	value money.Amount
	odd   string
}

func (a amount) String() string {
	if a.odd != "" {
		return a.odd
	}
	return a.value.String()
}
