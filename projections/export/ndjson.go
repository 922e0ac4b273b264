package export

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// ndjsonEvents writes one JSON object an event, its fields always in the same order. The body is text: its characters
// are the stored bytes, whatever a reader of JSON does with numbers and spaces.
type ndjsonEvents struct {
	w io.Writer
	b []byte
}

func newNDJSONEvents(w io.Writer) *ndjsonEvents { return &ndjsonEvents{w: w} }

func (n *ndjsonEvents) write(events []decoded) (int64, error) {
	n.b = n.b[:0]
	for i := range events {
		var err error
		if n.b, err = appendLine(n.b, events[i].row); err != nil {
			return 0, err
		}
	}
	_, err := n.w.Write(n.b)
	return int64(len(events)), err
}

func (*ndjsonEvents) close() error { return nil }

func appendLine(b []byte, e *eventstore.Event) ([]byte, error) {
	b, err := AppendEvent(b, e)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// AppendEvent appends an event as a line of an NDJSON export has it, without the line's end. Errors: a text that JSON
// cannot hold.
func AppendEvent(b []byte, e *eventstore.Event) ([]byte, error) {
	for _, text := range [4]string{string(e.StreamID), e.Type, e.Actor, string(e.Body)} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("the event at position %d has a text that is no UTF-8, which JSON cannot hold: export as parquet", e.Position)
		}
	}
	o := domain.BeginObject(b)
	o.Int("shard", int64(e.Shard))
	o.Int("position", e.Position)
	o.String("stream_id", string(e.StreamID))
	o.Int("stream_version", e.StreamVersion)
	o.ID("event_id", e.EventID)
	o.String("type", e.Type)
	o.Int("schema_version", int64(e.SchemaVersion))
	o.String("recorded_at", stamp(e.RecordedAt))
	o.String("effective_at", stamp(e.EffectiveAt))
	o.String("actor", e.Actor)
	o.ID("correlation_id", e.CorrelationID)
	o.ID("causation_id", e.CausationID)
	o.ID("command_id", e.CommandID)
	o.String("salt", hex.EncodeToString(e.Salt[:]))
	o.String("body", string(e.Body))
	o.String("leaf_hash", hex.EncodeToString(e.LeafHash[:]))
	b, err := o.End()
	if err != nil {
		return nil, fmt.Errorf("encode the event at position %d: %w", e.Position, err)
	}
	return b, nil
}

// micros is RFC 3339 with the six digits that the log keeps.
const micros = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(micros) }

func digits(n int64) string { return strconv.FormatInt(n, 10) }
