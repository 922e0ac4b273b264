package ledgertest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// OwnKeyed is a model that a vendor is called for with customers' own keys.
const OwnKeyed = "acme/ownkeyed"

// OwnKeys is who made the calls of TellOwnKeys.
type OwnKeys struct {
	Customer
	OwnKey  wallet.OwnKey
	Charged commands.ChargeRef // in doubt, and corrected
}

// TellOwnKeys writes what comes after the story: a customer calls with a key of the customer's own, which is charged, corrected, released with and without
// a bill of the vendor's, and then refused; and with the platform's.
func (l *Ledger) TellOwnKeys(ctx context.Context) OwnKeys {
	l.tb.Helper()
	told := OwnKeys{
		Customer: l.Open(ctx, "100", apikey.Limits{Name: "own"}),
		OwnKey:   wallet.OwnKey{ID: uuid.MustParse("019ced11-5e6f-7077-98e9-1f2a3b4c5d07"), Rate: money.MustPrice("0.05")},
	}
	l.model(ctx, OwnKeyed)
	cost := catalog.Schedule{Base: rates("0.0000009", "0.0000036")}
	l.price(ctx, OwnKeyed, catalog.PriceVersion{Price: catalog.Schedule{Base: rates("0.000001", "0.000004")}, Cost: &cost})
	call := wallet.Call{Attempts: 1, StartedAt: l.Clock.Now(), DurationMS: 7, FinishReason: "stop", Credential: wallet.OwnCredential(told.OwnKey.ID, 1)}
	used := usage.Usage{usage.Input: 901, usage.Output: 17, usage.Request: 1}
	settle := func(hold uuid.UUID, p usage.Provenance, c wallet.Call) commands.Receipt {
		_, settled, err := l.App.SettleHold(ctx, meta(domain.DeriveID(hold, "settle")), commands.SettleHold{
			HoldID: hold, WalletID: told.Wallet, Endpoint: OwnKeyed + "@acme", Usage: used, Provenance: p, Call: c,
		})
		must[commands.Charged](l)(commands.Charged{}, settled, err)
		return settled
	}
	placed := l.placeOwn(ctx, told, &told.OwnKey)
	settle(placed.hold, usage.Reported, call)

	doubtful := l.placeOwn(ctx, told, &told.OwnKey)
	suspect := call
	suspect.Suspect, suspect.SuspectReason = true, "usage_missing"
	told.Charged = commands.ChargeRef{GenerationID: doubtful.hold, WalletID: told.Wallet, HoldPosition: doubtful.position}
	told.Charged.ChargePosition = settle(doubtful.hold, usage.Estimated, suspect).Position
	l.Correct(ctx, told.Charged, usage.Usage{usage.Input: 901, usage.Output: 33, usage.Request: 1}, "lookup")

	empty := l.placeOwn(ctx, told, &told.OwnKey)
	must[commands.Balance](l)(l.App.ReleaseHold(ctx, meta(domain.DeriveID(empty.hold, "release")), commands.ReleaseHold{
		HoldID: empty.hold, WalletID: told.Wallet, Reason: "empty_completion", Endpoint: OwnKeyed + "@acme", Usage: usage.Usage{usage.Input: 901}, Call: call,
	}))
	refused := l.placeOwn(ctx, told, &told.OwnKey)
	failed := call
	failed.Error, failed.FinishReason = "own_key_refused", ""
	must[commands.Balance](l)(l.App.ReleaseHold(ctx, meta(domain.DeriveID(refused.hold, "release")), commands.ReleaseHold{
		HoldID: refused.hold, WalletID: told.Wallet, Reason: "own_key_refused", Call: failed,
	}))
	platforms := call
	platforms.Credential = "acme/1"
	settle(l.placeOwn(ctx, told, nil).hold, usage.Reported, platforms)
	return told
}

type ownHold struct {
	hold     uuid.UUID
	position int64
}

func (l *Ledger) placeOwn(ctx context.Context, c OwnKeys, own *wallet.OwnKey) ownHold {
	l.tb.Helper()
	id := uuid.New()
	_, placed, err := l.App.PlaceHold(ctx, meta(id), commands.PlaceHold{
		HoldID: id, WalletID: c.Wallet, KeyID: c.Key, Model: OwnKeyed, Endpoint: OwnKeyed + "@acme", PromptTokens: 1000, CompletionTokens: 500,
		TTL: time.Hour, OwnKey: own,
	})
	must[commands.Held](l)(commands.Held{}, placed, err)
	l.Clock.Step(time.Second)
	return ownHold{id, placed.Position}
}
