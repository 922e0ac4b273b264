package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// turn is a webhook with what was claimed for it.
type turn struct {
	webhook    uuid.UUID
	host       string
	url        string
	slow       bool // fails or is slow: such receivers share a part of the room
	one        bool // had a rest, and gets one attempt
	keys       [][]byte
	deliveries []claimed
}

// claimed is a delivery that this process may send until the claim ends.
type claimed struct {
	id     uuid.UUID
	claim  int
	number int // of the attempt
	tries  int // with this one
	body   []byte
	giveUp time.Time
}

// claim takes deliveries that are due, at most limit webhooks and each at most so many. What a process claims and does not
// conclude, because it was killed, is due again when the claim ends.
func (w *Worker) claim(ctx context.Context, limit int, slowToo bool, busy []uuid.UUID, full []string, hosts map[string]int) (turns []*turn, err error) {
	now := w.now()
	err = pgx.BeginTxFunc(ctx, w.pool, pgx.TxOptions{BeginQuery: loose}, func(tx pgx.Tx) error {
		due, err := dueWebhooks(ctx, tx, now, limit, slowToo, busy, full)
		if err != nil {
			return err
		}
		turns = nil
		byID := map[uuid.UUID]*turn{}
		ids := make([]uuid.UUID, 0, len(due))
		for _, t := range due {
			if hosts[t.host]++; hosts[t.host] > w.o.PerHost {
				continue
			}
			byID[t.webhook], ids = t, append(ids, t.webhook)
		}
		if len(ids) == 0 {
			return nil
		}
		if err := w.take(ctx, tx, now, byID, ids); err != nil {
			return err
		}
		if err := w.unseal(ctx, tx, now, byID, ids); err != nil {
			return err
		}
		for _, id := range ids {
			if len(byID[id].deliveries) > 0 {
				turns = append(turns, byID[id])
			}
		}
		return reschedule(ctx, tx, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("claim deliveries: %w", err)
	}
	return turns, nil
}

// dueWebhooks locks the queues of enabled webhooks that have something to do, those that wait longest first.
func dueWebhooks(ctx context.Context, tx pgx.Tx, now time.Time, limit int, slowToo bool, busy []uuid.UUID, full []string) ([]*turn, error) {
	if busy == nil {
		busy = []uuid.UUID{}
	}
	if full == nil {
		full = []string{}
	}
	rows, err := tx.Query(ctx, `SELECT q.webhook_id, w.host, w.url, q.failures > 0 OR q.slow, q.failures >= $6
		FROM webhooks.queues q JOIN webhooks.webhooks w ON w.id = q.webhook_id
		WHERE q.due_at <= $1 AND w.disabled_reason = '' AND (q.failures = 0 AND NOT q.slow OR $3) AND q.webhook_id <> ALL($4) AND w.host <> ALL($5)
		ORDER BY q.due_at LIMIT $2 FOR NO KEY UPDATE OF q SKIP LOCKED`, now, limit, slowToo, busy, full, restAfter)
	if err != nil {
		return nil, fmt.Errorf("look for due webhooks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*turn, error) {
		var t turn
		return &t, row.Scan(&t.webhook, &t.host, &t.url, &t.slow, &t.one)
	})
}

// take claims deliveries of locked queues. One that was never tried since it was armed comes before the end of its days.
func (w *Worker) take(ctx context.Context, tx pgx.Tx, now time.Time, turns map[uuid.UUID]*turn, ids []uuid.UUID) error {
	most := make([]int, len(ids))
	for i, id := range ids {
		most[i] = w.o.PerWebhook
		if turns[id].one {
			most[i] = 1
		}
	}
	rows, err := tx.Query(ctx, `
		UPDATE webhooks.deliveries AS d SET claim = d.claim + 1, attempts = d.attempts + 1, tries = d.tries + 1, due_at = $3
		FROM unnest($1::uuid[], $2::int[]) AS t(webhook_id, most) CROSS JOIN LATERAL (
			SELECT id FROM webhooks.deliveries WHERE webhook_id = t.webhook_id AND state = 'pending' AND due_at <= $4
			ORDER BY due_at LIMIT t.most FOR NO KEY UPDATE SKIP LOCKED) AS due
		WHERE d.id = due.id RETURNING d.webhook_id, d.id, d.claim, d.attempts, d.tries, d.body, d.give_up_at`, ids, most, now.Add(w.lease()), now)
	var webhook uuid.UUID
	var c claimed
	err = each(rows, err, []any{&webhook, &c.id, &c.claim, &c.number, &c.tries, &c.body, &c.giveUp}, func() error {
		turns[webhook].deliveries = append(turns[webhook].deliveries, c)
		c.body = nil // the next row's is another one
		return nil
	})
	if err != nil {
		return fmt.Errorf("take deliveries: %w", err)
	}
	return nil
}

// each calls do for every row of a query, which may have failed.
func each(rows pgx.Rows, err error, to []any, do func() error) error {
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, to, do)
	return err
}

// unseal reads the secrets that sign now, the current one first. A secret that cannot be read leaves its webhook without: its
// attempts end as internal, and are made again.
func (w *Worker) unseal(ctx context.Context, tx pgx.Tx, now time.Time, turns map[uuid.UUID]*turn, ids []uuid.UUID) error {
	rows, err := tx.Query(ctx, `SELECT webhook_id, id, salt, sealed FROM webhooks.secrets
		WHERE webhook_id = ANY($1) AND (expires_at IS NULL OR expires_at > $2) ORDER BY expires_at DESC NULLS FIRST, id`, ids, now)
	var webhook, id uuid.UUID
	var salt, sealed []byte
	unreadable := map[uuid.UUID]bool{}
	err = each(rows, err, []any{&webhook, &id, &salt, &sealed}, func() error {
		key, err := w.keys.open(salt, sealed, webhook, id)
		if err != nil {
			unreadable[webhook] = true
			w.o.OnError(fmt.Errorf("webhook %s: %w", webhook, err))
			return nil //nolint:nilerr // it was reported, and the others go on
		}
		turns[webhook].keys = append(turns[webhook].keys, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the secrets: %w", err)
	}
	for id := range unreadable {
		turns[id].keys = nil
	}
	return nil
}

// reschedule says when webhooks have something to do next. Their queues are locked by an earlier statement, so what
// others have made is seen, and what they make comes after.
func reschedule(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) error {
	_, err := tx.Exec(ctx, `UPDATE webhooks.queues q SET due_at = CASE WHEN w.disabled_reason <> '' THEN 'infinity' ELSE greatest(
			coalesce((SELECT min(d.due_at) FROM webhooks.deliveries d WHERE d.webhook_id = q.webhook_id AND d.state = 'pending'), 'infinity'),
			coalesce(q.rest_until, '-infinity')) END
		FROM webhooks.webhooks w WHERE w.id = q.webhook_id AND q.webhook_id = ANY($1)`, ids)
	if err != nil {
		return fmt.Errorf("schedule what is next: %w", err)
	}
	return nil
}
