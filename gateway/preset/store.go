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

// Request is who asks for a change. The same id and input give the first outcome again.
type Request struct {
	ID    uuid.UUID
	Actor string
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
		// All presets of a wallet are changed one after the other, so that they can be counted.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('preset ' || $1::uuid::text, 0))`, wallet); err != nil {
			return err
		}
		if replayed, err = s.before(ctx, tx, q, wallet, &v); replayed || err != nil {
			return err
		}
		archived, err := s.find(ctx, tx, q, wallet, &v)
		if err != nil {
			return err
		}
		if archived {
			return errArchived(slug)
		}
		if err := s.add(ctx, tx, q, &v); err != nil {
			return err
		}
		return auditlog.Record(ctx, tx, trail.Change{
			Actor: q.Actor, Target: trail.Of("preset", v.PresetID), Wallet: wallet,
			After:    map[string]any{"version": v.Number, "content_hash": hex.EncodeToString(v.ContentHash[:])},
			Personal: map[string]string{"slug": v.Slug},
		})
	})
	return v, replayed, err
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
	v.PresetID = domain.DeriveID(q.ID, "preset")
	_, err = tx.Exec(ctx, `INSERT INTO gateway.presets (preset_id, wallet_id, slug, created_at, created_by) VALUES ($1, $2, $3, $4, $5)`,
		v.PresetID, wallet, v.Slug, v.CreatedAt, q.Actor)
	return false, err
}

// before finds what the same request has made before.
func (s *Store) before(ctx context.Context, tx pgx.Tx, q Request, wallet uuid.UUID, v *Version) (bool, error) {
	var p Preset
	var number int64
	var hash []byte
	var at time.Time
	err := tx.QueryRow(ctx, `SELECT p.preset_id, p.wallet_id, p.slug, v.version, v.content_hash, v.created_at
		FROM gateway.preset_versions v JOIN gateway.presets p USING (preset_id) WHERE v.command_id = $1`, q.ID).
		Scan(&p.ID, &p.WalletID, &p.Slug, &number, &hash, &at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case p.WalletID != wallet || p.Slug != v.Slug || string(hash) != string(v.ContentHash[:]):
		return false, domain.Errorf(domain.CodeIdempotencyConflict, "this Idempotency-Key was used for another preset")
	}
	v.PresetID, v.Number, v.CreatedAt = p.ID, number, at.UTC()
	return true, nil
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
	_, err := tx.Exec(ctx, `INSERT INTO gateway.preset_versions (preset_id, version, command_id, content_hash, description, system_prompt, parameters,
		created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		v.PresetID, v.Number, q.ID, v.ContentHash[:], v.Content.Description, v.Content.SystemPrompt, string(v.Content.Parameters), v.CreatedAt, q.Actor)
	return err
}

// Archive keeps calls from using a preset. replayed: it was archived already. Errors: preset_not_found.
func (s *Store) Archive(ctx context.Context, q Request, id uuid.UUID) (replayed bool, err error) {
	err = s.write(ctx, "archive a preset", func(tx pgx.Tx) error {
		var archived bool
		c := trail.Change{Actor: q.Actor, Target: trail.Of("preset", id), Before: map[string]bool{"archived": false}, After: map[string]bool{"archived": true}}
		err := tx.QueryRow(ctx, `SELECT archived_at IS NOT NULL, wallet_id FROM gateway.presets WHERE preset_id = $1 FOR UPDATE`, id).Scan(&archived, &c.Wallet)
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound()
		}
		if replayed = archived; err != nil || archived {
			return err
		}
		if _, err = tx.Exec(ctx, `UPDATE gateway.presets SET archived_at = $2, archived_by = $3 WHERE preset_id = $1`, id, domain.Moment(s.now()), q.Actor); err != nil {
			return err
		}
		return auditlog.Record(ctx, tx, c)
	})
	return replayed, err
}

// Erase removes a preset with all that its versions say. replayed: there is none.
func (s *Store) Erase(ctx context.Context, id uuid.UUID) (replayed bool, err error) {
	err = s.write(ctx, "erase a preset", func(tx pgx.Tx) error {
		c := trail.Change{Target: trail.Of("preset", id)}
		err := tx.QueryRow(ctx, `DELETE FROM gateway.presets WHERE preset_id = $1 RETURNING wallet_id`, id).Scan(&c.Wallet)
		if replayed = errors.Is(err, pgx.ErrNoRows); err != nil {
			return ignoreNone(err)
		}
		return auditlog.Record(ctx, tx, c)
	})
	return replayed, err
}

func ignoreNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

func (s *Store) write(ctx context.Context, what string, do func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, do)
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
