// Package wall is row-level security of PostgreSQL for what is read for a tenant: the reading runs as a role that sees the rows of the wallets named in
// the transaction, whatever its SQL asks for (docs/adr/0048). It is against mistakes in our own queries: who can run any statement can leave the role.
package wall

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type key struct{}

// For returns the context of a request that is made for the owners of these wallets; without any it is the same context, of somebody who may see all.
func For(ctx context.Context, wallets []uuid.UUID) context.Context {
	if len(wallets) == 0 {
		return ctx
	}
	names := make([]string, len(wallets))
	for i, wallet := range wallets {
		names[i] = wallet.String()
	}
	return context.WithValue(ctx, key{}, strings.Join(names, ","))
}

// Of says for whom a request is made: ids of wallets, as For had them, with commas between; "" for no tenant. What is kept of an answer for other callers
// is kept under it.
func Of(ctx context.Context) string {
	tenants, _ := ctx.Value(key{}).(string)
	return tenants
}

// Shows says whether a request may see what is a wallet's, for rows that are not in the database.
func Shows(ctx context.Context, wallet uuid.UUID) bool {
	tenants := Of(ctx)
	return tenants == "" || strings.Contains(tenants, wallet.String())
}

// Enter makes the rest of its transaction one of a tenant, whose wallets are its argument, as Of has them. Both settings end with it.
const Enter = `SELECT set_config('massrouter.tenant', $1, true), set_config('role', 'massrouter_tenant', true)`

// Query runs a statement that reads; as the role when the request is a tenant's. The rows have to be closed by Close, as all helpers of pgx do.
func Query(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) (pgx.Rows, error) {
	tenants := Of(ctx)
	if tenants == "" {
		return pool.Query(ctx, sql, args...) //nolint:rowserrcheck // the caller reads the rows
	}
	// One round trip, and so one transaction. The text differs from that of other callers: the server keeps a plan for each role.
	batch := &pgx.Batch{}
	batch.Queue(Enter, tenants)
	batch.Queue("/* tenant */ "+sql, args...)
	results := pool.SendBatch(ctx, batch)
	if _, err := results.Exec(); err != nil {
		_ = results.Close() // the error is that of the first statement
		return nil, err
	}
	read, err := results.Query() //nolint:rowserrcheck // as well
	if err != nil {
		_ = results.Close() // as well
		return nil, err
	}
	return &rows{Rows: read, results: results}, nil
}

// rows end their transaction and give the connection back when they are closed.
type rows struct {
	pgx.Rows

	results pgx.BatchResults
}

func (r *rows) Close() {
	r.Rows.Close()
	_ = r.results.Close() // what failed was said by the rows
}
