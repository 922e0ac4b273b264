package preset

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const selectVersion = `SELECT p.preset_id, p.slug, v.version, v.description, v.system_prompt, v.parameters, v.content_hash, v.created_at, v.created_by,
	p.archived_at IS NOT NULL FROM gateway.presets p JOIN gateway.preset_versions v USING (preset_id) `

// Newest is the version that a wallet's calls get. Errors: preset_not_found, preset_archived.
func (s *Store) Newest(ctx context.Context, wallet uuid.UUID, slug string) (Version, error) {
	v, archived, err := s.version(ctx, selectVersion+`WHERE p.wallet_id = $1 AND p.slug = $2 ORDER BY v.version DESC LIMIT 1`, wallet, slug)
	if err == nil && archived {
		return Version{}, errArchived(slug)
	}
	return v, err
}

// Version is one version of a preset, also of an archived one. Errors: preset_not_found.
func (s *Store) Version(ctx context.Context, id uuid.UUID, number int64) (Version, error) {
	v, _, err := s.version(ctx, selectVersion+`WHERE p.preset_id = $1 AND v.version = $2`, id, number)
	return v, err
}

func (s *Store) version(ctx context.Context, sql string, args ...any) (v Version, archived bool, err error) {
	var parameters string
	var hash []byte
	err = s.pool.QueryRow(ctx, sql, args...).Scan(&v.PresetID, &v.Slug, &v.Number, &v.Content.Description, &v.Content.SystemPrompt, &parameters, &hash,
		&v.CreatedAt, &v.CreatedBy, &archived)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Version{}, false, notFound()
	case err != nil:
		return Version{}, false, unavailable("read a preset", err)
	}
	if parameters != "" {
		v.Content.Parameters = []byte(parameters)
	}
	copy(v.ContentHash[:], hash)
	v.CreatedAt = v.CreatedAt.UTC()
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
	rows, err := s.pool.Query(ctx, sql, id)
	if err != nil {
		return nil, unavailable("list presets", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Preset, err error) {
		var archived *time.Time
		err = row.Scan(&p.ID, &p.WalletID, &p.Slug, &p.Versions, &p.CreatedAt, &p.UpdatedAt, &archived)
		p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
		if archived != nil {
			p.ArchivedAt = archived.UTC()
		}
		return p, err
	})
	if err != nil {
		return nil, unavailable("list presets", err)
	}
	return all, nil
}
