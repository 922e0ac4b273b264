package webhook

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// translate is what an event tells a customer who wants everything; threshold is nil for who does not want to know of
// low balances. It follows from its arguments alone. What vendors cost and who they are, margins, and the operators'
// own bookkeeping are left out by naming what goes in.
func translate(event domain.Event, at Source, recorded time.Time, threshold *money.Amount) []Message {
	var all []Message
	say := func(t Type, data any) { all = append(all, Message{Type: t, Timestamp: recorded.UTC(), Data: data}) }
	switch e := event.(type) {
	case wallet.Event:
		t, data := ofWallet(e, at)
		if t != "" {
			say(t, data)
		}
		if low, ok := lowBalance(e, at, threshold); ok {
			say(TypeBalanceLow, low)
		}
	case apikey.Event:
		say(ofKey(e, at))
	}
	return all
}

func ofWallet(event wallet.Event, at Source) (Type, any) {
	switch e := event.(type) {
	case wallet.Opened:
		return TypeWalletOpened, WalletOpened{Source: at, Currency: e.Currency}
	case wallet.ToppedUp:
		return TypeCreditCreated, Credit{
			Source: at, Kind: "top_up", Amount: e.Amount, Currency: e.Currency, Reason: e.Reason, Reference: e.Reference, Balance: balance(e.Balances),
		}
	case wallet.Granted:
		return TypeCreditCreated, Credit{
			Source: at, Kind: "grant", Amount: e.Amount, Currency: e.Currency, Reason: e.Reason, Reference: e.Reference, Balance: balance(e.Balances),
		}
	case wallet.Adjusted:
		return TypeCreditCreated, Credit{
			Source: at, Kind: "adjustment", Amount: e.Amount, Currency: e.Currency, Reason: e.Reason, Reference: e.Reference, Balance: balance(e.Balances),
		}
	case wallet.UsageCharged:
		return TypeChargeCreated, Charge{
			Source: at, GenerationID: domain.GenerationID(e.HoldID), KeyID: e.KeyID, Model: e.Model, Amount: e.Debited(),
			Currency: e.Currency, Balance: balance(e.Balances),
		}
	case wallet.ChargeCorrected:
		return TypeChargeCorrected, Charge{
			Source: at, GenerationID: domain.GenerationID(e.HoldID), KeyID: e.KeyID, Model: e.Model, Amount: e.Debited(),
			Currency: e.Currency, Balance: balance(e.Balances),
		}
	case wallet.HoldReleased:
		return TypeHoldReleased, Hold{
			Source: at, GenerationID: domain.GenerationID(e.HoldID), KeyID: e.KeyID, Model: e.Model, Amount: e.Amount,
			Currency: e.Currency, Reason: e.Reason, Balance: balance(e.Balances),
		}
	case wallet.HoldExpired:
		return TypeHoldExpired, Hold{
			Source: at, GenerationID: domain.GenerationID(e.HoldID), KeyID: e.KeyID, Amount: e.Amount, Currency: e.Currency, Balance: balance(e.Balances),
		}
	case wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet: // a call that runs is no news, nor are terms
	}
	return "", nil
}

func balance(b wallet.Balances) Balance {
	return Balance{Balance: b.Posted, Available: b.Posted.Sub(b.Held)}
}

// lowBalance says whether an event took the balance from at or above a threshold to below it. What is held does not
// count: calls that run would make it come and go.
func lowBalance(event wallet.Event, at Source, threshold *money.Amount) (BalanceLow, bool) {
	if threshold == nil {
		return BalanceLow{}, false
	}
	var taken money.Amount
	var left wallet.Balances
	var currency money.Currency
	switch e := event.(type) {
	case wallet.UsageCharged:
		taken, left, currency = e.Debited(), e.Balances, e.Currency
	case wallet.ChargeCorrected:
		taken, left, currency = e.Debited(), e.Balances, e.Currency
	case wallet.Adjusted:
		taken, left, currency = e.Amount.Neg(), e.Balances, e.Currency
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected,
		wallet.HoldReleased, wallet.HoldExpired, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet: // none of them takes anything
		return BalanceLow{}, false
	}
	if !left.Posted.LessThan(*threshold) || left.Posted.Add(taken).LessThan(*threshold) {
		return BalanceLow{}, false
	}
	return BalanceLow{Source: at, Threshold: *threshold, Currency: currency, Balance: balance(left)}, true
}

func ofKey(event apikey.Event, at Source) (Type, any) {
	switch e := event.(type) {
	case apikey.Issued:
		return TypeKeyIssued, Key{Source: at, KeyID: e.KeyID, Name: e.Limits.Name, Label: e.Label, ExpiresAt: given(e.Limits.ExpiresAt)}
	case apikey.Updated:
		return TypeKeyUpdated, Key{Source: at, KeyID: e.KeyID, Name: e.Limits.Name, ExpiresAt: given(e.Limits.ExpiresAt)}
	case apikey.Rotated:
		return TypeKeyRotated, Key{Source: at, KeyID: e.KeyID, Label: e.Label, OldSecretUntil: given(e.OldHashUntil)}
	case apikey.Disabled:
		return TypeKeyDisabled, Key{Source: at, KeyID: e.KeyID, Reason: e.Reason, Leaked: e.Leaked}
	case apikey.Enabled:
		return TypeKeyEnabled, Key{Source: at, KeyID: e.KeyID}
	case apikey.Revoked:
		return TypeKeyRevoked, Key{Source: at, KeyID: e.KeyID, Reason: e.Reason}
	case apikey.AppBound:
		k := Key{Source: at, KeyID: e.KeyID}
		if e.AppID != uuid.Nil {
			k.AppID = &e.AppID
		}
		return TypeKeyAppBound, k
	}
	return "", nil
}

// given is a time in UTC, nil for none.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
