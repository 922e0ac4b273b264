package ownkey

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/once"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// Wallets says whether a wallet exists: wallet_not_found if not.
type Wallets interface {
	Exists(ctx context.Context, id uuid.UUID) error
}

// Vendors checks that a vendor is there and takes such a key: vendor_not_found, or invalid_request with the detail "member". It never quotes the key.
type Vendors interface {
	Takes(ctx context.Context, vendor, secret string) error
}

// Store keeps keys in Postgres. It is safe for concurrent use. Every method fails with ledger_unavailable without the database.
type Store struct {
	pool    *pgxpool.Pool
	keys    *envelope.Keyring
	wallets Wallets
	vendors Vendors
	now     func() time.Time
}

// New makes a Store.
func New(pool *pgxpool.Pool, keys *envelope.Keyring, wallets Wallets, vendors Vendors) *Store {
	return &Store{pool: pool, keys: keys, wallets: wallets, vendors: vendors, now: time.Now}
}

// Request is who asks for a change: the same id and input have their effect once, and are answered with what is there now.
type Request = once.Request

// deletedLife is how long a deleted row stays: a process that has not heard of it by then has read everything anew.
const deletedLife = time.Hour

// Create keeps a key. replayed: the request was answered before. Errors: invalid_request with the detail "member", wallet_not_found,
// vendor_not_found, conflict when there are too many, idempotency_conflict.
func (s *Store) Create(ctx context.Context, q Request, wallet uuid.UUID, vendor, secret string, o Settings) (k Key, replayed bool, err error) {
	if err := errors.Join(checkSecret(secret), o.check()); err != nil {
		return k, false, first(err)
	}
	if err := s.wallets.Exists(ctx, wallet); err != nil {
		return k, false, err
	}
	if err := s.vendors.Takes(ctx, vendor, secret); err != nil {
		return k, false, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return k, false, fmt.Errorf("draw an id: %w", err)
	}
	now := domain.Moment(s.now())
	k = Key{ID: id, WalletID: wallet, Vendor: vendor, LastFour: lastFour(secret), Settings: o, CreatedAt: now, CreatedBy: q.Actor, UpdatedAt: now, UpdatedBy: q.Actor}
	sealed, err := s.keys.Seal([]byte(secret), k.place())
	if err != nil {
		return Key{}, false, fmt.Errorf("seal a key: %w", err)
	}
	err = s.write(ctx, "keep a key", func(tx pgx.Tx) error {
		input := []any{"create a vendor key", wallet, vendor, sha256.Sum256([]byte(secret)), o}
		first, again, err := once.Do(ctx, tx, q, input, func() (uuid.UUID, error) { return id, s.insert(ctx, tx, &k, sealed) })
		if replayed = again; again {
			k, err = asKept(ctx, tx, wallet, first)
		}
		return err
	})
	if err != nil {
		return Key{}, false, err
	}
	return k, replayed, nil
}

// asKept is the key that a request was about: only its ids once it was deleted.
func asKept(ctx context.Context, tx pgx.Tx, wallet, id uuid.UUID) (Key, error) {
	k, err := find(ctx, tx, wallet, id)
	if domain.CodeOf(err) == CodeNotFound {
		return Key{ID: id, WalletID: wallet}, nil
	}
	return k, err
}

func (s *Store) insert(ctx context.Context, tx pgx.Tx, k *Key, sealed []byte) (err error) {
	if err := s.room(ctx, tx, k.WalletID, k.Vendor); err != nil {
		return err
	}
	if k.Version, err = next(ctx, tx); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO gateway.vendor_keys (id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, sealed, version,
			created_at, created_by, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $13)`,
		k.ID, k.WalletID, k.Vendor, k.Label, k.LastFour, k.Only, k.Disabled, texts(k.Models), ids(k.KeyIDs), sealed, k.Version, k.CreatedAt, k.CreatedBy)
	if err != nil {
		return err
	}
	return auditlog.Record(ctx, tx, trail.Change{
		Actor: k.CreatedBy, Target: k.target(), Wallet: k.WalletID, After: k.told(), Personal: map[string]string{"label": k.Label},
	})
}

// room counts, one creation after the other: the head is locked.
func (s *Store) room(ctx context.Context, tx pgx.Tx, wallet uuid.UUID, vendor string) error {
	if _, err := tx.Exec(ctx, `SELECT version FROM gateway.vendor_key_head FOR UPDATE`); err != nil {
		return err
	}
	var all, here int
	err := tx.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE vendor = $2) FROM gateway.vendor_keys WHERE wallet_id = $1 AND deleted_at IS NULL`, wallet, vendor).Scan(&all, &here)
	switch {
	case err != nil:
		return err
	case here >= MaxPerVendor:
		return domain.Errorf(domain.CodeConflict, "a wallet has at most %d keys at a vendor", MaxPerVendor)
	case all >= MaxPerWallet:
		return domain.Errorf(domain.CodeConflict, "a wallet has at most %d keys at vendors", MaxPerWallet)
	}
	return nil
}

// next is the version of a change. The head stays locked until the transaction ends.
func next(ctx context.Context, tx pgx.Tx) (version int64, err error) {
	err = tx.QueryRow(ctx, `UPDATE gateway.vendor_key_head SET version = version + 1 RETURNING version`).Scan(&version)
	return version, err
}

// Update replaces the settings of a key, and the key itself if there is another one. Errors: invalid_request, vendor_key_not_found,
// idempotency_conflict.
func (s *Store) Update(ctx context.Context, q Request, wallet, id uuid.UUID, secret string, o Settings) (k Key, replayed bool, err error) {
	if err := o.check(); err != nil {
		return k, false, err
	}
	if secret != "" {
		if err := s.replaceable(ctx, wallet, id, secret); err != nil {
			return k, false, err
		}
	}
	err = s.write(ctx, "change a key", func(tx pgx.Tx) error {
		input := []any{"update a vendor key", wallet, id, sha256.Sum256([]byte(secret)), o}
		_, again, err := once.Do(ctx, tx, q, input, func() (_ struct{}, err error) {
			if k, err = find(ctx, tx, wallet, id); err == nil {
				err = s.change(ctx, tx, q, &k, secret, o)
			}
			return struct{}{}, err
		})
		if replayed = again; again {
			k, err = asKept(ctx, tx, wallet, id)
		}
		return err
	})
	if err != nil {
		return Key{}, false, err
	}
	return k, replayed, nil
}

// replaceable checks another secret for a key.
func (s *Store) replaceable(ctx context.Context, wallet, id uuid.UUID, secret string) error {
	if err := checkSecret(secret); err != nil {
		return err
	}
	k, err := s.Key(ctx, wallet, id)
	if err != nil {
		return err
	}
	return s.vendors.Takes(ctx, k.Vendor, secret)
}

func (s *Store) change(ctx context.Context, tx pgx.Tx, q Request, k *Key, secret string, o Settings) (err error) {
	before := k.told()
	k.Settings, k.UpdatedAt, k.UpdatedBy = o, domain.Moment(s.now()), q.Actor
	var sealed []byte
	if secret != "" {
		k.LastFour = lastFour(secret)
		if sealed, err = s.keys.Seal([]byte(secret), k.place()); err != nil {
			return fmt.Errorf("seal a key: %w", err)
		}
	}
	if k.Version, err = next(ctx, tx); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE gateway.vendor_keys SET label = $2, last_four = $3, only_own = $4, disabled = $5, models = $6, key_ids = $7, sealed = coalesce($8, sealed),
		version = $9, updated_at = $10, updated_by = $11 WHERE id = $1`,
		k.ID, o.Label, k.LastFour, o.Only, o.Disabled, texts(o.Models), ids(o.KeyIDs), sealed, k.Version, k.UpdatedAt, q.Actor)
	if err != nil {
		return err
	}
	return auditlog.Record(ctx, tx, trail.Change{
		Actor: q.Actor, Target: k.target(), Wallet: k.WalletID, Before: before, After: k.told(), Personal: map[string]string{"label": k.Label},
	})
}

// Delete erases a key. replayed: the request was answered before. Errors: vendor_key_not_found, idempotency_conflict.
func (s *Store) Delete(ctx context.Context, q Request, wallet, id uuid.UUID) (replayed bool, err error) {
	err = s.write(ctx, "delete a key", func(tx pgx.Tx) (err error) {
		_, replayed, err = once.Do(ctx, tx, q, []any{"delete a vendor key", wallet, id}, func() (struct{}, error) {
			return struct{}{}, s.erase(ctx, tx, q, wallet, id)
		})
		return err
	})
	return replayed && err == nil, err
}

func (s *Store) erase(ctx context.Context, tx pgx.Tx, q Request, wallet, id uuid.UUID) error {
	k, err := find(ctx, tx, wallet, id)
	if err != nil {
		return err
	}
	version, err := next(ctx, tx)
	if err != nil {
		return err
	}
	now := domain.Moment(s.now())
	if _, err := tx.Exec(ctx, `UPDATE gateway.vendor_keys SET deleted_at = $2, sealed = NULL, label = '', last_four = '', models = '{}', key_ids = '{}', version = $3,
		updated_at = $2, updated_by = $4 WHERE id = $1`, id, now, version, q.Actor); err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, `DELETE FROM gateway.vendor_keys WHERE deleted_at < $1`, now.Add(-deletedLife)); err != nil {
		return err
	}
	return auditlog.Record(ctx, tx, trail.Change{Actor: q.Actor, Target: k.target(), Wallet: wallet, Before: k.told()})
}

func (s *Store) write(ctx context.Context, what string, do func(pgx.Tx) error) error {
	return safe(what, pgx.BeginFunc(ctx, s.pool, do))
}

// safe tells callers what they may know of an error.
func safe(what string, err error) error {
	var refusal *domain.Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return domain.Errorf(domain.CodeUnavailable, "the database cannot be reached").Wrap(fmt.Errorf("%s: %w", what, err))
}

// first is the first of joined refusals.
func first(err error) error {
	var refusal *domain.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}

// texts and ids are never NULL.
func texts(list []string) []string { return append([]string{}, list...) }

func ids(list []uuid.UUID) []uuid.UUID { return append([]uuid.UUID{}, list...) }
