package checkpoint

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

type tenantKey struct{}

// ForTenants returns the context of a request that is made for the owners of these wallets. Views that were made with Walled answer it as a role of the
// database that sees nothing else, whatever the query asks for.
func ForTenants(ctx context.Context, wallets []uuid.UUID) context.Context {
	if len(wallets) == 0 {
		return ctx
	}
	names := make([]string, len(wallets))
	for i, wallet := range wallets {
		names[i] = wallet.String()
	}
	return context.WithValue(ctx, tenantKey{}, strings.Join(names, ","))
}

// Walled keeps tenants apart in the database. It is for views whose answers are not kept for other callers.
func Walled() Option { return func(v *View) { v.walled = true } }

// enter makes the rest of its transaction one of a tenant. Both settings end with it.
const enter = `SELECT set_config('massrouter.tenant', $1, true), set_config('role', 'massrouter_tenant', true)`

// query runs a statement, behind the wall when the request is a tenant's. done ends it, after the rows were read.
func (v *View) query(ctx context.Context, sql string, args []any) (rows pgx.Rows, done func() error, err error) {
	tenants, _ := ctx.Value(tenantKey{}).(string)
	if !v.walled || tenants == "" {
		rows, err = v.pool.Query(ctx, sql, args...) //nolint:rowserrcheck // the caller reads the rows
		return rows, func() error { return nil }, err
	}
	// One round trip, and so one transaction. The text differs from that of other callers: the server keeps a plan for each role.
	batch := &pgx.Batch{}
	batch.Queue(enter, tenants)
	batch.Queue("/* tenant */ "+sql, args...)
	results := v.pool.SendBatch(ctx, batch)
	if _, err := results.Exec(); err != nil {
		_ = results.Close() // the error is that of the first statement
		return nil, nil, err
	}
	rows, err = results.Query() //nolint:rowserrcheck // as well
	if err != nil {
		_ = results.Close() // as well
		return nil, nil, err
	}
	return rows, results.Close, nil
}
