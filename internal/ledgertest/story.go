package ledgertest

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// The models of the catalogue, each with one endpoint at the vendor acme.
const (
	Small = "acme/small" // one price, later another; the vendor bills less than the customer pays
	Large = "acme/large" // dearer for long prompts and at night
)

// Story has who took part.
type Story struct {
	Rich, Poor, Capped Customer
	Running            uuid.UUID // a hold of Rich that is still open
	Expired            uuid.UUID // a hold of Rich that expired and was never settled
}

// Tell writes the whole story: every event type, every fate of a hold, every way to price.
func (l *Ledger) Tell(ctx context.Context) Story {
	l.tb.Helper()
	l.publish(ctx)
	day, total := money.MustParse("5"), money.MustParse("50")
	s := Story{
		Rich: l.Open(ctx, "100", apikey.Limits{Name: "main"}),
		Poor: l.Open(ctx, "0.001", apikey.Limits{Models: []string{Small}}),
		Capped: l.Open(ctx, "100", apikey.Limits{
			Name: "capped", Caps: wallet.Caps{Day: &day, Week: &total, Month: &total, Total: &total}, ExpiresAt: l.Clock.Now().AddDate(1, 0, 0),
		}),
	}
	l.credits(ctx, s)
	l.calls(ctx, s)
	l.overrun(ctx, s)
	l.expiries(ctx, &s)
	l.keys(ctx, s)
	s.Running = l.Place(ctx, s.Rich, Large, 300_000, 1000, time.Hour)
	l.terms(ctx)
	l.members(ctx)
	return s
}

// model publishes a model with its one endpoint.
func (l *Ledger) model(ctx context.Context, id string) {
	l.tb.Helper()
	must[commands.Done](l)(l.App.PublishModel(ctx, meta(uuid.New()), commands.PublishModel{Model: catalog.Model{
		ID: id, Name: "A model", Description: "For <tests> & \"quotes\".", ContextLength: 1_000_000, MaxCompletionTokens: 100_000,
		InputModalities: []string{"text"}, OutputModalities: []string{"text"}, ReleasedAt: l.Clock.Now(), Status: catalog.Active,
	}}))
	must[commands.Done](l)(l.App.PublishEndpoint(ctx, meta(uuid.New()), commands.PublishEndpoint{Endpoint: catalog.Endpoint{
		ID: id + "@acme", Model: id, Vendor: "acme", UpstreamModel: "m", ContextLength: 1_000_000, MaxCompletionTokens: 100_000,
		Status: catalog.Active,
	}}))
}

func (l *Ledger) publish(ctx context.Context) {
	l.tb.Helper()
	must[commands.Done](l)(l.App.PublishVendor(ctx, meta(uuid.New()), commands.PublishVendor{Vendor: catalog.Vendor{
		ID: "acme", Name: "Acme", BaseURL: "https://api.acme.example/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}}))
	for _, id := range []string{Small, Large} {
		l.model(ctx, id)
	}
	l.price(ctx, Small, catalog.PriceVersion{
		Price: catalog.Schedule{Base: rates("0.000001", "0.000002")},
		Cost:  &catalog.Schedule{Base: rates("0.0000005", "0.000001")},
	})
	night := catalog.Override{UTCStart: "22:00", UTCEnd: "06:00", Rates: catalog.Rates{usage.Output: money.MustPrice("0.00002")}}
	long := catalog.Override{MinPromptTokens: 200_000, Rates: rates("0.00000251", "0.000015")}
	large := rates("0.00000125", "0.00001")
	large[usage.CacheRead], large[usage.CacheWrite] = money.MustPrice("0.000000125"), money.MustPrice("0.0000015625")
	large[usage.Request] = money.MustPrice("0.0001")
	l.price(ctx, Large, catalog.PriceVersion{Price: catalog.Schedule{Base: large, Overrides: []catalog.Override{long, night}}})
}

func rates(input, output string) catalog.Rates {
	return catalog.Rates{usage.Input: money.MustPrice(input), usage.Output: money.MustPrice(output)}
}

func (l *Ledger) price(ctx context.Context, model string, v catalog.PriceVersion) {
	l.tb.Helper()
	v.ID, v.Currency = uuid.New(), money.USD
	must[commands.PriceAccepted](l)(l.App.PublishPrice(ctx, meta(uuid.New()), commands.PublishPrice{Endpoint: model + "@acme", PriceVersion: v}))
}

func (l *Ledger) credits(ctx context.Context, s Story) {
	l.tb.Helper()
	must[commands.Balance](l)(l.App.Grant(ctx, meta(uuid.New()), commands.Grant{
		WalletID: s.Rich.Wallet, Amount: money.MustParse("5.000000000001"), Currency: money.USD, Reason: "welcome",
	}))
	must[commands.Balance](l)(l.App.Adjust(ctx, meta(uuid.New()), commands.Adjust{
		WalletID: s.Rich.Wallet, Amount: money.MustParse("-0.5"), Currency: money.USD, Reason: "correction", Reference: "case-7",
	}))
	_, _, err := l.App.Adjust(ctx, meta(uuid.New()), commands.Adjust{
		WalletID: s.Poor.Wallet, Amount: money.MustParse("-500"), Currency: money.USD, Reason: "too much",
	})
	require.Error(l.tb, err, "a refusal leaves a command row without an event")
}

// calls settles and releases holds at several prices: the base, long prompts, the night, and a price that is replaced
// while a call runs.
func (l *Ledger) calls(ctx context.Context, s Story) {
	l.tb.Helper()
	plain := usage.Usage{usage.Input: 700, usage.CacheRead: 200, usage.Output: 90, usage.Reasoning: 10, usage.Request: 1}
	long := usage.Usage{usage.Input: 250_000, usage.CacheWrite: 1_000, usage.CacheWrite1h: 500, usage.Output: 90, usage.Request: 1}
	for _, c := range []Customer{s.Rich, s.Capped} {
		for _, used := range []usage.Usage{plain, long, {}} {
			hold := l.Place(ctx, c, Large, used.Prompt()+10, 1000, time.Hour)
			l.Clock.Step(1500 * time.Millisecond)
			l.Settle(ctx, c, hold, Large, used)
		}
	}
	l.Release(ctx, s.Rich, l.Place(ctx, s.Rich, Small, 10, 10, time.Hour))
	pinned := l.Place(ctx, s.Rich, Small, 1000, 1000, time.Hour)
	l.price(ctx, Small, catalog.PriceVersion{
		EffectiveFrom: l.Clock.Now().Add(time.Minute), Price: catalog.Schedule{Base: rates("0.000009", "0.000009")},
	})
	l.Clock.Step(2 * time.Minute)
	l.Settle(ctx, s.Rich, pinned, Small, plain)
	l.Settle(ctx, s.Rich, l.Place(ctx, s.Rich, Small, 1000, 1000, time.Hour), Small, plain)
	l.Clock.Step(11 * time.Hour) // 23:00
	l.Settle(ctx, s.Rich, l.Place(ctx, s.Rich, Large, 1000, 1000, time.Hour), Large, plain)
	l.Clock.Step(24 * time.Hour)
	l.Settle(ctx, s.Capped, l.Place(ctx, s.Capped, Large, 1000, 1000, time.Hour), Large, plain)
}

// overrun charges more than was held: first from what is available, then more than there is.
func (l *Ledger) overrun(ctx context.Context, s Story) {
	l.tb.Helper()
	hold := l.Place(ctx, s.Rich, Small, 10, 10, time.Hour)
	require.True(l.tb, l.Settle(ctx, s.Rich, hold, Small, usage.Usage{usage.Output: 1000}).Uncollectible.IsZero())
	hold = l.Place(ctx, s.Poor, Small, 10, 10, time.Hour)
	require.False(l.tb, l.Settle(ctx, s.Poor, hold, Small, usage.Usage{usage.Input: 10_000}).Uncollectible.IsZero())
}

// expiries lets holds be suspected, extended after it, expired, and settled late.
func (l *Ledger) expiries(ctx context.Context, s *Story) {
	l.tb.Helper()
	extended := l.Place(ctx, s.Rich, Large, 100, 100, time.Minute)
	late := l.Place(ctx, s.Rich, Large, 100, 100, time.Minute)
	s.Expired = l.Place(ctx, s.Rich, Large, 100, 100, time.Minute)
	l.Clock.Step(2 * time.Minute)
	require.Equal(l.tb, 3, l.Sweep(ctx, s.Rich).Suspected)
	must[commands.Extended](l)(l.App.ExtendHold(ctx, meta(uuid.New()), commands.ExtendHold{HoldID: extended, WalletID: s.Rich.Wallet, TTL: time.Hour}))
	l.Clock.Step(wallet.SuspectGrace + time.Second)
	require.Equal(l.tb, 2, l.Sweep(ctx, s.Rich).Expired)
	l.Clock.Step(time.Hour / 2)
	l.Settle(ctx, s.Rich, late, Large, usage.Usage{usage.Output: 5})
	l.Settle(ctx, s.Rich, extended, Large, usage.Usage{usage.Output: 7})
}

func (l *Ledger) keys(ctx context.Context, s Story) {
	l.tb.Helper()
	key := s.Capped.Key
	l.apps(ctx, s)
	must[commands.Done](l)(l.App.UpdateKey(ctx, meta(uuid.New()), commands.UpdateKey{KeyID: key, Limits: apikey.Limits{Name: "renamed"}}))
	must[commands.Done](l)(l.App.RotateKey(ctx, meta(uuid.New()), commands.RotateKey{
		KeyID: key, Hash: apikey.HashSecret("another"), Label: "sk-…0002", Grace: time.Hour,
	}))
	must[commands.Done](l)(l.App.DisableKey(ctx, meta(uuid.New()), commands.DisableKey{KeyID: key, Reason: "lost"}))
	must[commands.Done](l)(l.App.EnableKey(ctx, meta(uuid.New()), commands.EnableKey{KeyID: key}))
	must[commands.Done](l)(l.App.DisableKey(ctx, meta(uuid.New()), commands.DisableKey{KeyID: s.Poor.Key, Reason: "no money"}))
	must[commands.Done](l)(l.App.RevokeKey(ctx, meta(uuid.New()), commands.RevokeKey{KeyID: key, Reason: "gone"}))
}
