// Package benchqueries measures the answers of the read models, each kind asked by many at once, on a long generated history.
package benchqueries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/history"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

// Options of a run.
type Options struct {
	Database string // URL of a migrated database: empty, or one that an earlier run has filled
	Calls    int64
	Wallets  int
	Days     int
	Askers   int           // that each wait for their answer and ask again
	Each     time.Duration // for each kind of question
	Question string        // only the questions whose names have this in them
	Progress func(format string, args ...any)
}

// Report is the result.
type Report struct {
	Calls   int64    `json:"calls"`
	Days    int      `json:"days"`
	Askers  int      `json:"askers"`
	Answers []Answer `json:"answers"`
}

// Answer is how one kind of question was answered: by all askers at once, and asked by one alone. Times are milliseconds. CPU is the
// processor time of an answer while all ask: in this process, and in PostgreSQL; zeros when it is not known.
type Answer struct {
	Question  string  `json:"question"`
	PerSecond float64 `json:"per_s"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	AloneP50  float64 `json:"alone_p50_ms"`
	AloneP99  float64 `json:"alone_p99_ms"`
	CPU       float64 `json:"cpu_ms"`
	ServerCPU float64 `json:"server_cpu_ms"`
}

// connections are those of one serving process.
const connections = 16

var errIncomplete = errors.New("the database has a history of another size, or one that was not finished: remove it and run again")

// Run fills the database if it is empty, and measures.
func Run(ctx context.Context, o Options) (Report, error) {
	pool, err := database.Open(ctx, o.Database, max(connections, len(projections.All())+2))
	if err != nil {
		return Report{}, err
	}
	defer pool.Close()
	store, err := postgres.Open(ctx, pool, postgres.Options{})
	if err != nil {
		return Report{}, err
	}
	defer store.Close()
	if err := fill(ctx, pool, store, o); err != nil {
		return Report{}, err
	}
	wallets, err := walletIDs(ctx, pool)
	if err != nil {
		return Report{}, err
	}
	statistics, err := database.OpenStatistics(ctx, o.Database, connections/2)
	if err != nil {
		return Report{}, err
	}
	defer statistics.Close()
	questions, err := newQuestions(pool, statistics, store, wallets)
	if err != nil {
		return Report{}, err
	}
	r := Report{Calls: o.Calls, Days: o.Days, Askers: o.Askers}
	for _, q := range questions {
		if !strings.Contains(q.name, o.Question) {
			continue
		}
		o.Progress("asking for %s", q.name)
		a, err := measure(ctx, pool, q, o)
		if err != nil {
			return r, fmt.Errorf("%s: %w", q.name, err)
		}
		r.Answers = append(r.Answers, a)
	}
	return r, nil
}

// fill makes the history and the read models, once.
func fill(ctx context.Context, pool *pgxpool.Pool, store *postgres.Store, o Options) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	if head.Position == 0 {
		if _, err := history.Generate(ctx, pool, history.Options{
			Calls: o.Calls, Wallets: o.Wallets, Span: time.Duration(o.Days) * 24 * time.Hour, Progress: o.Progress,
		}); err != nil {
			return err
		}
		if head, err = store.Head(ctx); err != nil {
			return err
		}
	}
	if calls := (head.Position - 3*int64(o.Wallets)) / 2; calls < o.Calls || calls > o.Calls+100 { // beside them the catalogue
		return errIncomplete
	}
	if built, err := upTo(ctx, pool, head.Position); err != nil || built {
		return err
	}
	o.Progress("building the read models")
	if err := runner.New(store, pool, registry, projections.All(), runner.Options{BatchSize: 10_000}).ToEnd(ctx); err != nil {
		return err
	}
	o.Progress("collecting statistics for the planner")
	if _, err := pool.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return fmt.Errorf("collect statistics: %w", err)
	}
	return nil
}

// upTo says whether all read models have that position.
func upTo(ctx context.Context, pool *pgxpool.Pool, position int64) (bool, error) {
	var names []string
	var versions []int32
	for _, p := range projections.All() {
		names, versions = append(names, p.Name()), append(versions, int32(p.Version())) //nolint:gosec // counted from 1
	}
	var built int
	err := pool.QueryRow(ctx, `SELECT count(*) FROM unnest($1::text[], $2::int[]) AS p(name, version) JOIN views.checkpoints c USING (name, version)
		WHERE c.position >= $3`, names, versions, position).Scan(&built)
	if err != nil {
		return false, fmt.Errorf("read the checkpoints: %w", err)
	}
	return built == len(projections.All()), nil
}

func walletIDs(ctx context.Context, pool *pgxpool.Pool) ([]uuid.UUID, error) {
	rows, err := pool.Query(ctx, `SELECT wallet_id FROM views.balance_v1 ORDER BY wallet_id`)
	if err != nil {
		return nil, fmt.Errorf("list the wallets: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list the wallets: %w", err)
	}
	return ids, nil
}

// measure asks one kind of question, first alone, then by all askers.
func measure(ctx context.Context, pool *pgxpool.Pool, q question, o Options) (Answer, error) {
	if err := q.ask(ctx, 0); err != nil { // statements are prepared, pages are warm
		return Answer{}, err
	}
	alone, _, err := ask(ctx, q, 1, o.Each/4)
	if err != nil {
		return Answer{}, err
	}
	before, known := used(ctx, pool)
	together, took, err := ask(ctx, q, o.Askers, o.Each)
	if err != nil {
		return Answer{}, err
	}
	after, still := used(ctx, pool)
	a := Answer{Question: q.name, PerSecond: float64(len(together)) / took.Seconds()}
	a.P50, a.P99 = milliseconds(together)
	a.AloneP50, a.AloneP99 = milliseconds(alone)
	if known && still {
		a.CPU, a.ServerCPU = after.since(before, len(together))
	}
	return a, nil
}

// ask returns all latencies, and how long it took.
func ask(ctx context.Context, q question, askers int, long time.Duration) ([]time.Duration, time.Duration, error) {
	started := time.Now()
	var n atomic.Int64
	latencies := make([][]time.Duration, askers)
	group, ctx := errgroup.WithContext(ctx)
	for i := range askers {
		group.Go(func() error {
			for time.Since(started) < long || len(latencies[i]) == 0 {
				at := time.Now()
				if err := q.ask(ctx, int(n.Add(1))); err != nil {
					return err
				}
				latencies[i] = append(latencies[i], time.Since(at))
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(latencies...), time.Since(started), err
}

// milliseconds are the median and the 99th percentile.
func milliseconds(latencies []time.Duration) (p50, p99 float64) {
	q := load.Quantiles(latencies, 500, 990)
	return float64(q[0].Microseconds()) / 1000, float64(q[1].Microseconds()) / 1000
}
