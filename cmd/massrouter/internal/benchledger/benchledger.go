// Package benchledger measures how many place and settle commands a second the real executor commits on a real,
// durable PostgreSQL, against a bare COPY of rows of the same size in the same batches, in turns of one run.
package benchledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore/postgres"
)

// Options of a run.
type Options struct {
	Database   string        // URL of an empty, migrated scratch database
	Duration   time.Duration // of the whole measurement
	Submitters int           // callers that each wait for their answer
	Wallets    int
	Rate       int // commands a second offered in all; 0: as many as the callers get through
	Processes  int // that share the callers and the rate, each with an executor of its own on the one log
	Progress   func(format string, args ...any)
	// Worker runs this program as one of several processes on a database that Run has prepared, and gives its Report.
	Worker func(ctx context.Context, o Options) (Report, error)
}

// Report is the result; rates are per second, latencies in milliseconds from the scheduled time (with a rate) or from
// the call.
type Report struct {
	CommandsPerSecond  float64 `json:"commands_per_s"`
	CopyLimitPerSecond float64 `json:"copy_limit_per_s"`
	Ratio              float64 `json:"ratio"`
	P50                float64 `json:"p50_ms"`
	P99                float64 `json:"p99_ms"`
	P999               float64 `json:"p999_ms"`
	BatchMean          float64 `json:"batch_mean"`
	BytesPerEvent      float64 `json:"bytes_per_event"`
	Commands           int64   `json:"commands"`
	Seconds            float64 `json:"seconds"`
	Submitters         int     `json:"submitters"`
	Wallets            int     `json:"wallets"`
	Processes          int     `json:"processes"`
	OfferedPerSecond   int     `json:"offered_per_s,omitempty"`
}

const (
	turns  = 5               // how often the two measurements alternate
	warmUp = 2 * time.Second // keeps the first loads of the wallets out of the figures
)

// Run measures. It leaves its rows in the scratch database, which the caller drops.
func Run(ctx context.Context, o Options) (Report, error) {
	b, closePool, err := newBench(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer closePool()
	if err := b.withApp(ctx, b.prepare); err != nil {
		return Report{}, err
	}
	if o.Processes > 1 {
		return b.severalProcesses(ctx)
	}
	err = b.withApp(ctx, func(ctx context.Context, app *commands.App) error {
		o.Progress("warming up")
		if err := b.drive(ctx, app, warmUp, nil); err != nil {
			return err
		}
		for turn := range turns {
			o.Progress("turn %d of %d", turn+1, turns)
			if err := b.commandsTurn(ctx, app, o.Duration/turns); err != nil {
				return err
			}
			if err := b.copyTurn(ctx, o.Duration/turns/2); err != nil {
				return err
			}
		}
		return nil
	})
	return b.report(), err
}

// RunWorker measures only the commands, on a database that another process has prepared.
func RunWorker(ctx context.Context, o Options) (Report, error) {
	b, closePool, err := newBench(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer closePool()
	if err := b.findAccounts(ctx); err != nil {
		return Report{}, err
	}
	err = b.withApp(ctx, func(ctx context.Context, app *commands.App) error {
		if err := b.drive(ctx, app, warmUp, nil); err != nil {
			return err
		}
		return b.commandsTurn(ctx, app, o.Duration)
	})
	return b.report(), err
}

func newBench(ctx context.Context, o Options) (*bench, func(), error) {
	pool, err := pgxpool.New(ctx, o.Database)
	if err != nil {
		return nil, nil, fmt.Errorf("open the scratch database: %w", err)
	}
	return &bench{o: o, pool: pool}, pool.Close, nil
}

// withApp runs an executor for as long as work does.
func (b *bench) withApp(ctx context.Context, work func(context.Context, *commands.App) error) (err error) {
	store, err := postgres.Open(ctx, b.pool, postgres.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	app, err := commands.New(store, commands.Options{OnBatch: b.onBatch})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- app.Run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	return work(ctx, app)
}
