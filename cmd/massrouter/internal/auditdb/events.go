package auditdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

const (
	eventBatch = 128
	// A column that mostly repeats another one, or is 1, comes as NULL then, which costs the server a quarter of sending it. A
	// NULL in the table, which it does not allow, comes as what no event has.
	eventsSQL = `SELECT position, stream_id, stream_version, event_id, type, CASE schema_version WHEN 1 THEN NULL ELSE coalesce(schema_version, '-1') END,
		recorded_at, CASE effective_at WHEN recorded_at THEN NULL ELSE coalesce(effective_at, '-infinity') END, actor,
		CASE correlation_id WHEN command_id THEN NULL ELSE coalesce(correlation_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') END,
		CASE causation_id WHEN correlation_id THEN NULL ELSE coalesce(causation_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') END,
		command_id, salt, body, leaf_hash FROM ledger.events WHERE shard = `
)

// events reads the whole log, over a connection of its own. Batches that are given back to used are filled again.
func (s *session) events(ctx context.Context, used <-chan []eventstore.Event) audit.Batches {
	return func(yield func([]eventstore.Event, error) bool) {
		b := &batches{shard: s.shard, yield: yield, used: used, words: map[string]string{}}
		query := `COPY (` + eventsSQL + strconv.Itoa(int(s.shard)) + ` ORDER BY position) TO STDOUT BINARY`
		err := s.copy(ctx, query, b.row)
		if err == nil {
			err = b.flush()
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, fmt.Errorf("read the events after position %d: %w", b.last, err))
		}
	}
}

// errStopped says that nobody wants more events.
var errStopped = errors.New("stopped")

// batches puts rows together.
type batches struct {
	shard  int16
	yield  func([]eventstore.Event, error) bool
	used   <-chan []eventstore.Event
	events []eventstore.Event
	words  map[string]string // the few types and actors
	last   int64             // position
}

func (b *batches) row(row []byte) error {
	if b.events == nil {
		select {
		case b.events = <-b.used:
			b.events = b.events[:0]
		default:
			b.events = make([]eventstore.Event, 0, eventBatch)
		}
	}
	b.events = b.events[:len(b.events)+1]
	e := &b.events[len(b.events)-1]
	c := columns{rest: row}
	c.count(15)
	e.Shard, e.Position, e.StreamID, e.StreamVersion = b.shard, c.int64(), domain.StreamID(c.value()), c.int64()
	e.EventID, e.Type, e.SchemaVersion = c.uuid(), b.word(c.value()), 1
	if !c.null() {
		e.SchemaVersion = c.int16()
	}
	e.RecordedAt = c.time()
	if e.EffectiveAt = e.RecordedAt; !c.null() {
		e.EffectiveAt = c.time()
	}
	e.Actor = b.word(c.value())
	ownCorrelation := !c.null()
	if ownCorrelation {
		e.CorrelationID = c.uuid()
	}
	ownCausation := !c.null()
	if ownCausation {
		e.CausationID = c.uuid()
	}
	e.CommandID, e.Salt = c.uuid(), c.uuid()
	if !ownCorrelation {
		e.CorrelationID = e.CommandID
	}
	if !ownCausation {
		e.CausationID = e.CorrelationID
	}
	e.Body, e.LeafHash = append(e.Body[:0], c.value()...), [32]byte(c.fixed(32))
	if c.err != nil {
		return c.err
	}
	b.last = e.Position
	if len(b.events) == cap(b.events) {
		return b.flush()
	}
	return nil
}

// flush hands the batch over.
func (b *batches) flush() error {
	events := b.events
	b.events = nil
	if len(events) > 0 && !b.yield(events, nil) {
		return errStopped
	}
	return nil
}

// word is a text of which there are few.
func (b *batches) word(text []byte) string {
	const most = 10_000
	if word, ok := b.words[string(text)]; ok {
		return word
	}
	word := string(text)
	if len(b.words) < most {
		b.words[word] = word
	}
	return word
}

const lengthSize = 4 // bytes before a value

// columns reads the values of a row one after the other. The first that is not what it should be is in err.
type columns struct {
	rest []byte
	at   int // columns that were read
	err  error
}

func (c *columns) count(n int) {
	if len(c.rest) < 2 || int(binary.BigEndian.Uint16(c.rest)) != n {
		c.err = errCopy
		return
	}
	c.rest = c.rest[2:]
}

// value is nil for NULL.
func (c *columns) value() []byte {
	c.at++
	if c.err != nil {
		return nil
	}
	if len(c.rest) < lengthSize {
		c.err = errCopy
		return nil
	}
	length := binary.BigEndian.Uint32(c.rest)
	if c.rest = c.rest[lengthSize:]; length == noValue {
		return nil
	}
	if uint64(length) > uint64(len(c.rest)) {
		c.err = errCopy
		return nil
	}
	v := c.rest[:length]
	c.rest = c.rest[length:]
	return v
}

// null passes over the next value if it is NULL.
func (c *columns) null() bool {
	if c.err != nil || len(c.rest) < lengthSize || binary.BigEndian.Uint32(c.rest) != noValue {
		return false
	}
	c.at++
	c.rest = c.rest[lengthSize:]
	return true
}

// fixed is a value of a known number of bytes.
func (c *columns) fixed(size int) []byte {
	v := c.value()
	if len(v) == size {
		return v
	}
	if c.err == nil {
		c.err = fmt.Errorf("column %d has %d bytes instead of %d", c.at, len(v), size)
	}
	return make([]byte, size)
}

//nolint:gosec // two's complement is the format, here and below
func (c *columns) int16() int16 { return int16(binary.BigEndian.Uint16(c.fixed(2))) }

//nolint:gosec // as above
func (c *columns) int64() int64 { return int64(binary.BigEndian.Uint64(c.fixed(8))) }

func (c *columns) uuid() uuid.UUID { return uuid.UUID(c.fixed(16)) }

func (c *columns) time() time.Time { return moment(c.int64()) }

// moment is a time by its microseconds; "infinity" is as far away as an int64 of microseconds gets.
func moment(micros int64) time.Time {
	return time.UnixMicro(micros + min(epoch, math.MaxInt64-max(micros, 0))).UTC()
}
