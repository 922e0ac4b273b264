package checkpoint

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/eventstore/wall"
)

// ForTenants returns the context of a request that is made for the owners of these wallets. Views that were made with Walled answer it as a role of the
// database that sees nothing else, whatever the query asks for. It is wall.For, for http, which may not know the event store.
func ForTenants(ctx context.Context, wallets []uuid.UUID) context.Context {
	return wall.For(ctx, wallets)
}

// Walled keeps tenants apart in the database. Answers that are kept for other callers are kept under wall.Of.
func Walled() Option { return func(v *View) { v.walled = true } }

// query runs a statement, behind the wall when the request is a tenant's.
func (v *View) query(ctx context.Context, sql string, args []any) (pgx.Rows, error) {
	if !v.walled {
		return v.pool.Query(ctx, sql, args...) //nolint:rowserrcheck // the caller reads the rows
	}
	return wall.Query(ctx, v.pool, sql, args...) //nolint:rowserrcheck // as well
}
