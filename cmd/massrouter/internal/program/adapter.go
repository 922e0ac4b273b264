package program

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/gateway"
	gatewayauth "github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/keys"
)

// pictures gives the gateway the catalogue of the read model.
type pictures struct{ cache *catalog.Cache }

// Get implements gateway.Catalog.
func (p pictures) Get(ctx context.Context) (gateway.Picture, error) {
	return pictureOf(p.cache.Get(ctx))
}

// Renew implements gateway.Catalog.
func (p pictures) Renew(ctx context.Context) (gateway.Picture, error) {
	return pictureOf(p.cache.Renew(ctx))
}

func pictureOf(s *catalog.Snapshot, err error) (gateway.Picture, error) {
	if err != nil {
		return gateway.Picture{}, err
	}
	return gateway.Picture{
		Vendors: s.Vendors, Models: s.Models, Endpoints: s.Endpoints, ByModel: s.ByModel, Prices: s.Prices, GroupPrices: s.GroupPrices,
	}, nil
}

// keyring gives the gateway's authentication the keys of the read model.
type keyring struct{ query *keys.Query }

// Key implements auth.Keys.
func (k keyring) Key(ctx context.Context, id uuid.UUID) (gatewayauth.Key, gatewayauth.State, error) {
	found, err := k.query.Key(ctx, id, 0)
	if err != nil {
		return gatewayauth.Key{}, gatewayauth.State{}, err
	}
	return gatewayauth.Key{
		ID: found.ID, WalletID: found.WalletID, Scope: found.Scope, Label: found.Label, Hash: found.Hash, OldHash: found.OldHash,
		OldHashUntil: found.OldHashUntil, Limits: found.Limits, AppID: found.AppID, PriceGroup: found.PriceGroup,
		WalletRates: found.WalletRates, MemberRates: found.Member.Rates, Content: found.Content, Disabled: found.Disabled, Revoked: found.Revoked,
	}, state(found.At), nil
}

// Changed implements auth.Keys.
func (k keyring) Changed(ctx context.Context, after int64) ([]uuid.UUID, gatewayauth.State, error) {
	ids, at, err := k.query.Changed(ctx, after)
	return ids, state(at), err
}

func state(at checkpoint.At) gatewayauth.State {
	return gatewayauth.State{Build: at.Build(), Position: at.Position}
}

// credentials gives the gateway the vendors' keys of the configuration.
type credentials struct{ keys config.VendorKeys }

// Credentials implements gateway.Credentials.
func (c credentials) Credentials(vendor string) []credential.Credential { return c.keys.Of(vendor) }

// rawLog gives the console the log.
type rawLog struct{ store eventstore.Reader }

// Head implements query.Log.
func (l rawLog) Head(ctx context.Context) (query.Head, error) {
	head, err := l.store.Head(ctx)
	return query.Head{Position: head.Position, RecordedAt: head.RecordedAt}, logError(err)
}

// Read implements query.Log.
func (l rawLog) Read(ctx context.Context, after int64, limit int) ([]query.LogEvent, error) {
	events, err := eventstore.ReadDense(ctx, l.store, after, limit)
	if err != nil {
		return nil, logError(err)
	}
	out := make([]query.LogEvent, len(events))
	for i, e := range events {
		out[i] = query.LogEvent{
			Shard: e.Shard, Position: e.Position, StreamID: string(e.StreamID), StreamVersion: e.StreamVersion, EventID: e.EventID,
			Type: e.Type, SchemaVersion: e.SchemaVersion, RecordedAt: e.RecordedAt, EffectiveAt: e.EffectiveAt, Actor: e.Actor,
			CorrelationID: e.CorrelationID, CausationID: e.CausationID, CommandID: e.CommandID, Salt: e.Salt, Body: e.Body, LeafHash: e.LeafHash,
		}
	}
	return out, nil
}

// logError says to callers what they may know: whether trying again helps.
func logError(err error) error {
	if errors.Is(err, eventstore.ErrUnavailable) {
		return domain.Errorf(domain.CodeUnavailable, "the event log cannot be read now").Wrap(err)
	}
	return err
}

// Position implements inference.Head.
func (l rawLog) Position(ctx context.Context) (int64, error) {
	head, err := l.Head(ctx)
	return head.Position, err
}
