package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/once"
)

// Wallets knows which wallets there are.
type Wallets interface {
	// Exists returns nil for a wallet that exists. Errors: wallet_not_found, ledger_unavailable.
	Exists(ctx context.Context, wallet uuid.UUID) error
}

// Request says who asks for a change, and makes it happen once: the same id with the same input is answered as it was, with another input it is
// refused as idempotency_conflict.
type Request = once.Request

// Registered is a webhook that was made, with the secret that is shown this once.
type Registered struct {
	Webhook
	Secret string
}

// Register makes a webhook of a wallet. It gets the events after the end of the log of this moment. Errors:
// invalid_request with the detail "field", wallet_not_found, conflict when the wallet has MaxPerWallet, and
// idempotency_conflict with the detail "webhook_id" when it was registered before: the secret is not shown again.
func (r *Registry) Register(ctx context.Context, q Request, wallet uuid.UUID, s Settings) (Registered, error) {
	host, err := r.check(&s)
	if err != nil {
		return Registered{}, err
	}
	if err := r.wallets.Exists(ctx, wallet); err != nil {
		return Registered{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Registered{}, fmt.Errorf("draw an id: %w", err)
	}
	secret, err := newSecret()
	if err != nil {
		return Registered{}, err
	}
	err = r.write(ctx, "register a webhook", func(tx pgx.Tx) error {
		return shownOnce(ctx, tx, q, []any{"register a webhook", wallet, s}, id, func() error {
			if err := note(ctx, tx, q, "register", id, wallet, &s); err != nil {
				return err
			}
			from, err := r.from(ctx, tx)
			if err != nil {
				return err
			}
			if err := r.insertWebhook(ctx, tx, id, wallet, host, from, q.Actor, &s); err != nil {
				return err
			}
			return r.insertSecret(ctx, tx, id, secret)
		})
	})
	if err != nil {
		return Registered{}, err
	}
	w, err := r.Webhook(ctx, id)
	return Registered{Webhook: w, Secret: shown(secret)}, err
}

// shownOnce is a request whose answer has a secret of a webhook: that is kept nowhere, so that a repetition is refused.
func shownOnce(ctx context.Context, tx pgx.Tx, q Request, input []any, id uuid.UUID, effect func() error) error {
	first, again, err := once.Do(ctx, tx, q, input, func() (uuid.UUID, error) { return id, effect() })
	if again {
		return domain.Errorf(domain.CodeIdempotencyConflict, "this was done before, and the secret was shown then; rotate it if it is lost").
			With("webhook_id", first.String())
	}
	return err
}

// check looks at settings as a caller gave them.
func (r *Registry) check(s *Settings) (host string, err error) {
	if err := domain.CheckTextSize("name", s.Name, 0, MaxName); err != nil {
		return "", invalid("name", "name has at most %d bytes and no control characters", MaxName)
	}
	if host, err = r.policy.checkURL(s.URL); err != nil {
		return "", err
	}
	return host, s.checkTypes()
}

// from is the end of the log, while the follower cannot pass it: what is recorded from now on finds the webhook.
func (r *Registry) from(ctx context.Context, tx pgx.Tx) (int64, error) {
	var done int64
	if err := tx.QueryRow(ctx, `SELECT position FROM webhooks.follower WHERE shard = $1 FOR SHARE`, shard).Scan(&done); err != nil {
		return 0, err
	}
	head, err := r.log.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	return max(head.Position, done), nil
}

func (r *Registry) insertWebhook(ctx context.Context, tx pgx.Tx, id, wallet uuid.UUID, host string, from int64, actor string, s *Settings) error {
	// Two that are registered at once are counted one after the other.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "massrouter webhooks of "+wallet.String()); err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM webhooks.webhooks WHERE wallet_id = $1`, wallet).Scan(&n); err != nil {
		return err
	}
	if n >= MaxPerWallet {
		return domain.Errorf(domain.CodeConflict, "a wallet has at most %d webhooks", MaxPerWallet)
	}
	reason, now := "", r.now()
	var disabledAt *time.Time
	if s.Disabled {
		reason, disabledAt = DisabledByRequest, &now
	}
	_, err := tx.Exec(ctx, `INSERT INTO webhooks.webhooks (id, wallet_id, name, url, host, event_types, balance_threshold, from_position, disabled_reason,
			disabled_at, created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7::numeric, $8, $9, $10, $11, $12, $11, $12)`,
		id, wallet, s.Name, s.URL, host, names(s.EventTypes), threshold(s), from, reason, disabledAt, now, actor)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO webhooks.queues (webhook_id) VALUES ($1)`, id)
	return err
}

func names(types []Type) []string {
	all := make([]string, len(types))
	for i, t := range types {
		all[i] = string(t)
	}
	return all
}

func threshold(s *Settings) *string {
	if s.BalanceThreshold == nil {
		return nil
	}
	text := s.BalanceThreshold.String()
	return &text
}

func (r *Registry) insertSecret(ctx context.Context, tx pgx.Tx, webhook uuid.UUID, secret []byte) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw an id: %w", err)
	}
	salt, sealed, err := r.keys.seal(secret, webhook, id)
	if err != nil {
		return fmt.Errorf("seal the secret: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO webhooks.secrets (id, webhook_id, salt, sealed, created_at) VALUES ($1, $2, $3, $4, $5)`, id, webhook, salt, sealed, r.now())
	return err
}

// write is a transaction. What the caller may know of its errors is a *domain.Error.
func (r *Registry) write(ctx context.Context, what string, do func(pgx.Tx) error) error {
	return safe(ctx, what, pgx.BeginFunc(ctx, r.pool, do))
}

// safe tells callers what they may know of an error: that trying again may help.
func safe(ctx context.Context, what string, err error) error {
	var known *domain.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	return domain.Errorf(domain.CodeUnavailable, "webhooks cannot be reached now").Wrap(fmt.Errorf("%s: %w", what, err))
}
