package auditdb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
)

// heads compares ledger.log_heads with the end of the log.
type heads struct {
	s        *session
	findings *audit.Findings
	table    Table
}

func newHeads(s *session, findings *audit.Findings) *heads {
	return &heads{s: s, findings: findings, table: Table{Name: "ledger.log_heads"}}
}

func (h *heads) tables() []Table { return []Table{h.table} }

func (*heads) close() {}

// Observe waits for the end.
func (*heads) Observe(context.Context, *audit.Step) error { return nil }

// End compares the row of the shard; rows and events of other shards belong to no log that anybody reads.
func (h *heads) End(ctx context.Context, state *audit.State) error {
	rows, err := h.s.side.Query(ctx, `SELECT shard, position, recorded_at, event_id FROM ledger.log_heads`, inBinary())
	if err != nil {
		return fmt.Errorf("read the heads: %w", err)
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		r := row{values: rows.RawValues()}
		shard, position, recorded := r.int16(0), r.int64(1), r.time(2)
		d := &diff{h.findings, state.Position, h.table.Name, func() string { return fmt.Sprintf("shard %d", shard) }}
		h.table.Rows++
		if shard != h.s.shard {
			d.report(RowExtra, "the log has shard %d only", h.s.shard)
			continue
		}
		found = true
		same(d, "position", position, state.Position)
		want := state.RecordedAt
		if state.Position == 0 {
			want = time.Unix(0, 0)
		}
		d.time("recorded_at", recorded, want)
		same(d, "event_id", r.uuid(3), uuid.UUID(state.EventID))
		if r.err != nil {
			return fmt.Errorf("read the heads: %w", r.err)
		}
	}
	if !found {
		h.findings.Addf(state.Position, RowMissing, h.table.Name, "the log has no head")
	}
	h.table.Position = state.Position
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the heads: %w", err)
	}
	return h.others(ctx)
}

// others looks for events that no head counts.
func (h *heads) others(ctx context.Context) error {
	var position *int64
	err := h.s.side.QueryRow(ctx, `SELECT least((SELECT min(position) FROM ledger.events WHERE shard > $1),
		(SELECT min(position) FROM ledger.events WHERE shard < $1))`, h.s.shard).Scan(&position)
	if err != nil {
		return fmt.Errorf("look for events of other shards: %w", err)
	}
	if position != nil {
		h.findings.Addf(*position, audit.ShardMixed, "ledger.events", "there are events of another shard than %d", h.s.shard)
	}
	return nil
}
