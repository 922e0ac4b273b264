package benchreplay

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
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
		most[half] = max(most[half], resident())
		var position int64
		if err := pool.QueryRow(ctx, `SELECT min(position) FROM views.checkpoints`).Scan(&position); err == nil && position >= middle {
			half = 1
		}
	}
}

// resident is this process's resident size in MB; 0 where the system does not tell.
func resident() float64 {
	fields, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(fields), " ")
	pages, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(pages)
	if err != nil {
		return 0
	}
	return float64(n) * float64(os.Getpagesize()) / 1e6
}
