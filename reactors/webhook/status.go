package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore"
)

// Status is how webhooks are, over all processes.
type Status struct {
	Position     int64     // the log is fanned out up to it
	Behind       int64     // events between Position and the end of the log
	FailingSince time.Time // of the fan-out; zero when it gets on
	Error        string    // why it does not; for operators
	Backlog      int64     // deliveries that are pending, at most MaxBacklog
	OldestDue    time.Time // since when the one that waits longest has been due; zero when none is
	Failing      int64     // enabled webhooks whose last attempt failed
	Disabled     int64     // webhooks that were disabled because their receivers failed or are gone
}

// MaxBacklog is the most that is counted: the count is for alarms, and a bigger one would take its time.
const MaxBacklog = 100_000

// ReadStatus reads it.
func ReadStatus(ctx context.Context, pool *pgxpool.Pool, log eventstore.Reader, now time.Time) (Status, error) {
	var s Status
	err := pool.QueryRow(ctx, `SELECT position, coalesce(failing_since, '0001-01-01'), error,
		(SELECT count(*) FROM (SELECT FROM webhooks.deliveries WHERE state = 'pending' LIMIT $3) AS pending),
		coalesce((SELECT min(due_at) FROM webhooks.queues WHERE due_at <= $2), '0001-01-01'),
		(SELECT count(*) FROM webhooks.queues q JOIN webhooks.webhooks w ON w.id = q.webhook_id WHERE q.failures > 0 AND w.disabled_reason = ''),
		(SELECT count(*) FROM webhooks.webhooks WHERE disabled_reason IN ($4, $5))
		FROM webhooks.follower WHERE shard = $1`, shard, now, MaxBacklog, DisabledGone, DisabledFailing).
		Scan(&s.Position, &s.FailingSince, &s.Error, &s.Backlog, &s.OldestDue, &s.Failing, &s.Disabled)
	if err != nil {
		return Status{}, fmt.Errorf("read how webhooks are: %w", err)
	}
	utc(&s.FailingSince, &s.OldestDue)
	head, err := log.Head(ctx) // after the checkpoint, so that it is never ahead
	if err != nil {
		return Status{}, fmt.Errorf("read the end of the log: %w", err)
	}
	s.Behind = head.Position - s.Position
	return s, nil
}
