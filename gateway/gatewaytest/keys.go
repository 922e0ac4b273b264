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
func (s Keys) Key(ctx context.Context, id uuid.UUID) (auth.Key, auth.State, error) {
	registry, err := commands.Registry()
	if err != nil {
		return auth.Key{}, auth.State{}, err
	}
	head, err := s.kit.Store.Head(ctx)
	if err != nil {
		return auth.Key{}, auth.State{}, fmt.Errorf("read the end of the log: %w", err)
	}
	streams, err := s.kit.Store.Load(ctx, []domain.StreamID{apikey.Stream(id)})
	if err != nil {
		return auth.Key{}, auth.State{}, fmt.Errorf("load a key: %w", err)
	}
	state := apikey.New()
	for _, e := range streams[0].Events {
		event, err := registry.Decode(e.Type, e.Body)
		if err != nil {
			return auth.Key{}, auth.State{}, fmt.Errorf("read a key: %w", err)
		}
		state.Apply(event, e.RecordedAt)
	}
	if !state.Issued {
		return auth.Key{}, auth.State{}, domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	return auth.Key{
		ID: state.ID, WalletID: state.WalletID, Scope: state.Scope, Label: state.Label, Hash: state.Hash, OldHash: state.OldHash,
		OldHashUntil: state.OldHashUntil, Limits: state.Limits, AppID: state.AppID, Disabled: state.Disabled, Revoked: state.Revoked,
	}, auth.State{Position: head.Position}, nil
}

// Changed implements auth.Keys.
func (s Keys) Changed(ctx context.Context, after int64) ([]uuid.UUID, auth.State, error) {
	head, err := s.kit.Store.Head(ctx)
	if err != nil {
		return nil, auth.State{}, fmt.Errorf("read the end of the log: %w", err)
	}
	var ids []uuid.UUID
	for after < head.Position {
		events, err := s.kit.Store.Read(ctx, after, int(head.Position-after))
		if err != nil {
			return nil, auth.State{}, fmt.Errorf("read the log: %w", err)
		}
		for _, e := range events {
			after = e.Position
			if id, err := uuid.Parse(e.StreamID.Identity()); err == nil && e.StreamID == apikey.Stream(id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, auth.State{Position: head.Position}, nil
}
