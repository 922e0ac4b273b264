package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	pruneStep = 1000
	// lateAfter is how long after the end of its days a delivery that was never tried at that time is given up without: its
	// webhook is disabled, or rests.
	lateAfter = 10 * time.Minute
	// forgetAfter is how long deliveries of a deleted webhook are looked for, which somebody was just making.
	forgetAfter = time.Hour
)

// Pruned is what Prune did.
type Pruned struct {
	GaveUp  int64 // deliveries whose days were over
	Deleted int64 // deliveries that were finished long ago, or whose webhook was deleted
}

// Prune gives up what nobody could send in its days, and erases what is finished for longer than the retention and what
// deleted webhooks have left. It works in small steps, and is called from time to time.
func Prune(ctx context.Context, pool *pgxpool.Pool, now time.Time, retention time.Duration) (p Pruned, err error) {
	if retention <= 0 {
		retention = DefaultRetention
	}
	old := now.Add(-retention)
	for _, s := range []struct {
		what  string
		count *int64
		sql   string
		args  []any
	}{
		{
			"give deliveries up", &p.GaveUp, `UPDATE webhooks.deliveries SET state = 'failed', finished_at = $2, status = NULL, error = 'expired' WHERE id IN (
			SELECT id FROM webhooks.deliveries WHERE state = 'pending' AND give_up_at < $3 AND due_at < $2 LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)`,
			[]any{now, now.Add(-lateAfter)},
		},
		{"erase deliveries of deleted webhooks", &p.Deleted, `DELETE FROM webhooks.deliveries WHERE id IN (
			SELECT d.id FROM webhooks.deliveries d JOIN webhooks.removed r USING (webhook_id) LIMIT $1 FOR UPDATE OF d SKIP LOCKED)`, nil},
		{"erase old deliveries", &p.Deleted, `DELETE FROM webhooks.deliveries WHERE id IN (
			SELECT id FROM webhooks.deliveries WHERE state <> 'pending' AND finished_at < $2 LIMIT $1 FOR UPDATE SKIP LOCKED)`, []any{old}},
		{"forget replays", new(int64), `DELETE FROM webhooks.replays WHERE id IN (SELECT id FROM webhooks.replays WHERE finished_at < $2 LIMIT $1)`, []any{old}},
		{"erase old secrets", new(int64), `DELETE FROM webhooks.secrets WHERE id IN (SELECT id FROM webhooks.secrets WHERE expires_at < $2 LIMIT $1)`, []any{now}},
		{"forget deleted webhooks", new(int64), `DELETE FROM webhooks.removed WHERE webhook_id IN (
			SELECT webhook_id FROM webhooks.removed WHERE at < $2 LIMIT $1)`, []any{now.Add(-forgetAfter)}},
	} {
		for {
			tag, err := pool.Exec(ctx, s.sql, append([]any{pruneStep}, s.args...)...)
			if err != nil {
				return p, fmt.Errorf("%s: %w", s.what, err)
			}
			*s.count += tag.RowsAffected()
			if tag.RowsAffected() < pruneStep {
				break
			}
		}
	}
	return p, nil
}
