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
	eventBatch = 1000
	eventsSQL  = `SELECT position, stream_id, stream_version, event_id, type, schema_version, recorded_at, effective_at, actor,
		correlation_id, causation_id, command_id, salt, body, leaf_hash FROM ledger.events WHERE shard = `
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
	e.EventID, e.Type, e.SchemaVersion = c.uuid(), b.word(c.value()), c.int16()
	e.RecordedAt, e.EffectiveAt, e.Actor = c.time(), c.time(), b.word(c.value())
	e.CorrelationID, e.CausationID, e.CommandID, e.Salt = c.uuid(), c.uuid(), c.uuid(), c.uuid()
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
	const lengthSize = 4
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
