package ledgertest

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Media is a model that hears, speaks, draws and searches, in two service tiers.
const Media = "acme/media"

// TellUnits writes what comes after the story: calls that are charged in every class and tier, and one that is released and whose cost
// the platform bears. It tells who made them.
func (l *Ledger) TellUnits(ctx context.Context) Customer {
	l.tb.Helper()
	c := l.Open(ctx, "100", apikey.Limits{Name: "media"})
	l.model(ctx, Media)
	base := rates("0.000001", "0.000004")
	for class, price := range map[usage.Class]string{
		usage.AudioInput: "0.00001", usage.AudioOutput: "0.00002", usage.ImageOutput: "0.00003", usage.Image: "0.04",
		usage.Second: "0.0001", usage.Character: "0.000015", usage.Search: "0.01",
	} {
		base[class] = money.MustPrice(price)
	}
	price := catalog.Schedule{Base: base, Overrides: []catalog.Override{
		{ServiceTier: "flex", Rates: rates("0.0000005", "0.000002")},
		{ServiceTier: "priority", Rates: rates("0.000002", "0.000008")},
	}}
	l.price(ctx, Media, catalog.PriceVersion{Price: price, Cost: &catalog.Schedule{Base: base}})
	used := usage.Usage{usage.Input: 100, usage.Output: 50, usage.Request: 1}
	everything := usage.Usage{
		usage.Input: 100, usage.CacheRead: 50, usage.AudioInput: 300, usage.AudioCacheRead: 20, usage.ImageInput: 30, usage.Output: 40,
		usage.AudioOutput: 60, usage.ImageOutput: 10, usage.Image: 1, usage.Second: 7, usage.Character: 40, usage.Search: 3, usage.Request: 1,
	}
	extra := usage.Usage{
		usage.AudioInput: 400, usage.ImageInput: 400, usage.AudioOutput: 100, usage.ImageOutput: 100, usage.Image: 2, usage.Second: 10,
		usage.Character: 50, usage.Search: 5,
	}
	for _, call := range []struct {
		asked, served string
		extra, used   usage.Usage
	}{
		{"", "", extra, everything}, {"flex", "flex", nil, used}, {"priority", "", nil, used}, {"auto", "priority", extra, everything},
	} {
		hold := l.ask(ctx, c, call.asked, call.extra)
		charged := must[commands.Charged](l)(l.App.SettleHold(ctx, meta(domain.DeriveID(hold, "settle")), commands.SettleHold{
			HoldID: hold, WalletID: c.Wallet, Endpoint: Media + "@acme", ServiceTier: call.served, Usage: call.used,
			Provenance: usage.Reported, Call: wallet.Call{Attempts: 1, StartedAt: l.Clock.Now(), DurationMS: 7, ServiceTier: call.served},
		}))
		require.True(l.tb, charged.Uncollectible.IsZero())
	}
	hold := l.ask(ctx, c, "flex", nil)
	must[commands.Balance](l)(l.App.ReleaseHold(ctx, meta(domain.DeriveID(hold, "release")), commands.ReleaseHold{
		HoldID: hold, WalletID: c.Wallet, Reason: "empty_completion", Endpoint: Media + "@acme", ServiceTier: "flex",
		Usage: usage.Usage{usage.Input: 100, usage.Request: 1}, Call: wallet.Call{Attempts: 1, ServiceTier: "flex"},
	}))
	return c
}

func (l *Ledger) ask(ctx context.Context, c Customer, tier string, extra usage.Usage) uuid.UUID {
	l.tb.Helper()
	id, err := uuid.NewV7()
	require.NoError(l.tb, err)
	must[commands.Held](l)(l.App.PlaceHold(ctx, meta(id), commands.PlaceHold{
		HoldID: id, WalletID: c.Wallet, KeyID: c.Key, Model: Media, Endpoint: Media + "@acme", PromptTokens: 1000, CompletionTokens: 500,
		Extra: extra, ServiceTier: tier, TTL: time.Hour,
	}))
	return id
}
