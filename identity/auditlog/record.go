package auditlog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain/trail"
)

// Execer is a transaction, or a pool for what changes nothing.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Record writes the entry of a change in the change's own transaction: both are kept, or neither. Who acts, by which request and why is taken from the
// context (trail.From), unless the change says so itself. An error has to end the transaction.
func Record(ctx context.Context, tx Execer, c trail.Change) error {
	scope := trail.From(ctx)
	e, err := trail.Make(scope.Who(), c)
	if err != nil {
		return fmt.Errorf("make an entry of the audit trail: %w", err)
	}
	if err := write(ctx, tx, e); err != nil {
		return err
	}
	scope.Note(c.Result)
	return nil
}

func write(ctx context.Context, tx Execer, entries ...trail.Entry) error {
	bodies, personals := make([]string, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		bodies[i], personals[i] = string(e.Body), string(e.Personal)
	}
	if _, err := tx.Exec(ctx, `SELECT audit.record($1, $2)`, bodies, personals); err != nil {
		return fmt.Errorf("write an entry of the audit trail: %w", err)
	}
	return nil
}

// About is a change of somebody's own things. Who is not signed in yet is taken for this person: only a secret of the person's leads to the change.
func About(ctx context.Context, user uuid.UUID) trail.Change {
	c := trail.Change{Target: trail.Of("user", user)}
	if trail.From(ctx).Who().Actor == "" {
		c.Actor, c.Person = c.Target, user
	}
	return c
}

// Asked is what somebody asks for about an account (uuid.Nil: about none) without having shown anything of its person's: it is a stranger's doing, not the person's,
// who sees that it was asked for.
func Asked(ctx context.Context, user uuid.UUID) trail.Change {
	if user == uuid.Nil {
		return trail.Change{}
	}
	c := trail.Change{Target: trail.Of("user", user)}
	if trail.From(ctx).Who().Actor == "" {
		c.Person = user
	}
	return c
}

// Exec runs a statement and, when it has changed a row, writes the entry of that, in one transaction.
func Exec(ctx context.Context, pool *pgxpool.Pool, c trail.Change, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if tag, err = tx.Exec(ctx, sql, args...); err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return Record(ctx, tx, c)
	})
	return tag, err
}

// Suspect says of a request that is about to be refused whose account it is about.
func Suspect(ctx context.Context, user uuid.UUID) {
	if user == uuid.Nil {
		return
	}
	trail.From(ctx).Learn(func(w *trail.Who) {
		if w.Actor == "" {
			w.Person, w.Target = user, trail.Of("user", user)
		}
	})
}
