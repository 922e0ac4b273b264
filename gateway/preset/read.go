package preset

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/eventstore/wall"
)

const selectVersion = `SELECT p.preset_id, p.slug, v.version, v.description, v.system_prompt, v.parameters, v.content_hash, v.created_at, v.created_by,
	p.archived_at IS NOT NULL FROM gateway.presets p JOIN gateway.preset_versions v USING (preset_id) `

// Newest is the version that a wallet's calls get. Errors: preset_not_found, preset_archived.
func (s *Store) Newest(ctx context.Context, wallet uuid.UUID, slug string) (Version, error) {
	rows, err := s.pool.Query(ctx, selectVersion+`WHERE p.wallet_id = $1 AND p.slug = $2 ORDER BY v.version DESC LIMIT 1`, wallet, slug)
	v, archived, err := one(rows, err)
	if err == nil && archived {
		return Version{}, errArchived(slug)
	}
	return v, err
}

// Version is one version of a preset, also of an archived one. It is read behind the wall when a tenant asks, as what follows is. Errors: preset_not_found.
func (s *Store) Version(ctx context.Context, id uuid.UUID, number int64) (Version, error) {
	rows, err := wall.Query(ctx, s.pool, selectVersion+`WHERE p.preset_id = $1 AND v.version = $2`, id, number)
	v, _, err := one(rows, err)
	return v, err
}

// one reads the row of a version.
func one(rows pgx.Rows, err error) (v Version, archived bool, _ error) {
	if err == nil {
		v, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (v Version, err error) {
			var parameters string
			var hash []byte
			err = row.Scan(&v.PresetID, &v.Slug, &v.Number, &v.Content.Description, &v.Content.SystemPrompt, &parameters, &hash, &v.CreatedAt, &v.CreatedBy, &archived)
			if parameters != "" {
				v.Content.Parameters = []byte(parameters)
			}
			copy(v.ContentHash[:], hash)
			v.CreatedAt = v.CreatedAt.UTC()
			return v, err
		})
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Version{}, false, notFound()
	case err != nil:
		return Version{}, false, unavailable("read a preset", err)
	}
	return v, archived, nil
}

const selectPresets = `SELECT p.preset_id, p.wallet_id, p.slug, v.version, p.created_at, v.created_at, p.archived_at FROM gateway.presets p
	JOIN LATERAL (SELECT version, created_at FROM gateway.preset_versions WHERE preset_id = p.preset_id ORDER BY version DESC LIMIT 1) v ON true `

// Preset is a preset. Errors: preset_not_found.
func (s *Store) Preset(ctx context.Context, id uuid.UUID) (Preset, error) {
	all, err := s.presets(ctx, selectPresets+`WHERE p.preset_id = $1`, id)
	if err == nil && len(all) == 0 {
		return Preset{}, notFound()
	}
	if err != nil {
		return Preset{}, err
	}
	return all[0], nil
}

// ByWallet lists all presets of a wallet by their slugs; an unknown wallet has none.
func (s *Store) ByWallet(ctx context.Context, wallet uuid.UUID) ([]Preset, error) {
	return s.presets(ctx, selectPresets+`WHERE p.wallet_id = $1 ORDER BY p.slug`, wallet)
}

func (s *Store) presets(ctx context.Context, sql string, id uuid.UUID) ([]Preset, error) {
	rows, err := wall.Query(ctx, s.pool, sql, id)
	if err != nil {
		return nil, unavailable("list presets", err)
	}
	all, err := pgx.CollectRows(rows, scanPreset)
	if err != nil {
		return nil, unavailable("list presets", err)
	}
	return all, nil
}

func scanPreset(row pgx.CollectableRow) (p Preset, err error) {
	var archived *time.Time
	err = row.Scan(&p.ID, &p.WalletID, &p.Slug, &p.Versions, &p.CreatedAt, &p.UpdatedAt, &archived)
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	if archived != nil {
		p.ArchivedAt = archived.UTC()
	}
	return p, err
}
