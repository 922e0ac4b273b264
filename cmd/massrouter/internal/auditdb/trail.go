package auditdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const (
	trailEntries = "audit.entries"
	trailLinks   = "audit.seals"
)

// What can be wrong between the ledger and the audit trail.
const (
	ChangeUnrecorded audit.Code = "trail_change_unrecorded" // somebody changed the ledger, and no entry says so
	ChangeUnknown    audit.Code = "trail_change_unknown"    // an entry is of a command that the ledger does not have
)

// trailed verifies the audit trail, and that every change of the ledger by people has its entry.
type trailed struct {
	s        *session
	findings *audit.Findings
	since    int64               // the trail begins after this position
	changes  map[uuid.UUID]int64 // commands of people, and the positions of their last events
	summary  auditlog.Summary
	position int64
}

func newTrailed(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	t := &trailed{s: s, findings: findings, changes: map[uuid.UUID]int64{}}
	if err := s.side.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM audit.head`).Scan(&t.since); err != nil {
		return nil, fmt.Errorf("read where the audit trail begins: %w", err)
	}
	return t, nil
}

func (t *trailed) tables() []Table {
	return []Table{{Name: trailEntries, Rows: t.summary.Entries, Position: t.position}, {Name: trailLinks, Rows: t.summary.Links, Position: t.position}}
}

func (*trailed) close() {}

// Observe notes who changed what. Calls leave no entries: their events are the record.
func (t *trailed) Observe(_ context.Context, step *audit.Step) error {
	t.position = step.Row.Position
	person := strings.HasPrefix(step.Row.Actor, "user:") || strings.HasPrefix(step.Row.Actor, "operator:")
	if person && t.position > t.since && !ofCalls(step.Row.Type) {
		t.changes[step.Row.CommandID] = t.position
	}
	return nil
}

func ofCalls(event string) bool {
	for _, prefix := range []string{"wallet.hold_", "wallet.usage_charged.", "wallet.charge_corrected.", "charge.corrected."} {
		if strings.HasPrefix(event, prefix) {
			return true
		}
	}
	return false
}

// End verifies the chain, and compares both sides.
func (t *trailed) End(ctx context.Context, _ *audit.State) (err error) {
	t.summary, err = auditlog.Verify(ctx, t.s.side, nil, func(f auditlog.Finding) {
		t.findings.Addf(0, audit.Code(f.Code), trailEntries, "%s", f.Message)
	})
	if err != nil {
		return err
	}
	//nolint:rowserrcheck // pgx.ForEachRow checks it
	rows, err := t.s.side.Query(ctx, `SELECT e.entry_id, e.command_id, EXISTS (SELECT FROM ledger.commands c WHERE c.command_id = e.command_id AND c.shard = $1)
		FROM audit.entries e WHERE e.command_id IS NOT NULL ORDER BY e.entry_id`, t.s.shard)
	if err != nil {
		return fmt.Errorf("read the commands of the audit trail: %w", err)
	}
	var entry int64
	var command uuid.UUID
	var known bool
	_, err = pgx.ForEachRow(rows, []any{&entry, &command, &known}, func() error {
		delete(t.changes, command)
		if !known {
			t.findings.Addf(0, ChangeUnknown, trailEntries, "entry %d is of the command %s, which the ledger does not have", entry, command)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the commands of the audit trail: %w", err)
	}
	for command, position := range t.changes {
		t.findings.Addf(position, ChangeUnrecorded, trailEntries, "no entry tells of the command %s", command)
	}
	return nil
}
