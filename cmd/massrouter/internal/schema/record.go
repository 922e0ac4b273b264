package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Record is a table that is only ever appended to: what is lost of it nothing brings back.
type Record string

// The records.
const (
	Ledger     Record = "ledger.events"
	AuditTrail Record = "audit.entries"
)

// madeBy is the migration that takes a record with it when it is taken back.
func (r Record) madeBy() uint {
	const ledger, trail = 1, 27
	if r == Ledger {
		return ledger
	}
	return trail
}

// after is the version that is left when so many migrations, or all for 0, were taken back.
func (s *Status) after(steps int) uint {
	var applied []uint
	for _, m := range s.Migrations {
		if m.Applied {
			applied = append(applied, m.Version)
		}
	}
	if steps == 0 || steps >= len(applied) {
		return 0
	}
	return applied[len(applied)-1-steps]
}

// Lost says which records have rows that Down would drop. What is written after it was asked is not known.
func Lost(ctx context.Context, address string, steps int) ([]Record, error) {
	status, err := Read(ctx, address)
	if err != nil {
		return nil, err
	}
	target := status.after(steps)
	config, err := parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing was written
	var lost []Record
	for _, r := range []Record{Ledger, AuditTrail} {
		if target >= r.madeBy() {
			continue
		}
		var there, written bool
		err := conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, string(r)).Scan(&there)
		if err == nil && there {
			err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+string(r)+`)`).Scan(&written)
		}
		if err != nil {
			return nil, fmt.Errorf("look for what would be lost: %w", err)
		}
		if written {
			lost = append(lost, r)
		}
	}
	return lost, nil
}
