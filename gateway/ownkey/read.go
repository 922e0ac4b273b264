package ownkey

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

const selectKeys = `SELECT id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, version, created_at, created_by, updated_at, updated_by
	FROM gateway.vendor_keys `

// fields are where a row of selectKeys goes.
func (k *Key) fields() []any {
	return []any{
		&k.ID, &k.WalletID, &k.Vendor, &k.Label, &k.LastFour, &k.Only, &k.Disabled, &k.Models, &k.KeyIDs, &k.Version, &k.CreatedAt, &k.CreatedBy, &k.UpdatedAt, &k.UpdatedBy,
	}
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func find(ctx context.Context, q querier, wallet, id uuid.UUID, lock string) (k Key, err error) {
	err = q.QueryRow(ctx, selectKeys+`WHERE id = $1 AND wallet_id = $2 AND deleted_at IS NULL `+lock, id, wallet).Scan(k.fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, domain.Errorf(CodeNotFound, "the wallet has no such key at a vendor")
	}
	k.CreatedAt, k.UpdatedAt = k.CreatedAt.UTC(), k.UpdatedAt.UTC()
	return k, err
}

// Key is a key of a wallet. Errors: vendor_key_not_found.
func (s *Store) Key(ctx context.Context, wallet, id uuid.UUID) (Key, error) {
	k, err := find(ctx, s.pool, wallet, id, "")
	return k, safe("read a key", err)
}

// ByWallet lists all keys of a wallet, the oldest first; an unknown wallet has none.
func (s *Store) ByWallet(ctx context.Context, wallet uuid.UUID) ([]Key, error) {
	rows, err := s.pool.Query(ctx, selectKeys+`WHERE wallet_id = $1 AND deleted_at IS NULL ORDER BY created_at, id`, wallet)
	if err != nil {
		return nil, safe("list keys", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Key, err error) {
		err = row.Scan(k.fields()...)
		k.CreatedAt, k.UpdatedAt = k.CreatedAt.UTC(), k.UpdatedAt.UTC()
		return k, err
	})
	return all, safe("list keys", err)
}
