// Package phone keeps people's telephone numbers: a number that is proved by a code is a second factor, the weakest one.
//
//	number.go  numbers and calling codes
//	phone.go   the number of somebody: asked for, confirmed, removed
//	ask.go     asks for a message with a code, within the caps
//	caps.go    how many messages there may be, counted in Postgres
//	code.go    codes: made when a message is sent, tried, used
package phone

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/factor"
)

const (
	// Life is how long a code is good for after it was asked for.
	Life = 10 * time.Minute
	// Late is how long after it was asked for a message is still worth sending: half of the code's life is left then.
	Late = Life / 2
	// MaxTries are the wrong codes of one message.
	MaxTries = 5
	// MaxAccounts are the accounts that one number can be of.
	MaxAccounts = 3
)

// CodeTooMany refuses for a while; it does not say for what.
const CodeTooMany domain.Code = "too_many_messages"

func wrong() error {
	return domain.Errorf(factor.CodeWrong, "this code is wrong, too old, or was used before")
}

// Tell notes a mail to somebody in the transaction of the change that it tells of.
type Tell func(ctx context.Context, tx pgx.Tx, user uuid.UUID, removed bool) error

// Options of a Store.
type Options struct {
	Now       func() time.Time
	Countries []string // calling codes that messages are sent to; none: there are no messages
	Excluded  []string // longer ones that none are sent to
	Caps      Caps     // zero ones take their defaults
	Tell      Tell     // nil: nobody is told
}

// Store keeps numbers in Postgres. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	o    Options
}

// New makes a Store.
func New(pool *pgxpool.Pool, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Caps = o.Caps.orDefault()
	return &Store{pool: pool, o: o}
}

// On says whether messages are sent at all.
func (s *Store) On() bool { return s != nil && len(s.o.Countries) > 0 }

// Phone is a number that was proved.
type Phone struct {
	Number     Number
	VerifiedAt time.Time
}

// Get is the number of somebody. Errors: not_found.
func (s *Store) Get(ctx context.Context, user uuid.UUID) (p Phone, err error) {
	err = s.pool.QueryRow(ctx, `SELECT number, verified_at FROM identity.phones WHERE user_id = $1`, user).Scan(&p.Number, &p.VerifiedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, domain.Errorf(domain.CodeNotFound, "there is no telephone number")
	}
	p.VerifiedAt = p.VerifiedAt.UTC()
	return p, identity.Wrap("find a telephone number", err)
}

// Confirm takes the code that was sent to a new number, which takes the place of the one before. Only who reads the number's messages learns that too
// many accounts have it already. Errors: code_wrong, conflict.
func (s *Store) Confirm(ctx context.Context, user uuid.UUID, typed string) error {
	found, err := s.Try(ctx, user, Confirm, uuid.Nil, typed)
	if err != nil {
		return err
	}
	return identity.Wrap("confirm a telephone number", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		if err := s.spend(ctx, tx, found); err != nil {
			return err
		}
		// Those who confirm the same number come one after the other: the count is exact.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 28))`, "telephone "+string(found.number)); err != nil {
			return err
		}
		var others int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM identity.phones WHERE number = $1 AND user_id <> $2`, found.number, user).Scan(&others); err != nil {
			return err
		}
		if others >= MaxAccounts {
			return domain.Errorf(domain.CodeConflict, "this number cannot be used for one more account")
		}
		if err := factor.Gained(ctx, tx, user); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO identity.phones (user_id, number, verified_at) VALUES ($1, $2, $3)
			ON CONFLICT (user_id) DO UPDATE SET number = EXCLUDED.number, verified_at = EXCLUDED.verified_at`, user, found.number, domain.Moment(s.o.Now())); err != nil {
			return err
		}
		// A code that is on its way to the number before is worth nothing.
		if _, err := tx.Exec(ctx, `DELETE FROM identity.phone_codes WHERE user_id = $1 AND purpose = $2`, user, Factor); err != nil {
			return err
		}
		return s.changed(ctx, tx, user, "confirmed")
	}))
}

// Remove takes the number away, and the recovery codes unless they stand for something else. Errors: not_found.
func (s *Store) Remove(ctx context.Context, user uuid.UUID) error {
	return identity.Wrap("remove a telephone number", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM identity.phones WHERE user_id = $1`, user)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return domain.Errorf(domain.CodeNotFound, "there is no telephone number")
		}
		for _, sql := range []string{
			`DELETE FROM identity.phone_codes WHERE user_id = $1`, `DELETE FROM identity.messages WHERE user_id = $1`,
		} {
			if _, err := tx.Exec(ctx, sql, user); err != nil {
				return err
			}
		}
		if err := factor.Lost(ctx, tx, user, s.o.Now()); err != nil {
			return err
		}
		return s.changed(ctx, tx, user, "removed")
	}))
}

// changed writes the entry of a change, which never has the number, and tells its owner.
func (s *Store) changed(ctx context.Context, tx pgx.Tx, user uuid.UUID, what string) error {
	c := auditlog.About(ctx, user)
	c.After = map[string]string{"telephone": what}
	if err := auditlog.Record(ctx, tx, c); err != nil || s.o.Tell == nil {
		return err
	}
	return s.o.Tell(ctx, tx, user, what == "removed")
}

// Prune forgets codes, messages and counts that are over, a batch of each at a time, and says how many.
func (s *Store) Prune(ctx context.Context) (gone int64, err error) {
	now := domain.Moment(s.o.Now())
	for _, one := range []struct {
		sql    string
		before time.Time
	}{
		{`DELETE FROM identity.phone_codes WHERE ctid IN (SELECT ctid FROM identity.phone_codes WHERE expires_at < $1 LIMIT 1000)`, now.Add(-calm)},
		{`DELETE FROM identity.messages WHERE message_id IN (SELECT message_id FROM identity.messages WHERE created_at < $1 LIMIT 1000)`, now.Add(-keep)},
		{`DELETE FROM identity.message_counts WHERE ctid IN (SELECT ctid FROM identity.message_counts WHERE ends_at < $1 LIMIT 1000)`, now},
	} {
		tag, err := s.pool.Exec(ctx, one.sql, one.before)
		if err != nil {
			return gone, identity.Wrap("forget old text messages", err)
		}
		gone += tag.RowsAffected()
	}
	return gone, nil
}

// keep is how long what was sent is remembered.
const keep = 7 * 24 * time.Hour
