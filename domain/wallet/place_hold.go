package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// PlaceHold reserves the most that a call can cost.
type PlaceHold struct {
	HoldID           uuid.UUID
	KeyID            uuid.UUID
	MemberID         uuid.UUID // of the key; nil for none
	Model            string
	Endpoint         string
	PriceVersion     uuid.UUID
	PriceGroup       string // whose price that is; "" for the list's
	PromptTokens     int64
	CompletionTokens int64
	Extra            usage.Usage // see usage.Bounds
	ServiceTier      string      // that is asked for; "" for the standard one
	OwnKey           *OwnKey     // the customer's at the vendor; nil for the platform's
	MaxCost          money.Amount
	Currency         money.Currency // of the price
	Caps             Caps           // of the key
	ExpiresAt        time.Time
}

// PlaceHold decides a PlaceHold (W4, W5, W6, W13). A refusal names the limit, what is required and what is available.
func (s *State) PlaceHold(c PlaceHold, now time.Time) (HoldPlaced, error) {
	c.ExpiresAt = domain.Moment(c.ExpiresAt)
	if err := s.checkPlaceHold(c, now); err != nil {
		return HoldPlaced{}, err
	}
	budget, limit := s.Budget(c.spender(), now)
	if budget.LessThan(c.MaxCost) {
		return HoldPlaced{}, s.refuse(c.MaxCost, budget, limit)
	}
	entry, err := money.NewEntry(
		money.Leg{Account: s.Account(), Amount: c.MaxCost.Neg()},
		money.Leg{Account: holdAccount(c.HoldID), Amount: c.MaxCost})
	if err != nil {
		return HoldPlaced{}, err
	}
	return HoldPlaced{
		HoldID: c.HoldID, KeyID: c.KeyID, MemberID: c.MemberID, Model: c.Model, Endpoint: c.Endpoint, PriceVersion: c.PriceVersion, PriceGroup: c.PriceGroup,
		PromptTokens: c.PromptTokens, CompletionTokens: c.CompletionTokens, Extra: bounded(c.Extra), ServiceTier: c.ServiceTier, OwnKey: c.OwnKey.clone(), Amount: c.MaxCost, ExpiresAt: c.ExpiresAt,
		Currency: s.Currency, Balances: s.balances(money.Zero(), c.MaxCost), Entry: entry,
	}, nil
}

func (c *PlaceHold) spender() Spender {
	return Spender{KeyID: c.KeyID, Caps: c.Caps, MemberID: c.MemberID}
}

func (s *State) checkPlaceHold(c PlaceHold, now time.Time) error {
	if err := s.opened(); err != nil {
		return err
	}
	if c.Currency != s.Currency {
		return domain.Errorf(domain.CodeCurrencyMismatch, "the price is in %s, the wallet in %s", c.Currency, s.Currency)
	}
	if _, used := s.Find(c.HoldID); used || c.HoldID == uuid.Nil {
		return domain.Errorf(domain.CodeHoldExists, "a hold id is used once")
	}
	if err := checkBounds(c); err != nil {
		return err
	}
	if !c.ExpiresAt.After(now) || c.ExpiresAt.Sub(now) > MaxHoldTTL {
		return domain.Errorf(domain.CodeInvalid, "a hold expires within %s", MaxHoldTTL)
	}
	if _, known := s.Members[c.MemberID]; c.MemberID != uuid.Nil && !known && len(s.Members) >= MaxMembers {
		return domain.Errorf(domain.CodeInvalid, "a wallet has at most %d members", MaxMembers)
	}
	if len(s.Holds) >= MaxOpenHolds {
		return domain.Errorf(domain.CodeOverloaded, "the wallet has too many calls under way")
	}
	return nil
}

// bounded is a copy without zeros; nil when nothing is left.
func bounded(extra usage.Usage) usage.Usage {
	if clone := extra.Clone(); len(clone) > 0 {
		return clone
	}
	return nil
}

const maxTier = 32 // bytes of a service tier's name

const maxCatalogID = 200 // bytes of a model's or endpoint's id

func checkBounds(c PlaceHold) error {
	if c.MaxCost.Sign() < 0 || c.PromptTokens < 0 || c.CompletionTokens < 0 {
		return domain.Errorf(domain.CodeAmountInvalid, "a hold and its token bounds are not negative")
	}
	if err := (usage.Bounds{Extra: c.Extra}).Check(); err != nil {
		return err
	}
	if err := c.OwnKey.check(); err != nil {
		return err
	}
	if err := c.MaxCost.Check(); err != nil {
		return err
	}
	if err := domain.CheckTextSize("service_tier", c.ServiceTier, 0, maxTier); err != nil {
		return err
	}
	if err := domain.CheckTextSize("model", c.Model, 1, maxCatalogID); err != nil {
		return err
	}
	return domain.CheckTextSize("endpoint", c.Endpoint, 1, maxCatalogID)
}

// refuse explains which limit does not allow the cost. When the wallet would allow it but for calls under way, the
// money is only reserved and may come back: the details say so.
func (s *State) refuse(required, budget money.Amount, limit Limit) error {
	code, what := domain.CodeInsufficientCredits, "the wallet's available balance"
	switch {
	case limit.ofMember():
		code, what = domain.CodeKeyLimitExceeded, "the spending limit of the key's member ("+string(limit)+")"
	case limit != LimitWallet:
		code, what = domain.CodeKeyLimitExceeded, "the key's spending limit ("+string(limit)+")"
	}
	return domain.Errorf(code, "this call can cost up to %s %s, %s allows %s", required, s.Currency, what, budget).
		With("limit", string(limit)).With("required", required.String()).With("available", budget.String()).
		With("reserved", s.Held.String()).With("currency", string(s.Currency))
}
