package gateway

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/preset"
)

// applyPreset puts the preset that the call names, if it names one, into its request. The record of the call says which it was.
func (r *run) applyPreset(ctx context.Context) error {
	slug, err := preset.Named(&r.call.Incoming)
	if slug == "" || err != nil {
		return err
	}
	if r.g.o.Presets == nil {
		return domain.Errorf(preset.CodeNotFound, "there is no such preset").With("param", "preset")
	}
	limited, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
	defer cancel()
	v, err := r.g.o.Presets.Newest(limited, r.call.WalletID, slug)
	if err != nil {
		return err
	}
	r.facts.PresetID, r.facts.PresetVersion = v.PresetID, v.Number
	r.call.Incoming, err = preset.Apply(r.call.Incoming, &v.Content, r.call.DropUnsupported)
	return err
}
