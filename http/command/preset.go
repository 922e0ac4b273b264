package command

import (
	"context"
	"encoding/hex"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/http/contract"
)

// Presets changes presets; see preset.Store for what each method promises and refuses. Safe for concurrent use.
type Presets interface {
	Create(ctx context.Context, q preset.Request, wallet uuid.UUID, slug string, c preset.Content) (preset.Version, bool, error)
	Archive(ctx context.Context, q preset.Request, id uuid.UUID) (bool, error)
	Erase(ctx context.Context, q preset.Request, id uuid.UUID) (bool, error)
}

// CreatePreset makes a version.
func (a *API) CreatePreset(ctx context.Context, r CreatePresetRequestObject) (CreatePresetResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b := r.Body
	v, replayed, err := a.presets.Create(ctx, preset.Request{ID: m.CommandID, Actor: m.Actor}, r.WalletID, b.Slug, preset.Content{
		Description: chosen(b.Description), SystemPrompt: chosen(b.SystemPrompt), Parameters: chosen(b.Parameters),
	})
	if err != nil {
		return nil, err
	}
	return CreatePreset201JSONResponse{
		PresetID: v.PresetID, Slug: v.Slug, Version: int(v.Number), ContentHash: hex.EncodeToString(v.ContentHash[:]), Replayed: replayed,
	}, nil
}

// ArchivePreset keeps calls from using a preset.
func (a *API) ArchivePreset(ctx context.Context, r ArchivePresetRequestObject) (ArchivePresetResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	replayed, err := a.presets.Archive(ctx, preset.Request{ID: m.CommandID, Actor: m.Actor}, r.PresetID)
	if err != nil {
		return nil, err
	}
	return ArchivePreset200JSONResponse{PresetID: r.PresetID, Replayed: replayed}, nil
}

// ErasePreset removes a preset.
func (a *API) ErasePreset(ctx context.Context, r ErasePresetRequestObject) (ErasePresetResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	replayed, err := a.presets.Erase(ctx, preset.Request{ID: m.CommandID, Actor: m.Actor}, r.PresetID)
	if err != nil {
		return nil, err
	}
	return ErasePreset200JSONResponse{PresetID: r.PresetID, Replayed: replayed}, nil
}
