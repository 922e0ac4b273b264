package ledgertest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Grouped is a model with prices of price groups.
const Grouped = "acme/grouped"

// SetPriceGroup puts a customer's wallet into a price group; "" takes it out.
func (l *Ledger) SetPriceGroup(ctx context.Context, c Customer, group string) {
	l.tb.Helper()
	must[commands.Done](l)(l.App.SetPriceGroup(ctx, meta(uuid.New()), commands.SetPriceGroup{WalletID: c.Wallet, Group: group}))
}

// terms is a customer who calls at the list's price, then at those of its group, then at those of another that has none, and at the list's again.
func (l *Ledger) terms(ctx context.Context) {
	l.tb.Helper()
	c := l.Open(ctx, "10", apikey.Limits{Name: "partner"})
	cost := catalog.Schedule{Base: rates("0.0000005", "0.000001")}
	l.model(ctx, Grouped)
	l.price(ctx, Grouped, catalog.PriceVersion{Price: catalog.Schedule{Base: rates("0.000001", "0.000002")}, Cost: &cost})
	call := func() {
		hold := l.Place(ctx, c, Grouped, 1000, 1000, time.Minute)
		l.Clock.Step(time.Second)
		l.Settle(ctx, c, hold, Grouped, usage.Usage{usage.Input: 900, usage.Output: 17})
	}
	call()
	l.SetPriceGroup(ctx, c, "partners")
	call() // the group has no price yet: the list's
	l.price(ctx, Grouped, catalog.PriceVersion{Group: "partners", Price: catalog.Schedule{Base: rates("0.0000009", "0.0000018")}, Cost: &cost})
	over := l.Place(ctx, c, Grouped, 1000, 1000, time.Minute)
	call()
	l.price(ctx, Grouped, catalog.PriceVersion{
		Group: "partners", Price: catalog.Schedule{Base: rates("0.0000008", "0.0000016")}, Cost: &cost, EffectiveFrom: l.Clock.Now().Add(time.Minute),
	})
	call()
	l.Clock.Step(2 * time.Minute)
	call()
	l.SetPriceGroup(ctx, c, "resellers")
	call()
	l.SetPriceGroup(ctx, c, "")
	l.Settle(ctx, c, over, Grouped, usage.Usage{usage.Input: 1, usage.Output: 1}) // at the price that it was placed at
	call()
}

// members are two keys of one member, within the member's caps, and a wallet with rate limits.
func (l *Ledger) members(ctx context.Context) {
	l.tb.Helper()
	member, day := uuid.New(), money.MustParse("0.01")
	c := l.Open(ctx, "10", apikey.Limits{Name: "first", MemberID: member})
	second := Customer{Wallet: c.Wallet, Key: uuid.New()}
	must[commands.Done](l)(l.App.IssueKey(ctx, meta(uuid.New()), commands.IssueKey{
		KeyID: second.Key, WalletID: c.Wallet, Hash: apikey.HashSecret("second"), Label: "sk-mr-v1-seco…cond", Limits: apikey.Limits{Name: "second"},
	}))
	must[commands.Done](l)(l.App.SetRateLimits(ctx, meta(uuid.New()), commands.SetRateLimits{WalletID: c.Wallet, Rates: wallet.RateLimits{Parallel: 100}}))
	must[commands.Done](l)(l.App.SetContentStorage(ctx, meta(uuid.New()), commands.SetContentStorage{WalletID: c.Wallet, Storage: wallet.ContentStorage{RetentionHours: 24, Keys: []uuid.UUID{c.Key}}}))
	must[commands.Done](l)(l.App.SetMemberLimits(ctx, meta(uuid.New()), commands.SetMemberLimits{
		WalletID: c.Wallet, MemberID: member, Limits: wallet.MemberLimits{Caps: wallet.Caps{Day: &day, Month: &day}, Rates: wallet.RateLimits{RequestsPerMinute: 60}},
	}))
	must[commands.Done](l)(l.App.SetKeyMember(ctx, meta(uuid.New()), commands.SetKeyMember{KeyID: second.Key, MemberID: member}))
	for _, by := range []Customer{c, second} { // 0.003 each are held
		hold := l.Place(ctx, by, Grouped, 1000, 1000, time.Minute)
		l.Clock.Step(time.Second)
		l.Settle(ctx, by, hold, Grouped, usage.Usage{usage.Input: 1000, usage.Output: 900})
	}
	freed := l.Place(ctx, second, Grouped, 1000, 1000, time.Minute)
	l.Release(ctx, second, freed)
	must[commands.Done](l)(l.App.SetKeyMember(ctx, meta(uuid.New()), commands.SetKeyMember{KeyID: second.Key}))
	l.Release(ctx, second, l.Place(ctx, second, Grouped, 1000, 1000, time.Hour))
}
