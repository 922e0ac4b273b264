package live

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// Balance is what a wallet has after its event at a position. Available is Posted less Held.
type Balance struct {
	WalletID  uuid.UUID
	Position  int64
	Currency  money.Currency
	Posted    money.Amount
	Held      money.Amount
	Available money.Amount
}

// Charge is what a call cost, as the statement has it: Amount is not above zero, After = Before + Amount.
type Charge struct {
	WalletID     uuid.UUID
	Position     int64
	RecordedAt   time.Time
	Amount       money.Amount
	Before       money.Amount
	After        money.Amount
	Currency     money.Currency
	GenerationID uuid.UUID // the hold's id
	KeyID        uuid.UUID
	Model        string
}

// Change is an event of the log that changed a balance; Charge is nil unless it was a call's.
type Change struct {
	Balance Balance
	Charge  *Charge
}

// Changes reads the events in (after, to] and keeps those of wallets that are watched, in order. All of them are read; to is not
// after the end of the log.
func (s *Source) Changes(ctx context.Context, after, to int64, watched func(uuid.UUID) bool) ([]Change, error) {
	var all []Change
	for after < to {
		events, err := eventstore.ReadDense(ctx, s.log, after, int(min(to-after, readLimit)))
		if err != nil {
			return nil, away(ctx, err)
		}
		if len(events) == 0 {
			return nil, fmt.Errorf("the log has no event at position %d, which the read models have reached", after+1)
		}
		for i := range events {
			change, ok, err := s.change(&events[i], watched)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, change)
			}
		}
		after = events[len(events)-1].Position
	}
	return all, nil
}

const readLimit = 500

// change decodes an event only when somebody watches its wallet.
func (s *Source) change(e *eventstore.Event, watched func(uuid.UUID) bool) (Change, bool, error) {
	id, err := uuid.Parse(e.StreamID.Identity())
	if err != nil || e.StreamID != wallet.Stream(id) || !watched(id) {
		return Change{}, false, nil //nolint:nilerr // a stream that is keyed otherwise is no wallet's
	}
	data, err := s.registry.Decode(e.Type, e.Body)
	if err != nil {
		return Change{}, false, fmt.Errorf("position %d: %w", e.Position, err)
	}
	event, ok := data.(wallet.Event)
	if !ok {
		return Change{}, false, nil
	}
	balances, currency, ok := balancesOf(event)
	if !ok {
		return Change{}, false, nil
	}
	c := Change{Balance: Balance{
		WalletID: id, Position: e.Position, Currency: currency, Posted: balances.Posted, Held: balances.Held,
		Available: balances.Posted.Sub(balances.Held),
	}}
	if charged, ok := event.(wallet.UsageCharged); ok {
		amount := charged.Debited().Neg()
		c.Charge = &Charge{
			WalletID: id, Position: e.Position, RecordedAt: e.RecordedAt.UTC(), Amount: amount, Before: charged.Posted.Sub(amount),
			After: charged.Posted, Currency: charged.Currency, GenerationID: charged.HoldID, KeyID: charged.KeyID, Model: charged.Model,
		}
	}
	return c, true, nil
}

// balancesOf are the balances that an event leaves; none when it does not touch them.
func balancesOf(event wallet.Event) (wallet.Balances, money.Currency, bool) {
	switch e := event.(type) {
	case wallet.ToppedUp:
		return e.Balances, e.Currency, true
	case wallet.Granted:
		return e.Balances, e.Currency, true
	case wallet.Adjusted:
		return e.Balances, e.Currency, true
	case wallet.HoldPlaced:
		return e.Balances, e.Currency, true
	case wallet.UsageCharged:
		return e.Balances, e.Currency, true
	case wallet.ChargeCorrected:
		return e.Balances, e.Currency, true
	case wallet.HoldReleased:
		return e.Balances, e.Currency, true
	case wallet.HoldExpired:
		return e.Balances, e.Currency, true
	case wallet.Opened, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
	}
	return wallet.Balances{}, "", false
}
