package query

import (
	"context"
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/gateway/preset"
)

// Presets shows presets; see preset.Store for the errors. Safe for concurrent use.
type Presets interface {
	Preset(ctx context.Context, id uuid.UUID) (preset.Preset, error)
	ByWallet(ctx context.Context, wallet uuid.UUID) ([]preset.Preset, error)
	Version(ctx context.Context, id uuid.UUID, number int64) (preset.Version, error)
}

// ListPresets lists the presets of a wallet.
func (a *API) ListPresets(ctx context.Context, r ListPresetsRequestObject) (ListPresetsResponseObject, error) {
	all, err := a.views.Presets.ByWallet(ctx, r.WalletID)
	if err != nil {
		return nil, err
	}
	answer := ListPresets200JSONResponse{Items: make([]Preset, len(all))}
	for i := range all {
		answer.Items[i] = presetOf(&all[i])
	}
	return answer, nil
}

// GetPreset shows a preset and its newest version.
func (a *API) GetPreset(ctx context.Context, r GetPresetRequestObject) (GetPresetResponseObject, error) {
	p, err := a.views.Presets.Preset(ctx, r.PresetID)
	if err != nil {
		return nil, err
	}
	v, err := a.views.Presets.Version(ctx, r.PresetID, p.Versions)
	if err != nil {
		return nil, err
	}
	return GetPreset200JSONResponse{Preset: presetOf(&p), Newest: presetVersion(&v)}, nil
}

// GetPresetVersion shows one version.
func (a *API) GetPresetVersion(ctx context.Context, r GetPresetVersionRequestObject) (GetPresetVersionResponseObject, error) {
	v, err := a.views.Presets.Version(ctx, r.PresetID, int64(r.Version))
	if err != nil {
		return nil, err
	}
	return GetPresetVersion200JSONResponse{Version: presetVersion(&v)}, nil
}

func presetOf(p *preset.Preset) Preset {
	shown := Preset{ID: p.ID, WalletID: p.WalletID, Slug: p.Slug, Versions: int(p.Versions), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
	if !p.ArchivedAt.IsZero() {
		shown.ArchivedAt = &p.ArchivedAt
	}
	return shown
}

func presetVersion(v *preset.Version) PresetVersion {
	shown := PresetVersion{
		PresetID: v.PresetID, Slug: v.Slug, Version: int(v.Number), Description: v.Content.Description, SystemPrompt: v.Content.SystemPrompt,
		ContentHash: hex.EncodeToString(v.ContentHash[:]), CreatedAt: v.CreatedAt, CreatedBy: v.CreatedBy,
	}
	if v.Content.Parameters != nil {
		shown.Parameters = &v.Content.Parameters
	}
	return shown
}
