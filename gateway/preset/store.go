package preset

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/once"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// Wallets says whether a wallet exists: wallet_not_found if not.
type Wallets interface {
	Exists(ctx context.Context, id uuid.UUID) error
}

// Store keeps presets in Postgres. It is safe for concurrent use. Every method fails with ledger_unavailable without the database.
type Store struct {
	pool    *pgxpool.Pool
	wallets Wallets
	now     func() time.Time
}

// New makes a Store.
func New(pool *pgxpool.Pool, wallets Wallets) *Store {
	return &Store{pool: pool, wallets: wallets, now: time.Now}
}

// Request is who asks for a change: the same id and input give the first answer again.
type Request = once.Request

// made is the answer to a request for a version.
type made struct {
	PresetID  uuid.UUID
	Number    int64
	CreatedAt time.Time
}

// Create makes the first version of a preset, or the next one. replayed: the request was answered before. Errors: invalid_request,
// wallet_not_found, preset_archived, conflict when there are too many, idempotency_conflict.
func (s *Store) Create(ctx context.Context, q Request, wallet uuid.UUID, slug string, c Content) (v Version, replayed bool, err error) {
	if err := CheckSlug(slug); err != nil {
		return v, false, err
	}
	if err := c.Check(); err != nil {
		return v, false, err
	}
	if err := s.wallets.Exists(ctx, wallet); err != nil {
		return v, false, err
	}
	v = Version{Slug: slug, Content: c, ContentHash: c.Hash(), CreatedAt: domain.Moment(s.now()), CreatedBy: q.Actor}
	err = s.write(ctx, "create a version of a preset", func(tx pgx.Tx) error {
		input := []any{"create a preset", wallet, slug, v.ContentHash}
		answer, again, err := once.Do(ctx, tx, q, input, func() (made, error) {
			err := s.create(ctx, tx, q, wallet, &v)
			return made{v.PresetID, v.Number, v.CreatedAt}, err
		})
		v.PresetID, v.Number, v.CreatedAt, replayed = answer.PresetID, answer.Number, answer.CreatedAt, again
		return err
	})
	return v, replayed, err
}

func (s *Store) create(ctx context.Context, tx pgx.Tx, q Request, wallet uuid.UUID, v *Version) error {
	// All presets of a wallet are changed one after the other, so that they can be counted.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('preset ' || $1::uuid::text, 0))`, wallet); err != nil {
		return err
	}
	archived, err := s.find(ctx, tx, q, wallet, v)
	if err != nil {
		return err
	}
	if archived {
		return errArchived(v.Slug)
	}
	if err := s.add(ctx, tx, q, v); err != nil {
		return err
	}
	return auditlog.Record(ctx, tx, trail.Change{
		Actor: q.Actor, Target: trail.Of("preset", v.PresetID), Wallet: wallet,
		After:    map[string]any{"version": v.Number, "content_hash": hex.EncodeToString(v.ContentHash[:])},
		Personal: map[string]string{"slug": v.Slug},
	})
}

// find makes sure that the preset is there.
func (s *Store) find(ctx context.Context, tx pgx.Tx, q Request, wallet uuid.UUID, v *Version) (archived bool, err error) {
	err = tx.QueryRow(ctx, `SELECT preset_id, archived_at IS NOT NULL FROM gateway.presets WHERE wallet_id = $1 AND slug = $2`, wallet, v.Slug).
		Scan(&v.PresetID, &archived)
	if !errors.Is(err, pgx.ErrNoRows) {
		return archived, err
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM gateway.presets WHERE wallet_id = $1`, wallet).Scan(&n); err != nil {
		return false, err
	}
	if n >= MaxPerWallet {
		return false, domain.Errorf(domain.CodeConflict, "a wallet has at most %d presets", MaxPerWallet)
	}
	if v.PresetID, err = uuid.NewV7(); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO gateway.presets (preset_id, wallet_id, slug, created_at, created_by) VALUES ($1, $2, $3, $4, $5)`,
		v.PresetID, wallet, v.Slug, v.CreatedAt, q.Actor)
	return false, err
}

func (s *Store) add(ctx context.Context, tx pgx.Tx, q Request, v *Version) error {
	var newest int64
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM gateway.preset_versions WHERE preset_id = $1`, v.PresetID).Scan(&newest); err != nil {
		return err
	}
	if newest >= MaxVersions {
		return domain.Errorf(domain.CodeConflict, "a preset has at most %d versions", MaxVersions)
	}
	v.Number = newest + 1
	_, err := tx.Exec(ctx, `INSERT INTO gateway.preset_versions (preset_id, version, content_hash, description, system_prompt, parameters,
		created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.PresetID, v.Number, v.ContentHash[:], v.Content.Description, v.Content.SystemPrompt, string(v.Content.Parameters), v.CreatedAt, q.Actor)
	return err
}

// Archive keeps calls from using a preset. replayed: it was archived already, or the request was answered before. Errors: preset_not_found,
// idempotency_conflict.
func (s *Store) Archive(ctx context.Context, q Request, id uuid.UUID) (replayed bool, err error) {
	return s.end(ctx, q, "archive a preset", id, func(tx pgx.Tx) (bool, error) {
		var archived bool
		c := trail.Change{Actor: q.Actor, Target: trail.Of("preset", id), Before: map[string]bool{"archived": false}, After: map[string]bool{"archived": true}}
		err := tx.QueryRow(ctx, `SELECT archived_at IS NOT NULL, wallet_id FROM gateway.presets WHERE preset_id = $1 FOR UPDATE`, id).Scan(&archived, &c.Wallet)
		if errors.Is(err, pgx.ErrNoRows) {
			return false, notFound()
		}
		if err != nil || archived {
			return archived, err
		}
		if _, err = tx.Exec(ctx, `UPDATE gateway.presets SET archived_at = $2, archived_by = $3 WHERE preset_id = $1`, id, domain.Moment(s.now()), q.Actor); err != nil {
			return false, err
		}
		return false, auditlog.Record(ctx, tx, c)
	})
}

// Erase removes a preset with all that its versions say. replayed: there is none, or the request was answered before. Errors: idempotency_conflict.
func (s *Store) Erase(ctx context.Context, q Request, id uuid.UUID) (replayed bool, err error) {
	return s.end(ctx, q, "erase a preset", id, func(tx pgx.Tx) (bool, error) {
		c := trail.Change{Actor: q.Actor, Target: trail.Of("preset", id)}
		err := tx.QueryRow(ctx, `DELETE FROM gateway.presets WHERE preset_id = $1 RETURNING wallet_id`, id).Scan(&c.Wallet)
		if errors.Is(err, pgx.ErrNoRows) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		return false, auditlog.Record(ctx, tx, c)
	})
}

// end is a request whose effect says whether there was nothing left to do.
func (s *Store) end(ctx context.Context, q Request, what string, id uuid.UUID, effect func(pgx.Tx) (bool, error)) (replayed bool, err error) {
	err = s.write(ctx, what, func(tx pgx.Tx) error {
		done, again, err := once.Do(ctx, tx, q, []any{what, id}, func() (bool, error) { return effect(tx) })
		replayed = err == nil && (done || again)
		return err
	})
	return replayed, err
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
	return unavailable(what, err)
}

func errArchived(slug string) error {
	return domain.Errorf(CodeArchived, "the preset %q was archived: it changes no more, and no call may use it", slug)
}

func notFound() error { return domain.Errorf(CodeNotFound, "there is no such preset") }

func unavailable(what string, err error) error {
	return domain.Errorf(domain.CodeUnavailable, "the database cannot be reached").Wrap(fmt.Errorf("%s: %w", what, err))
}
