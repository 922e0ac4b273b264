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

// Answer is how one kind of question was answered: by all askers at once, asked by one alone, and the first time that it was asked
// about each wallet, when nothing of it was kept, by all askers. Times are milliseconds. CPU is the processor time of an answer while
// all ask: in this process, and in PostgreSQL; zeros when it is not known.
type Answer struct {
	Question       string  `json:"question"`
	PerSecond      float64 `json:"per_s"`
	P50            float64 `json:"p50_ms"`
	P99            float64 `json:"p99_ms"`
	AloneP50       float64 `json:"alone_p50_ms"`
	AloneP99       float64 `json:"alone_p99_ms"`
	CPU            float64 `json:"cpu_ms"`
	ServerCPU      float64 `json:"server_cpu_ms"`
	FirstP50       float64 `json:"first_p50_ms"`
	FirstP99       float64 `json:"first_p99_ms"`
	FirstCPU       float64 `json:"first_cpu_ms"`
	FirstServerCPU float64 `json:"first_server_cpu_ms"`
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

// measure asks one kind of question: about each wallet for the first time, then alone, then by all askers.
func measure(ctx context.Context, pool *pgxpool.Pool, q question, o Options) (Answer, error) {
	first := 1
	if q.each {
		first = o.Wallets
	}
	a := Answer{Question: q.name}
	latencies, _, err := a.ask(ctx, pool, q, o.Askers, func(n int, _ time.Duration) bool { return n <= first }, &a.FirstCPU, &a.FirstServerCPU)
	if err != nil {
		return a, err
	}
	a.FirstP50, a.FirstP99 = milliseconds(latencies)
	during := func(long time.Duration) func(int, time.Duration) bool {
		return func(n int, since time.Duration) bool { return since < long || n <= 1 }
	}
	if latencies, _, err = ask(ctx, q, 1, during(o.Each/4)); err != nil { //nolint:mnd // one alone is measured sooner
		return a, err
	}
	a.AloneP50, a.AloneP99 = milliseconds(latencies)
	latencies, took, err := a.ask(ctx, pool, q, o.Askers, during(o.Each), &a.CPU, &a.ServerCPU)
	if err != nil {
		return a, err
	}
	a.P50, a.P99 = milliseconds(latencies)
	a.PerSecond = float64(len(latencies)) / took.Seconds()
	return a, nil
}

// ask also tells the processor time of an answer.
func (a *Answer) ask(ctx context.Context, pool *pgxpool.Pool, q question, askers int, more func(int, time.Duration) bool, own, server *float64) ([]time.Duration, time.Duration, error) {
	before, known := used(ctx, pool)
	latencies, took, err := ask(ctx, q, askers, more)
	if err != nil {
		return nil, 0, err
	}
	if after, still := used(ctx, pool); known && still {
		*own, *server = after.since(before, len(latencies))
	}
	return latencies, took, nil
}

// ask lets askers ask as long as there is more: the n-th question, after so long. It returns all latencies, and how long it took.
func ask(ctx context.Context, q question, askers int, more func(n int, since time.Duration) bool) ([]time.Duration, time.Duration, error) {
	started := time.Now()
	var asked atomic.Int64
	latencies := make([][]time.Duration, askers)
	group, ctx := errgroup.WithContext(ctx)
	for i := range askers {
		group.Go(func() error {
			for {
				n, at := int(asked.Add(1)), time.Now()
				if !more(n, at.Sub(started)) {
					return nil
				}
				if err := q.ask(ctx, n); err != nil {
					return err
				}
				latencies[i] = append(latencies[i], time.Since(at))
			}
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
