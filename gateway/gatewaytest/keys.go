package gatewaytest

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway/auth"
)

// Keys looks keys up in the log, as the projection of keys would.
type Keys struct{ kit *Kit }

// Keys is where the kit's keys are looked up.
func (k *Kit) Keys() Keys { return Keys{kit: k} }

// Key implements auth.Keys.
func (s Keys) Key(ctx context.Context, id uuid.UUID) (auth.Key, error) {
	registry, err := commands.Registry()
	if err != nil {
		return auth.Key{}, err
	}
	streams, err := s.kit.Store.Load(ctx, []domain.StreamID{apikey.Stream(id)})
	if err != nil {
		return auth.Key{}, fmt.Errorf("load a key: %w", err)
	}
	state := apikey.New()
	for _, e := range streams[0].Events {
		event, err := registry.Decode(e.Type, e.Body)
		if err != nil {
			return auth.Key{}, fmt.Errorf("read a key: %w", err)
		}
		state.Apply(event, e.RecordedAt)
	}
	if !state.Issued {
		return auth.Key{}, domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	return auth.Key{
		ID: state.ID, WalletID: state.WalletID, Label: state.Label, Hash: state.Hash, OldHash: state.OldHash,
		OldHashUntil: state.OldHashUntil, Limits: state.Limits, AppID: state.AppID, Disabled: state.Disabled, Revoked: state.Revoked,
	}, nil
}
