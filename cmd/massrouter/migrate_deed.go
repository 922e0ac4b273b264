package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const schemaTarget = "database:schema"

// migrate moves a database between versions and leaves entries of it, as far as the audit trail is there: it begins with migration 0027, so that a database
// that is made gets the second entry only, and one that is taken down the first. What changes nothing leaves none.
func (d *deed) migrate(ctx context.Context, address string, move func(context.Context) (schema.Status, error)) (schema.Status, error) {
	ctx, err := d.context(ctx)
	if err != nil {
		return schema.Status{}, err
	}
	before, err := schema.Read(ctx, address)
	if err != nil {
		return before, err
	}
	if d.action == "migrate.up" && before.Version == before.Latest && !before.Dirty {
		return move(ctx)
	}
	pool, err := database.Open(ctx, address, 1)
	if err != nil {
		return before, err
	}
	defer pool.Close()
	there, err := hasTrail(ctx, pool)
	if err == nil && there {
		err = auditlog.Record(ctx, pool, trail.Change{Action: d.action + begun, Target: schemaTarget, Before: map[string]uint{"version": before.Version}})
	}
	if err != nil {
		return before, err
	}
	status, failure := move(ctx)
	pool.Reset() // what a connection has prepared may be gone
	there, err = hasTrail(context.WithoutCancel(ctx), pool)
	if err == nil && there {
		var after any
		if failure == nil {
			after = map[string]uint{"version": status.Version}
		}
		err = d.ended(ctx, pool, schemaTarget, after, failure)
	}
	return status, errors.Join(failure, err)
}

// hasTrail says whether the database has an audit trail.
func hasTrail(ctx context.Context, pool *pgxpool.Pool) (there bool, err error) {
	if err := pool.QueryRow(ctx, `SELECT to_regprocedure('audit.record(text[], text[])') IS NOT NULL`).Scan(&there); err != nil {
		return false, fmt.Errorf("look for the audit trail: %w", err)
	}
	return there, nil
}
