package benchgateway

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
)

// lagEvery is how often the log and the read models are compared.
const lagEvery = 10 * time.Millisecond

// Lag is how long after its commit an event was in all read models, by what was seen at regular moments.
type Lag struct {
	Samples int     `json:"samples"`
	P50     Decimal `json:"p50_ms"`
	P99     Decimal `json:"p99_ms"`
}

// lagWatch collects lags between start and stop.
type lagWatch struct {
	database string
	lags     []time.Duration
	stop     func() error
}

// start watches on a connection of its own.
func (w *lagWatch) start(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, w.database)
	if err != nil {
		return fmt.Errorf("watch the read models: %w", err)
	}
	watching, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := w.watch(watching, conn)
		if watching.Err() != nil {
			err = nil
		}
		_ = conn.Close(context.WithoutCancel(ctx)) // it is over
		done <- err
	}()
	w.stop = func() error {
		cancel()
		return <-done
	}
	return nil
}

const lagSQL = `SELECT (SELECT position FROM ledger.log_heads WHERE shard = 0), (SELECT min(position) FROM views.checkpoints)`

// watch remembers when it saw each end of the log, until all read models are there.
func (w *lagWatch) watch(ctx context.Context, conn *pgx.Conn) error {
	type sight struct {
		position int64
		at       time.Time
	}
	var ahead []sight
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		var head, reached int64
		if err := conn.QueryRow(ctx, lagSQL).Scan(&head, &reached); err != nil {
			return fmt.Errorf("watch the read models: %w", err)
		}
		now := time.Now()
		ahead = append(ahead, sight{head, now})
		for len(ahead) > 0 && ahead[0].position <= reached {
			w.lags = append(w.lags, now.Sub(ahead[0].at))
			ahead = ahead[1:]
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *lagWatch) report() *Lag {
	if len(w.lags) == 0 {
		return nil
	}
	q := load.Quantiles(w.lags, 500, 990)
	return &Lag{Samples: len(w.lags), P50: milliseconds(q[0]), P99: milliseconds(q[1])}
}
