package bundle

import (
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// cells are the columns of an event as text, in the order of NDJSON fields and CSV columns.
type cells [16][]byte

var errValue = errors.New("a value is not as an export writes it")

// event reads the columns. The body keeps the memory of its cell; all else is copied.
func (c *cells) event() (eventstore.Event, error) {
	v := values{ok: true}
	e := eventstore.Event{
		Shard: int16(v.number(c[0], 16)), Position: v.number(c[1], 64), StreamID: domain.StreamID(c[2]), //nolint:gosec // 16 bits were asked for
		StreamVersion: v.number(c[3], 64), EventID: v.id(c[4]), Type: string(c[5]), SchemaVersion: int16(v.number(c[6], 16)), //nolint:gosec // as above
		RecordedAt: v.time(c[7]), EffectiveAt: v.time(c[8]), Actor: string(c[9]), CorrelationID: v.id(c[10]),
		CausationID: v.id(c[11]), CommandID: v.id(c[12]), Body: c[14],
	}
	v.hex(e.Salt[:], c[13])
	v.hex(e.LeafHash[:], c[15])
	if !v.ok {
		return e, errValue
	}
	return e, nil
}

type values struct{ ok bool }

func (v *values) number(b []byte, bits int) int64 {
	n, err := strconv.ParseInt(string(b), 10, bits)
	v.ok = v.ok && err == nil
	return n
}

func (v *values) id(b []byte) uuid.UUID {
	const length = 36
	id, err := uuid.ParseBytes(b)
	v.ok = v.ok && err == nil && len(b) == length
	return id
}

func (v *values) time(b []byte) time.Time {
	var t time.Time
	v.ok = v.ok && t.UnmarshalText(b) == nil
	return t
}

func (v *values) hex(to, b []byte) {
	if len(b) != hex.EncodedLen(len(to)) {
		v.ok = false
		return
	}
	_, err := hex.Decode(to, b)
	v.ok = v.ok && err == nil
}
