package export

import (
	"encoding/hex"
	"io"
	"strings"

	"github.com/massrouter/massrouter/eventstore"
)

// table writes RFC 4180: records end with CR LF, texts are always quoted, numbers and ids never.
type table struct {
	w io.Writer
	b []byte
}

func newTable(w io.Writer, header string) (table, error) {
	_, err := io.WriteString(w, header+"\r\n")
	return table{w: w}, err
}

func (t *table) flush() error {
	_, err := t.w.Write(t.b)
	t.b = t.b[:0]
	return err
}

func (*table) close() error { return nil }

// plain appends a cell of our own that has no comma, quote or line end.
func (t *table) plain(s string) { t.b = append(append(t.b, s...), ',') }

// text appends a cell whose content comes from outside. A spreadsheet takes a cell that begins with one of these
// characters for a formula, so it gets an apostrophe in front. One that begins with an apostrophe gets another: who
// takes one away from each cell that begins with one has the text again.
func (t *table) text(s string) {
	t.b = append(t.b, '"')
	if formula(s) {
		t.b = append(t.b, '\'')
	}
	for rest := s; ; {
		before, after, found := strings.Cut(rest, `"`)
		t.b = append(t.b, before...)
		if !found {
			break
		}
		t.b = append(t.b, `""`...)
		rest = after
	}
	t.b = append(t.b, '"', ',')
}

func formula(s string) bool {
	for _, start := range [...]string{"=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, start) {
			return true
		}
	}
	return false
}

// end closes a record.
func (t *table) end() { t.b = append(t.b[:len(t.b)-1], '\r', '\n') }

const eventsHeader = "shard,position,stream_id,stream_version,event_id,type,schema_version,recorded_at,effective_at,actor," +
	"correlation_id,causation_id,command_id,salt,body,leaf_hash"

type csvEvents struct{ table }

func newCSVEvents(w io.Writer) (*csvEvents, error) {
	t, err := newTable(w, eventsHeader)
	return &csvEvents{t}, err
}

func (c *csvEvents) write(events []decoded) (int64, error) {
	for i := range events {
		c.event(events[i].row)
	}
	return int64(len(events)), c.flush()
}

func (c *csvEvents) event(e *eventstore.Event) {
	c.plain(digits(int64(e.Shard)))
	c.plain(digits(e.Position))
	c.text(string(e.StreamID))
	c.plain(digits(e.StreamVersion))
	c.plain(e.EventID.String())
	c.text(e.Type)
	c.plain(digits(int64(e.SchemaVersion)))
	c.plain(stamp(e.RecordedAt))
	c.plain(stamp(e.EffectiveAt))
	c.text(e.Actor)
	c.plain(e.CorrelationID.String())
	c.plain(e.CausationID.String())
	c.plain(e.CommandID.String())
	c.plain(hex.EncodeToString(e.Salt[:]))
	c.text(string(e.Body))
	c.plain(hex.EncodeToString(e.LeafHash[:]))
	c.end()
}
