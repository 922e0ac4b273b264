package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// FollowerOptions tune a Follower. The zero value means the defaults.
type FollowerOptions struct {
	Batch int              // most events in one transaction; 0 means 500
	Rest  time.Duration    // how long Tick waits for events; 0 means 1 s
	Now   func() time.Time // nil means time.Now
	// OnMade, when given, is told how many deliveries became due.
	OnMade func(deliveries int)
}

// Follower makes the deliveries of what the log has. One at a time makes progress, however many run: each step moves the
// checkpoint from where it began, or does nothing.
type Follower struct {
	log      eventstore.Reader
	registry *domain.Registry
	pool     *pgxpool.Pool
	o        FollowerOptions
	now      func() time.Time
}

// NewFollower makes a Follower.
func NewFollower(log eventstore.Reader, registry *domain.Registry, pool *pgxpool.Pool, o FollowerOptions) *Follower {
	if o.Batch <= 0 {
		o.Batch = 500
	}
	if o.Rest <= 0 {
		o.Rest = time.Second
	}
	if o.OnMade == nil {
		o.OnMade = func(int) {}
	}
	return &Follower{log: log, registry: registry, pool: pool, o: o, now: clock(o.Now)}
}

const shard = 0

// Tick makes all deliveries that there are to make, of the log and of replays, and then waits a moment for more. An error
// is recorded for operators. An event that it cannot read stops it there: it is never skipped.
func (f *Follower) Tick(ctx context.Context) error {
	err := f.tick(ctx)
	if err != nil && ctx.Err() == nil {
		f.fail(ctx, err)
	}
	return err
}

func (f *Follower) tick(ctx context.Context) error {
	for {
		position, moved, err := f.Step(ctx)
		if err != nil {
			return err
		}
		replayed, err := f.replay(ctx)
		if err != nil {
			return err
		}
		if moved || replayed {
			continue
		}
		waiting, stop := context.WithTimeout(ctx, f.o.Rest)
		defer stop()
		if err := f.log.Wait(waiting, position); err != nil && waiting.Err() == nil {
			return fmt.Errorf("wait for events after %d: %w", position, err)
		}
		return ctx.Err()
	}
}

// Step makes the deliveries of the next events and moves the checkpoint, in one transaction. moved is false when there
// are none, and when somebody else made them.
func (f *Follower) Step(ctx context.Context) (position int64, moved bool, err error) {
	if err := f.pool.QueryRow(ctx, `SELECT position FROM webhooks.follower WHERE shard = $1`, shard).Scan(&position); err != nil {
		return 0, false, fmt.Errorf("read the checkpoint of the webhooks: %w", err)
	}
	events, err := eventstore.ReadDense(ctx, f.log, position, f.o.Batch)
	if err != nil {
		return 0, false, fmt.Errorf("read the log after %d: %w", position, err)
	}
	if len(events) == 0 {
		return position, false, nil
	}
	made := 0
	// What a crash of the database takes back is made again: the checkpoint goes with it.
	err = pgx.BeginTxFunc(ctx, f.pool, pgx.TxOptions{BeginQuery: loose}, func(tx pgx.Tx) error {
		var at int64
		if err := tx.QueryRow(ctx, `SELECT position FROM webhooks.follower WHERE shard = $1 FOR NO KEY UPDATE`, shard).Scan(&at); err != nil {
			return err
		}
		if at != position {
			position = at
			return nil
		}
		var err error
		if made, err = f.fanOut(ctx, tx, events); err != nil {
			return err
		}
		position, moved = events[len(events)-1].Position, true
		_, err = tx.Exec(ctx, `UPDATE webhooks.follower SET position = $2, moved_at = $3, failing_since = NULL, error = '' WHERE shard = $1`,
			shard, position, f.now())
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("make the deliveries of positions %d to %d: %w", events[0].Position, events[len(events)-1].Position, err)
	}
	f.o.OnMade(made)
	return position, moved, nil
}

// fanOut makes the deliveries of consecutive events for all webhooks that are enabled.
func (f *Follower) fanOut(ctx context.Context, tx pgx.Tx, events []eventstore.Event) (int, error) {
	if err := f.learnKeys(ctx, tx, events); err != nil {
		return 0, err
	}
	owners, err := ownersOf(ctx, tx, events)
	if err != nil {
		return 0, err
	}
	wanted, err := receivers(ctx, tx, owners)
	if err != nil || len(wanted) == 0 {
		return 0, err
	}
	var batch []fresh
	for i := range events {
		e := &events[i]
		walletID, ok := owners[e.StreamID]
		if !ok {
			continue
		}
		for _, r := range wanted[walletID] {
			if e.Position <= r.from {
				continue
			}
			more, err := f.deliveries(e, r)
			if err != nil {
				return 0, err
			}
			batch = append(batch, more...)
		}
	}
	return insert(ctx, tx, batch, f.now(), nothing)
}

// fail records why it does not get on, if the database can be told.
func (f *Follower) fail(ctx context.Context, cause error) {
	const longest = 2000
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	text := strings.ToValidUTF8(strings.ReplaceAll(cause.Error(), "\x00", ""), "?")
	text = strings.ToValidUTF8(text[:min(len(text), longest)], "")
	// The error goes to the log as well, so one that the database does not take is not lost.
	_, _ = f.pool.Exec(ctx, `UPDATE webhooks.follower SET error = $2, failing_since = coalesce(failing_since, $3) WHERE shard = $1`,
		shard, text, f.now())
}

// errUndecodable: an event of a customer that this program does not know.
var errUndecodable = errors.New("an event cannot be read by this program; a newer one may")
