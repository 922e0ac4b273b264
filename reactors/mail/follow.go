package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/identity/account"
)

const (
	followBatch = 500
	followRest  = time.Second
	// oldNews is how long ago something may have happened to be told still: a follower that begins anew tells nobody of last year.
	oldNews = 7 * 24 * time.Hour
	shard   = 0
)

// Follower notes mails that tell of what has happened in the ledger: of keys that leaked. One at a time makes progress, however many run: each step moves the
// checkpoint from where it began, or does nothing; the mails are in the same transaction.
type Follower struct {
	log  eventstore.Reader
	pool *pgxpool.Pool
	now  func() time.Time
}

// NewFollower makes a Follower.
func NewFollower(log eventstore.Reader, pool *pgxpool.Pool, now func() time.Time) *Follower {
	return &Follower{log: log, pool: pool, now: now}
}

// Tick follows to the end of the log, and then waits a moment for more.
func (f *Follower) Tick(ctx context.Context) error {
	for {
		position, moved, err := f.Step(ctx)
		if err != nil {
			return err
		}
		if moved {
			continue
		}
		waiting, stop := context.WithTimeout(ctx, followRest)
		defer stop()
		if err := f.log.Wait(waiting, position); err != nil && waiting.Err() == nil {
			return fmt.Errorf("wait for events after %d: %w", position, err)
		}
		return ctx.Err()
	}
}

// Step notes the mails of the next events and moves the checkpoint, in one transaction. moved is false when there are none, and when somebody else did it.
func (f *Follower) Step(ctx context.Context) (position int64, moved bool, err error) {
	if err := f.pool.QueryRow(ctx, `SELECT position FROM identity.mail_follower WHERE shard = $1`, shard).Scan(&position); err != nil {
		return 0, false, fmt.Errorf("read the checkpoint of the mails: %w", err)
	}
	events, err := eventstore.ReadDense(ctx, f.log, position, followBatch)
	if err != nil {
		return 0, false, fmt.Errorf("read the log after %d: %w", position, err)
	}
	if len(events) == 0 {
		return position, false, nil
	}
	err = pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		var at int64
		if err := tx.QueryRow(ctx, `SELECT position FROM identity.mail_follower WHERE shard = $1 FOR NO KEY UPDATE`, shard).Scan(&at); err != nil {
			return err
		}
		if at != position {
			position = at
			return nil
		}
		for i := range events {
			if err := f.follow(ctx, tx, &events[i]); err != nil {
				return err
			}
		}
		position, moved = events[len(events)-1].Position, true
		_, err := tx.Exec(ctx, `UPDATE identity.mail_follower SET position = $2 WHERE shard = $1`, shard, position)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("note the mails of positions %d to %d: %w", events[0].Position, events[len(events)-1].Position, err)
	}
	return position, moved, nil
}

// follow does what an event asks for.
func (f *Follower) follow(ctx context.Context, tx pgx.Tx, e *eventstore.Event) error {
	switch e.Type {
	case apikey.Issued{}.EventType():
		var issued apikey.Issued
		if err := json.Unmarshal(e.Body, &issued); err != nil {
			return fmt.Errorf("read the event at %d: %w", e.Position, err)
		}
		_, err := tx.Exec(ctx, `INSERT INTO identity.mail_keys (key_id, wallet_id, issued_by, label) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			issued.KeyID, issued.WalletID, e.Actor, issued.Label)
		return err
	case apikey.Rotated{}.EventType():
		var rotated apikey.Rotated
		if err := json.Unmarshal(e.Body, &rotated); err != nil {
			return fmt.Errorf("read the event at %d: %w", e.Position, err)
		}
		_, err := tx.Exec(ctx, `UPDATE identity.mail_keys SET label = $2 WHERE key_id = $1`, rotated.KeyID, rotated.Label)
		return err
	case apikey.Disabled{}.EventType():
		var disabled apikey.Disabled
		if err := json.Unmarshal(e.Body, &disabled); err != nil {
			return fmt.Errorf("read the event at %d: %w", e.Position, err)
		}
		if disabled.Leaked && f.now().Sub(e.RecordedAt) < oldNews {
			return f.leaked(ctx, tx, e.EventID, &disabled)
		}
	}
	return nil
}

// hostOf finds the host in the reason of a leak: who found it where is said there only.
var hostOf = regexp.MustCompile(`[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// leaked tells those who may manage the key: owners and admins of its organisation, and whoever has issued it and may still issue keys there. One mail each a report: its
// id follows from the event's.
func (f *Follower) leaked(ctx context.Context, tx pgx.Tx, event uuid.UUID, d *apikey.Disabled) error {
	rows, err := tx.Query(ctx, `SELECT m.user_id, k.label, o.name FROM identity.mail_keys k JOIN identity.organisations o USING (wallet_id) JOIN identity.members m USING (organisation_id)
		WHERE k.key_id = $1 AND o.deleted_at IS NULL AND (m.role IN ('owner', 'admin') OR m.role = 'developer' AND k.issued_by = 'user:' || m.user_id) ORDER BY m.user_id`, d.KeyID)
	if err != nil {
		return fmt.Errorf("find who may manage a key: %w", err)
	}
	type reader struct {
		user        uuid.UUID
		label, name string
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (to reader, err error) { return to, r.Scan(&to.user, &to.label, &to.name) })
	if err != nil {
		return fmt.Errorf("find who may manage a key: %w", err)
	}
	for _, to := range all {
		details := map[string]string{"key": to.label, "organisation": to.name, "source": hostOf.FindString(d.Reason)}
		if err := account.Tell(ctx, tx, domain.DeriveID(event, "key_leaked "+to.user.String()), to.user, account.KeyLeaked, details, f.now()); err != nil {
			return err
		}
	}
	return nil
}
