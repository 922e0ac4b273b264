package ownkey

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/wall"
)

const selectKeys = `SELECT id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, version, created_at, created_by, updated_at, updated_by
	FROM gateway.vendor_keys `

// fields are where a row of selectKeys goes.
func (k *Key) fields() []any {
	return []any{
		&k.ID, &k.WalletID, &k.Vendor, &k.Label, &k.LastFour, &k.Only, &k.Disabled, &k.Models, &k.KeyIDs, &k.Version, &k.CreatedAt, &k.CreatedBy, &k.UpdatedAt, &k.UpdatedBy,
	}
}

// scan reads a row of selectKeys.
func scan(row pgx.CollectableRow) (k Key, err error) {
	err = row.Scan(k.fields()...)
	k.CreatedAt, k.UpdatedAt = k.CreatedAt.UTC(), k.UpdatedAt.UTC()
	return k, err
}

const byID = `WHERE id = $1 AND wallet_id = $2 AND deleted_at IS NULL `

// find reads a key in the transaction of its change, and keeps it from other changes.
func find(ctx context.Context, tx pgx.Tx, wallet, id uuid.UUID) (Key, error) {
	rows, err := tx.Query(ctx, selectKeys+byID+`FOR UPDATE`, id, wallet)
	return one(rows, err)
}

func one(rows pgx.Rows, err error) (k Key, _ error) {
	if err == nil {
		k, err = pgx.CollectExactlyOneRow(rows, scan)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, domain.Errorf(CodeNotFound, "the wallet has no such key at a vendor")
	}
	return k, err
}

// Key is a key of a wallet. It is read behind the wall when a tenant asks, as ByWallet is. Errors: vendor_key_not_found.
func (s *Store) Key(ctx context.Context, wallet, id uuid.UUID) (Key, error) {
	rows, err := wall.Query(ctx, s.pool, selectKeys+byID, id, wallet)
	k, err := one(rows, err)
	return k, safe("read a key", err)
}

// ByWallet lists all keys of a wallet, the oldest first; an unknown wallet has none.
func (s *Store) ByWallet(ctx context.Context, wallet uuid.UUID) ([]Key, error) {
	rows, err := wall.Query(ctx, s.pool, selectKeys+`WHERE wallet_id = $1 AND deleted_at IS NULL ORDER BY created_at, id`, wallet)
	if err != nil {
		return nil, safe("list keys", err)
	}
	all, err := pgx.CollectRows(rows, scan)
	return all, safe("list keys", err)
}
