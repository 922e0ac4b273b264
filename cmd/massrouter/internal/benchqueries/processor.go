package benchqueries

import (
	"context"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/child"
)

// listBackends are the server's processes of this database, when it runs on this machine.
const listBackends = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type IN ('client backend', 'parallel worker')
	AND coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)`

// processor is processor time used so far: by this process, and by the server's processes for it.
type processor struct{ own, server time.Duration }

// used is not known elsewhere than on Linux, or of a server on another machine.
func used(ctx context.Context, pool *pgxpool.Pool) (p processor, known bool) {
	rows, err := pool.Query(ctx, listBackends)
	if err != nil {
		return p, false
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(pids) == 0 {
		return p, false
	}
	if p.own, err = child.CPU(os.Getpid()); err != nil {
		return p, false
	}
	for _, pid := range pids {
		one, err := child.CPU(pid)
		if err != nil {
			return p, false
		}
		p.server += one
	}
	return p, true
}

// since is the processor time of an answer in milliseconds, when so many were given since then.
func (p processor) since(before processor, answers int) (own, server float64) {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(answers) }
	return each(p.own - before.own), each(p.server - before.server)
}
