package ledgertest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// Estimate places a hold and charges an estimate whose call is suspect, and says where the log has both.
func (l *Ledger) Estimate(ctx context.Context, c Customer, model string, prompt, completion int64, used usage.Usage, finish string) commands.ChargeRef {
	l.tb.Helper()
	id := uuid.New()
	_, placed, err := l.App.PlaceHold(ctx, meta(id), commands.PlaceHold{
		HoldID: id, WalletID: c.Wallet, KeyID: c.Key, Model: model, Endpoint: model + "@acme", PromptTokens: prompt, CompletionTokens: completion, TTL: time.Hour,
	})
	must[commands.Held](l)(commands.Held{}, placed, err)
	_, settled, err := l.App.SettleHold(ctx, meta(domain.DeriveID(id, "settle")), commands.SettleHold{
		HoldID: id, WalletID: c.Wallet, Endpoint: model + "@acme", Usage: used, Provenance: usage.Estimated,
		Call: wallet.Call{FinishReason: finish, UpstreamID: "up-2", Attempts: 1, Suspect: true, SuspectReason: "usage_missing", StartedAt: l.Clock.Now(), DurationMS: 77},
	})
	must[commands.Charged](l)(commands.Charged{}, settled, err)
	return commands.ChargeRef{GenerationID: id, WalletID: c.Wallet, HoldPosition: placed.Position, ChargePosition: settled.Position}
}

// Correct says what a call used in truth.
func (l *Ledger) Correct(ctx context.Context, ref commands.ChargeRef, used usage.Usage, evidence string) commands.Correction {
	l.tb.Helper()
	return must[commands.Correction](l)(l.App.CorrectCharge(ctx, meta(uuid.New()), commands.CorrectCharge{
		ChargeRef: ref, Usage: used, Provenance: usage.LookedUp, Evidence: evidence, Reason: "usage was missing",
	}))
}

// Review decides on a suspect charge.
func (l *Ledger) Review(ctx context.Context, c commands.ReviewCharge) commands.Reviewed {
	l.tb.Helper()
	return must[commands.Reviewed](l)(l.App.ReviewCharge(ctx, meta(uuid.New()), c))
}

// Corrected is what a story of corrections was about.
type Corrected struct {
	Debtor                          Customer
	Up, Accepted, Empty, Debt, Open commands.ChargeRef
}

// TellCorrections goes on with a story: charges are corrected up, down, to nothing, and above what the wallet has; one is accepted, and
// one is left open.
func (l *Ledger) TellCorrections(ctx context.Context, s Story) Corrected {
	l.tb.Helper()
	guess := usage.Usage{usage.Input: 500, usage.Output: 50, usage.Request: 1}
	out := Corrected{Debtor: l.Open(ctx, "0.0001", apikey.Limits{})}
	out.Up = l.Estimate(ctx, s.Rich, Large, 300_000, 1000, guess, "stop")
	l.Clock.Step(time.Minute)
	l.Correct(ctx, out.Up, usage.Usage{usage.Input: 250_000, usage.CacheRead: 10, usage.Output: 90, usage.Request: 1}, "lookup")
	l.Correct(ctx, out.Up, usage.Usage{usage.Input: 400, usage.Output: 90, usage.Request: 1}, "invoice 7")
	out.Accepted = l.Estimate(ctx, s.Rich, Large, 1000, 1000, guess, "stop")
	l.Review(ctx, commands.ReviewCharge{ChargeRef: out.Accepted, Decision: charge.Accept, Reason: "as invoiced"})
	out.Empty = l.Estimate(ctx, s.Rich, Large, 1000, 1000, guess, "")
	l.Clock.Step(25 * time.Hour)
	l.Review(ctx, commands.ReviewCharge{
		ChargeRef: out.Empty, Decision: charge.Correct, Reason: "the vendor's log shows nothing", Usage: usage.Usage{usage.Input: 500, usage.Request: 1}, Evidence: "ticket 9",
	})
	out.Debt = l.Estimate(ctx, out.Debtor, Small, 10, 0, usage.Usage{usage.Output: 10}, "stop")
	l.Correct(ctx, out.Debt, usage.Usage{usage.Output: 30}, "lookup")
	l.Correct(ctx, out.Debt, usage.Usage{usage.Output: 5}, "invoice 8")
	out.Open = l.Estimate(ctx, s.Rich, Large, 1000, 1000, guess, "stop")
	return out
}
