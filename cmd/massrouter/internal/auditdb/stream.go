package auditdb

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
)

// streams compares ledger.streams with where each stream begins.
type streams struct {
	s        *session
	findings *audit.Findings
	table    Table
}

func newStreams(s *session, findings *audit.Findings) *streams {
	return &streams{s: s, findings: findings, table: Table{Name: "ledger.streams"}}
}

func (t *streams) tables() []Table { return []Table{t.table} }

func (*streams) close() {}

// Observe waits for the end.
func (*streams) Observe(context.Context, *audit.Step) error { return nil }

// End compares all rows.
func (t *streams) End(ctx context.Context, state *audit.State) error {
	t.table.Position = state.Position
	seen := make(map[domain.StreamID]struct{}, len(state.Streams))
	err := t.s.each(ctx, `SELECT stream_id, shard, first_position FROM ledger.streams`, func(r *row) {
		id, first := streamID(r.text(0)), r.int64(2)
		t.table.Rows++
		d := &diff{t.findings, 0, t.table.Name, func() string { return string(id) }}
		stream, known := state.Streams[id]
		if !known || r.int16(1) != t.s.shard {
			d.report(RowExtra, "the log has no such stream in shard %d", t.s.shard)
			return
		}
		seen[id], d.position = struct{}{}, stream.First
		// The row may name any position of the commit in which the stream began, up to its first event.
		if first < stream.Earliest || first > stream.First {
			d.differs("first_position", first, stream.First)
		}
	})
	if err != nil {
		return err
	}
	for _, m := range missing(state.Streams, seen, func(stream *audit.Stream) int64 { return stream.First }) {
		t.findings.Addf(m.position, RowMissing, t.table.Name+" "+m.key, "the stream has %d events", state.Streams[streamID(m.key)].Version)
	}
	return nil
}

// each reads all rows of a query in the session's snapshot.
func (s *session) each(ctx context.Context, query string, use func(*row), args ...any) error {
	rows, err := s.side.Query(ctx, query, append([]any{inBinary()}, args...)...)
	if err != nil {
		return fmt.Errorf("read %q: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := row{values: rows.RawValues()}
		use(&r)
		if r.err != nil {
			return fmt.Errorf("read %q: %w", query, r.err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %q: %w", query, err)
	}
	return nil
}
