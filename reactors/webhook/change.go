package webhook

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/once"
)

// errNoWebhook is for an id that no webhook has.
func errNoWebhook() error { return domain.Errorf(domain.CodeNotFound, "no such webhook") }

// Update replaces all settings of a webhook. Enabled again, it goes on with what is pending; what happened while it was
// disabled comes by a replay only. replayed says that the same request was done before. Errors: those of Register, and
// not_found.
func (r *Registry) Update(ctx context.Context, q Request, id uuid.UUID, s Settings) (w Webhook, replayed bool, err error) {
	host, err := r.check(&s)
	if err != nil {
		return Webhook{}, false, err
	}
	replayed, err = r.change(ctx, q, "update a webhook", []any{id, s}, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, id); err != nil {
			return err
		}
		if err := note(ctx, tx, q, "update", id, uuid.Nil, &s); err != nil {
			return err
		}
		if err := r.replace(ctx, tx, id, host, q.Actor, &s); err != nil {
			return err
		}
		return reschedule(ctx, tx, []uuid.UUID{id})
	})
	if err != nil {
		return Webhook{}, false, err
	}
	w, err = r.after(ctx, id, replayed)
	return w, replayed, err
}

// Stop disables a webhook that nobody has changed since lastly did, and says so to nobody but the trail. One that somebody else has changed, that is disabled
// already or that has gone stays as it is. The settings are not looked at: they may be such as would be refused today.
func (r *Registry) Stop(ctx context.Context, q Request, id uuid.UUID, lastly string) error {
	return r.write(ctx, "stop a webhook", func(tx pgx.Tx) error {
		if err := lock(ctx, tx, id); err != nil {
			if domain.CodeOf(err) == domain.CodeNotFound {
				return nil
			}
			return err
		}
		var stop bool
		if err := tx.QueryRow(ctx, `SELECT updated_by = $2 AND disabled_reason = '' FROM webhooks.webhooks WHERE id = $1`, id, lastly).Scan(&stop); err != nil || !stop {
			return err
		}
		if err := note(ctx, tx, q, "stop", id, uuid.Nil, nil); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE webhooks.webhooks SET disabled_reason = $2, disabled_at = $3, updated_at = $3, updated_by = $4 WHERE id = $1`,
			id, DisabledByRequest, r.now(), q.Actor); err != nil {
			return err
		}
		return reschedule(ctx, tx, []uuid.UUID{id})
	})
}

// change is a request without an answer of its own, in one transaction with its effect.
func (r *Registry) change(ctx context.Context, q Request, what string, input []any, effect func(pgx.Tx) error) (replayed bool, err error) {
	err = r.write(ctx, what, func(tx pgx.Tx) (err error) {
		_, replayed, err = once.Do(ctx, tx, q, append([]any{what}, input...), func() (struct{}, error) { return struct{}{}, effect(tx) })
		return err
	})
	return replayed && err == nil, err
}

// after is a webhook as it is after a request. A repeated one is answered even when the webhook has gone since: then with its id only.
func (r *Registry) after(ctx context.Context, id uuid.UUID, replayed bool) (Webhook, error) {
	w, err := r.Webhook(ctx, id)
	if replayed && domain.CodeOf(err) == domain.CodeNotFound {
		return Webhook{ID: id}, nil
	}
	return w, err
}

// lock takes a webhook's queue, which every webhook has.
func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	tag, err := tx.Exec(ctx, lockQueues, []uuid.UUID{id})
	if err == nil && tag.RowsAffected() == 0 {
		err = errNoWebhook()
	}
	return err
}

func (r *Registry) replace(ctx context.Context, tx pgx.Tx, id uuid.UUID, host, actor string, s *Settings) error {
	now := r.now()
	_, err := tx.Exec(ctx, `UPDATE webhooks.webhooks SET name = $2, url = $3, host = $4, event_types = $5, balance_threshold = $6::numeric,
			disabled_reason = CASE WHEN NOT $7 THEN '' WHEN disabled_reason = '' THEN $8 ELSE disabled_reason END,
			disabled_at = CASE WHEN NOT $7 THEN NULL WHEN disabled_reason = '' THEN $9 ELSE disabled_at END,
			updated_at = $9, updated_by = $10 WHERE id = $1`,
		id, s.Name, s.URL, host, names(s.EventTypes), threshold(s), s.Disabled, DisabledByRequest, now, actor)
	if err != nil || s.Disabled {
		return err
	}
	// A receiver that was mended is not left to rest.
	_, err = tx.Exec(ctx, `UPDATE webhooks.queues SET rest_until = NULL, failures = 0, failing_since = NULL, slow = false WHERE webhook_id = $1`, id)
	return err
}

// Rotated is a new secret, shown this once, and until when the one before signs as well.
type Rotated struct {
	Webhook
	Secret string
}

// Rotate makes a new secret. For as long as grace, requests are signed with both; without a grace all older ones end now. Errors:
// invalid_request, not_found, and idempotency_conflict when the secret was shown before.
func (r *Registry) Rotate(ctx context.Context, q Request, id uuid.UUID, grace time.Duration) (Rotated, error) {
	if grace < 0 || grace > MaxGrace {
		return Rotated{}, invalid("grace_seconds", "grace_seconds is between 0 and %d", int64(MaxGrace/time.Second))
	}
	secret, err := newSecret()
	if err != nil {
		return Rotated{}, err
	}
	err = r.write(ctx, "rotate a secret", func(tx pgx.Tx) error {
		return shownOnce(ctx, tx, q, []any{"rotate a secret", id, grace}, id, func() error {
			if err := lock(ctx, tx, id); err != nil {
				return err
			}
			if err := note(ctx, tx, q, "rotate", id, uuid.Nil, nil); err != nil {
				return err
			}
			now := r.now()
			if err := retire(ctx, tx, id, now, grace); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE webhooks.webhooks SET updated_at = $2, updated_by = $3 WHERE id = $1`, id, now, q.Actor); err != nil {
				return err
			}
			return r.insertSecret(ctx, tx, id, secret)
		})
	})
	if err != nil {
		return Rotated{}, err
	}
	w, err := r.Webhook(ctx, id)
	return Rotated{Webhook: w, Secret: shown(secret)}, err
}

// maxOldSecrets bounds how many signatures a request has beside the current one.
const maxOldSecrets = 4

// retire lets the secrets that there are end: all of them now, or the current one after a grace and the others in their time.
func retire(ctx context.Context, tx pgx.Tx, id uuid.UUID, now time.Time, grace time.Duration) error {
	if grace == 0 {
		_, err := tx.Exec(ctx, `DELETE FROM webhooks.secrets WHERE webhook_id = $1`, id)
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE webhooks.secrets SET expires_at = $2 WHERE webhook_id = $1 AND expires_at IS NULL`, id, now.Add(grace)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM webhooks.secrets WHERE id IN (
		SELECT id FROM webhooks.secrets WHERE webhook_id = $1 ORDER BY expires_at DESC OFFSET $2)`, id, maxOldSecrets)
	return err
}

// Delete erases a webhook, its address and its secrets at once; what became of its deliveries is erased by the next
// Prune. replayed says that the same request did it before. Errors: not_found.
func (r *Registry) Delete(ctx context.Context, q Request, id uuid.UUID) (replayed bool, err error) {
	return r.change(ctx, q, "delete a webhook", []any{id}, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, id); err != nil {
			return err
		}
		if err := note(ctx, tx, q, "delete", id, uuid.Nil, nil); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM webhooks.webhooks WHERE id = $1`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO webhooks.removed (webhook_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, r.now())
		return err
	})
}
