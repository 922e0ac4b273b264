package content

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain/wallet"
)

// Sweep erases what is over, in batches, and says how much that was: contents whose time has come, what an erasure has left behind, and what was
// stored by processes that did not know yet that the owner wants none of it, or less.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	total, err := s.batches(ctx, `expires_at <= now()`)
	if err != nil {
		return total, err
	}
	for _, of := range []func(context.Context) (int64, error){s.sweepErased, s.sweepUnwanted} {
		n, err := of(ctx)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, s.reapply(ctx)
}

func (s *Store) sweepErased(ctx context.Context) (int64, error) {
	return s.each(ctx, `SELECT e.wallet_id FROM gateway.content_erasures e
		WHERE EXISTS (SELECT FROM gateway.contents c WHERE c.wallet_id = e.wallet_id AND c.started_at <= e.erased_at)`,
		`wallet_id = $2 AND started_at <= (SELECT erased_at FROM gateway.content_erasures WHERE wallet_id = $2)`)
}

// sweepUnwanted erases the contents of wallets whose owner wants nothing stored.
func (s *Store) sweepUnwanted(ctx context.Context) (int64, error) {
	return s.each(ctx, `SELECT w.wallet_id FROM views.keys_wallets_v1 w WHERE NOT w.content_storage ? 'retention_hours'
			AND EXISTS (SELECT FROM gateway.contents c WHERE c.wallet_id = w.wallet_id AND c.state <> 'erased')`,
		`wallet_id = $2 AND state <> 'erased' AND EXISTS (SELECT FROM views.keys_wallets_v1 w WHERE w.wallet_id = $2 AND NOT w.content_storage ? 'retention_hours')`)
}

// each deletes, wallet by wallet, the contents of a condition.
func (s *Store) each(ctx context.Context, find, condition string) (total int64, err error) {
	rows, err := s.pool.Query(ctx, find)
	if err != nil {
		return 0, unavailable("look for contents to erase", err)
	}
	wallets, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, unavailable("look for contents to erase", err)
	}
	for _, id := range wallets {
		n, err := s.batches(ctx, condition, id)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// reapply applies what owners have changed within the last hour to what was stored since.
func (s *Store) reapply(ctx context.Context) error {
	rows, err := s.pool.Query(ctx, `SELECT w.wallet_id, w.content_storage::text FROM views.keys_wallets_v1 w
		WHERE w.updated_at > now() - interval '1 hour' AND w.content_storage ? 'retention_hours'
			AND (EXISTS (SELECT FROM gateway.contents c WHERE c.wallet_id = w.wallet_id)
				OR EXISTS (SELECT FROM gateway.content_erasures e WHERE e.wallet_id = w.wallet_id AND e.erased_at = 'infinity'))`)
	if err != nil {
		return unavailable("look for changed settings", err)
	}
	changed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c struct {
		id   uuid.UUID
		body string
	}, err error,
	) {
		return c, row.Scan(&c.id, &c.body)
	})
	if err != nil {
		return unavailable("look for changed settings", err)
	}
	for _, c := range changed {
		var p wallet.ContentStorage
		if err := json.Unmarshal([]byte(c.body), &p); err != nil {
			return fmt.Errorf("read what the owner of wallet %s wants stored: %w", c.id, err)
		}
		if err := s.Apply(ctx, c.id, p); err != nil {
			return err
		}
	}
	return nil
}
