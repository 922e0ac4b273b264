package once

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// step is how many requests one statement forgets.
const step = 1000

// Prune forgets the requests whose time is over, in steps, and says how many. What somebody is just using again stays.
func Prune(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for {
		tag, err := pool.Exec(ctx, `DELETE FROM once.requests WHERE id IN (
			SELECT id FROM once.requests WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`, step)
		if err != nil {
			return total, fmt.Errorf("forget requests: %w", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < step {
			return total, nil
		}
	}
}
