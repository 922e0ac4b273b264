// Package demo fills a ledger with a small catalogue, a wallet and a key for a demonstration. It does so with commands
// whose ids are fixed, so that doing it again changes nothing, and what somebody changed meanwhile stays changed.
package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

const (
	actor  = "system:demo"
	credit = "20"
)

// Data says for whom and where the demonstration is.
type Data struct {
	ID        uuid.UUID // of the demonstration; all command ids follow from it
	WalletID  uuid.UUID
	KeyID     uuid.UUID
	Secret    string // of the key
	VendorURL string // base URL of both vendors, with /v1
	Edition   int    // counts the changes of VendorURL
}

// Seed records the data that is not there yet and returns the position after it. It stops at the first error: a command
// that is refused because another is missing would stay refused.
func Seed(ctx context.Context, app *commands.App, d Data) (int64, error) {
	s := seeder{ctx: ctx, app: app, data: d}
	steps := []func() error{}
	for _, vendor := range vendors(d.VendorURL) {
		steps = append(steps, func() error { return s.vendor(vendor) })
	}
	for _, o := range offers() {
		steps = append(steps, func() error { return s.model(o) }, func() error { return s.endpoint(o) }, func() error { return s.price(o) })
	}
	for _, step := range append(steps, s.wallet, s.topUp, s.key) {
		if err := step(); err != nil {
			return s.position, fmt.Errorf("record the demonstration's data: %w", err)
		}
	}
	return s.position, nil
}

type seeder struct {
	ctx      context.Context //nolint:containedctx // it lives for one call of Seed
	app      *commands.App
	data     Data
	position int64
}

func (s *seeder) meta(what string) commands.Meta {
	id := domain.IDFromKey("demo:"+s.data.ID.String(), what)
	return commands.Meta{CommandID: id, Actor: actor, CorrelationID: s.data.ID, CausationID: s.data.ID}
}

// content makes a command's id follow from what it says: a new edition of the catalogue is a new command.
func (s *seeder) content(what string, v any) (commands.Meta, error) {
	text, err := json.Marshal(v)
	return s.meta(what + ":" + string(text)), err
}

func (s *seeder) done(receipt commands.Receipt, err error) error {
	s.position = max(s.position, receipt.Position)
	return err
}

func (s *seeder) vendor(v catalog.Vendor) error {
	meta := s.meta(fmt.Sprintf("vendor:%s:%d", v.ID, s.data.Edition))
	_, receipt, err := s.app.PublishVendor(s.ctx, meta, commands.PublishVendor{Vendor: v})
	return s.done(receipt, err)
}

func (s *seeder) model(o offer) error {
	meta, err := s.content("model", o.model)
	if err != nil {
		return err
	}
	_, receipt, err := s.app.PublishModel(s.ctx, meta, commands.PublishModel{Model: o.model})
	return s.done(receipt, err)
}

func (o offer) endpointID() string { return o.model.ID + "@" + o.vendor }

func (s *seeder) endpoint(o offer) error {
	endpoint := catalog.Endpoint{
		ID: o.endpointID(), Model: o.model.ID, Vendor: o.vendor, UpstreamModel: o.upstream,
		ContextLength: o.model.ContextLength, MaxCompletionTokens: o.model.MaxCompletionTokens, Status: catalog.Active,
	}
	meta, err := s.content("endpoint", endpoint)
	if err != nil {
		return err
	}
	_, receipt, err := s.app.PublishEndpoint(s.ctx, meta, commands.PublishEndpoint{Endpoint: endpoint})
	return s.done(receipt, err)
}

func (s *seeder) price(o offer) error {
	version := catalog.PriceVersion{Currency: money.USD, Price: o.price, Cost: o.cost}
	meta, err := s.content("price:"+o.endpointID(), version)
	if err != nil {
		return err
	}
	version.ID = meta.CommandID
	_, receipt, err := s.app.PublishPrice(s.ctx, meta, commands.PublishPrice{Endpoint: o.endpointID(), PriceVersion: version})
	return s.done(receipt, err)
}

func (s *seeder) wallet() error {
	_, receipt, err := s.app.OpenWallet(s.ctx, s.meta("wallet"), commands.OpenWallet{
		WalletID: s.data.WalletID, Owner: "demo", Currency: money.USD,
	})
	return s.done(receipt, err)
}

func (s *seeder) topUp() error {
	_, receipt, err := s.app.TopUp(s.ctx, s.meta("top-up"), commands.TopUp{
		WalletID: s.data.WalletID, Amount: money.MustParse(credit), Currency: money.USD,
		PSP: "operator", Reason: "demonstration", Reference: "demo",
	})
	return s.done(receipt, err)
}

func (s *seeder) key() error {
	_, receipt, err := s.app.IssueKey(s.ctx, s.meta("key"), commands.IssueKey{
		KeyID: s.data.KeyID, WalletID: s.data.WalletID, Hash: apikey.HashSecret(s.data.Secret), Label: apikey.Label(s.data.Secret),
		Limits: apikey.Limits{Name: "Demo key"},
	})
	return s.done(receipt, err)
}
