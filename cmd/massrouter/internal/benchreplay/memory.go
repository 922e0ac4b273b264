package benchreplay

import (
	"context"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/child"
)

const lookEvery = 50 * time.Millisecond

// halves is the largest resident size of this process, in MB, until all read models have passed the middle, and after.
func halves(ctx context.Context, pool *pgxpool.Pool, middle int64) [2]float64 {
	var most [2]float64
	half := 0
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
		if now, _, err := child.Memory(os.Getpid()); err == nil {
			most[half] = max(most[half], float64(now)/1e6)
		}
		var position int64
		if err := pool.QueryRow(ctx, `SELECT min(position) FROM views.checkpoints`).Scan(&position); err == nil && position >= middle {
			half = 1
		}
	}
}
