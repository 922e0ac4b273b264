package webhook

import (
	"slices"

	"github.com/massrouter/massrouter/domain"
)

// Type names what happened, for customers. Names are never changed or used again.
type Type string

// The types.
const (
	TypeWalletOpened    Type = "wallet.opened"
	TypeCreditCreated   Type = "credit.created"
	TypeChargeCreated   Type = "charge.created"
	TypeChargeCorrected Type = "charge.corrected"
	TypeHoldReleased    Type = "hold.released"
	TypeHoldExpired     Type = "hold.expired"
	TypeBalanceLow      Type = "balance.low"
	TypeKeyIssued       Type = "key.issued"
	TypeKeyUpdated      Type = "key.updated"
	TypeKeyRotated      Type = "key.rotated"
	TypeKeyDisabled     Type = "key.disabled"
	TypeKeyEnabled      Type = "key.enabled"
	TypeKeyRevoked      Type = "key.revoked"
	TypeKeyAppBound     Type = "key.app_bound"
	TypePing            Type = "webhook.ping" // asked for, never an event of the log
)

// TypeDoc is a type with one sentence about it.
type TypeDoc struct {
	Type Type
	Doc  string
}

// Types lists the types that a filter may have.
func Types() []TypeDoc {
	return []TypeDoc{
		{TypeWalletOpened, "The wallet was opened; only a replay of a wallet's whole past has it."},
		{TypeCreditCreated, "The wallet was topped up, granted credit, or adjusted (then `amount` may be negative)."},
		{TypeChargeCreated, "A call was charged."},
		{TypeChargeCorrected, "A charge was corrected to what its true usage costs; `amount` is the difference, negative when it was given back."},
		{TypeHoldReleased, "A call ended without a charge."},
		{TypeHoldExpired, "A call of which nothing became known was given up; news of it may still charge it."},
		{TypeBalanceLow, "The balance fell below the webhook's threshold; once, until it was at or above it again."},
		{TypeKeyIssued, "A key was issued."},
		{TypeKeyUpdated, "A key's name, caps, models or expiry were replaced."},
		{TypeKeyRotated, "A key got a new secret."},
		{TypeKeyDisabled, "A key was stopped."},
		{TypeKeyEnabled, "A stopped key works again."},
		{TypeKeyRevoked, "A key was ended for good."},
		{TypeKeyAppBound, "A key was bound to an app, or freed from it."},
	}
}

// known says whether a filter may have a type.
func known(t Type) bool {
	return slices.ContainsFunc(Types(), func(d TypeDoc) bool { return d.Type == t })
}

// wants says whether the settings let a type through.
func (s *Settings) wants(t Type) bool {
	if t == TypeBalanceLow && s.BalanceThreshold == nil {
		return false
	}
	return len(s.EventTypes) == 0 || slices.Contains(s.EventTypes, t)
}

// checkTypes refuses types that are unknown or given twice, and a threshold without its type or the other way round.
func (s *Settings) checkTypes() error {
	seen := map[Type]bool{}
	for _, t := range s.EventTypes {
		if !known(t) {
			return invalid("event_types", "event_types has a type that does not exist")
		}
		if seen[t] {
			return invalid("event_types", "event_types has %s twice", t)
		}
		seen[t] = true
	}
	threshold := s.BalanceThreshold
	switch {
	case seen[TypeBalanceLow] && threshold == nil:
		return invalid("balance_threshold", "%s needs a balance_threshold", TypeBalanceLow)
	case threshold == nil:
		return nil
	case len(s.EventTypes) > 0 && !seen[TypeBalanceLow]:
		return invalid("balance_threshold", "balance_threshold is for %s, which event_types does not have", TypeBalanceLow)
	case threshold.Sign() < 0:
		return invalid("balance_threshold", "balance_threshold is not negative")
	}
	if err := threshold.Check(); err != nil {
		return invalid("balance_threshold", "balance_threshold is no amount of the ledger")
	}
	return nil
}

// invalid is a refusal that names the member of the request.
func invalid(field, format string, args ...any) *domain.Error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("field", field)
}
