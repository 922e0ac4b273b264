package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
)

// Failed is a mail that was given up. It is remembered for 30 days.
type Failed struct {
	ID        uuid.UUID
	To        address.Email
	Kind      account.Kind
	CreatedAt time.Time
	FailedAt  time.Time
	Attempts  int
	Error     string // what the server said
}

// ListFailed lists mails that were given up, the one that failed last first, at most so many.
func ListFailed(ctx context.Context, pool *pgxpool.Pool, limit int) ([]Failed, error) {
	rows, err := pool.Query(ctx, `SELECT mail_id, recipient, kind, created_at, failed_at, attempts, error FROM identity.mails
		WHERE failed_at IS NOT NULL ORDER BY failed_at DESC, mail_id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list mails that were given up: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Failed])
	if err != nil {
		return nil, fmt.Errorf("list mails that were given up: %w", err)
	}
	return all, nil
}

// Retry makes a mail that was given up due again, in the caller's transaction. Errors: not_found.
func Retry(ctx context.Context, tx pgx.Tx, id uuid.UUID, now time.Time) error {
	n, err := retry(ctx, tx, &id, now)
	if err == nil && n == 0 {
		return domain.Errorf(domain.CodeNotFound, "no mail with this id was given up")
	}
	return err
}

// RetryAll makes all mails that were given up due again, in the caller's transaction, and says how many.
func RetryAll(ctx context.Context, tx pgx.Tx, now time.Time) (int64, error) {
	return retry(ctx, tx, nil, now)
}

func retry(ctx context.Context, tx pgx.Tx, id *uuid.UUID, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE identity.mails SET failed_at = NULL, attempts = 0, due_at = $2 WHERE ($1::uuid IS NULL OR mail_id = $1) AND failed_at IS NOT NULL`,
		id, domain.Moment(now))
	if err != nil {
		return 0, fmt.Errorf("try mails again: %w", err)
	}
	return tag.RowsAffected(), nil
}
