package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/eventstore/wall"
)

const selectWebhooks = `
	SELECT w.id, w.wallet_id, w.name, w.url, w.event_types, w.balance_threshold::text, w.from_position, w.disabled_reason,
		coalesce(w.disabled_at, '0001-01-01'), w.created_at, w.created_by, w.updated_at, w.updated_by,
		q.failures, coalesce(q.failing_since, '0001-01-01'), coalesce(q.last_success_at, '0001-01-01'),
		coalesce((SELECT max(s.expires_at) FROM webhooks.secrets s WHERE s.webhook_id = w.id AND s.expires_at > $2), '0001-01-01'),
		r.id, r.since, r.until, r.position, r.include_delivered, r.armed, r.requested_at, r.requested_by, r.finished_at
	FROM webhooks.webhooks w JOIN webhooks.queues q ON q.webhook_id = w.id
		LEFT JOIN LATERAL (SELECT * FROM webhooks.replays r WHERE r.webhook_id = w.id ORDER BY requested_at DESC LIMIT 1) r ON true `

// Webhook shows a webhook. Errors: not_found, ledger_unavailable.
func (r *Registry) Webhook(ctx context.Context, id uuid.UUID) (Webhook, error) {
	all, err := r.webhooks(ctx, `WHERE w.id = $1`, id)
	if err != nil {
		return Webhook{}, safe(ctx, "read a webhook", err)
	}
	if len(all) == 0 {
		return Webhook{}, errNoWebhook()
	}
	return all[0], nil
}

// Webhooks lists all webhooks of a wallet, the oldest first: there are at most MaxPerWallet. Errors: wallet_not_found,
// ledger_unavailable.
func (r *Registry) Webhooks(ctx context.Context, wallet uuid.UUID) ([]Webhook, error) {
	if err := r.wallets.Exists(ctx, wallet); err != nil {
		return nil, err
	}
	all, err := r.webhooks(ctx, `WHERE w.wallet_id = $1 ORDER BY w.created_at, w.id`, wallet)
	return all, safe(ctx, "list webhooks", err)
}

// webhooks are read behind the wall when they are asked for by a tenant, as deliveries are.
func (r *Registry) webhooks(ctx context.Context, where string, id uuid.UUID) ([]Webhook, error) {
	rows, err := wall.Query(ctx, r.pool, selectWebhooks+where, id, r.now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWebhook)
}

func scanWebhook(row pgx.CollectableRow) (w Webhook, err error) {
	var (
		types                  []string
		threshold              *string
		replay                 *uuid.UUID
		since, until, position *int64
		armed                  *int64
		all                    *bool
		requested, finished    *time.Time
		by                     *string
	)
	err = row.Scan(&w.ID, &w.WalletID, &w.Name, &w.URL, &types, &threshold, &w.FromPosition, &w.DisabledReason, &w.DisabledAt, &w.CreatedAt,
		&w.CreatedBy, &w.UpdatedAt, &w.UpdatedBy, &w.Health.Failures, &w.Health.FailingSince, &w.Health.LastSuccessAt, &w.OldSecretUntil,
		&replay, &since, &until, &position, &all, &armed, &requested, &by, &finished)
	if err != nil {
		return w, fmt.Errorf("read a webhook's row: %w", err)
	}
	w.EventTypes, w.Disabled = typesOf(types), w.DisabledReason != ""
	if replay != nil {
		w.Replay = &Replay{
			ID: *replay, Since: *since, Until: *until, Position: *position, IncludeDelivered: *all, Armed: *armed, RequestedAt: *requested, RequestedBy: *by,
		}
		if finished != nil {
			w.Replay.FinishedAt = *finished
		}
		utc(&w.Replay.RequestedAt, &w.Replay.FinishedAt)
	}
	utc(&w.DisabledAt, &w.CreatedAt, &w.UpdatedAt, &w.Health.FailingSince, &w.Health.LastSuccessAt, &w.OldSecretUntil)
	w.BalanceThreshold, err = thresholdOf(threshold)
	return w, err
}

// utc brings times that the database gave into UTC; what stands for none becomes the zero time.
func utc(times ...*time.Time) {
	for _, t := range times {
		if *t = t.UTC(); t.IsZero() {
			*t = time.Time{}
		}
	}
}
