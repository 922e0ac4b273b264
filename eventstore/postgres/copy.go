package postgres

import (
	"time"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// rows are the tuples of a COPY.
type rows pgwire.Rows

func newRows(size int) rows { return rows(pgwire.NewRows(size)) }

func (r rows) tuple(fields int) rows { return rows(pgwire.Rows(r).Tuple(fields)) }

func (r rows) end() []byte { return pgwire.Rows(r).End() }

func (r rows) int8(v int64) rows        { return rows(column(r).int8(v)) }
func (r rows) int2(v int16) rows        { return rows(column(r).int2(v)) }
func (r rows) text(s string) rows       { return rows(column(r).text(s)) }
func (r rows) bytes(b []byte) rows      { return rows(column(r).bytes(b)) }
func (r rows) bool(v bool) rows         { return rows(column(r).bool(v)) }
func (r rows) instant(t time.Time) rows { return rows(column(r).instant(t)) }

func eventRows(shard int16, events []eventstore.Event) []byte {
	size := 0
	for i := range events {
		e := &events[i]
		size += 300 + len(e.StreamID) + len(e.Type) + len(e.Actor) + len(e.Body)
	}
	r := newRows(size)
	for i := range events {
		e := &events[i]
		r = r.tuple(16).int2(shard).int8(e.Position).text(string(e.StreamID)).int8(e.StreamVersion).bytes(e.EventID[:]).
			text(e.Type).int2(e.SchemaVersion).instant(e.RecordedAt).instant(e.EffectiveAt).text(e.Actor).
			bytes(e.CorrelationID[:]).bytes(e.CausationID[:]).bytes(e.CommandID[:]).bytes(e.Salt[:]).bytes(e.Body).
			bytes(e.LeafHash[:])
	}
	return r.end()
}

func commandRows(shard int16, commands []eventstore.Command) []byte {
	size := 0
	for i := range commands {
		size += 120 + len(commands[i].Outcome)
	}
	r := newRows(size)
	for i := range commands {
		c := &commands[i]
		r = r.tuple(7).int2(shard).bytes(c.ID[:]).bytes(c.InputHash[:]).int8(c.Position).instant(c.At).bool(c.Refused).
			bytes(c.Outcome)
	}
	return r.end()
}
