package catalog

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Rates is a price per class. Input and Output are required; a class without a price takes its parent's.
type Rates map[usage.Class]money.Price

// Override replaces rates when all of its conditions hold; of several that hold, later ones win class by class.
type Override struct {
	MinPromptTokens int64  `json:"min_prompt_tokens,omitempty"` // holds for calls with strictly more prompt tokens; no condition when missing
	UTCStart        string `json:"utc_start,omitempty"`         // "HH:MM": holds from then each day, by when the hold was placed
	UTCEnd          string `json:"utc_end,omitempty"`           // "HH:MM": until then, exclusive; the window may wrap midnight
	ServiceTier     string `json:"service_tier,omitempty"`      // holds for calls that the vendor served with this tier; see Schedule.For
	Rates           Rates  `json:"rates"`                       // price of one unit by class
}

// Schedule is a base table of rates and its overrides.
type Schedule struct {
	Base      Rates      `json:"base"`                // price of one unit by class; a class that is missing costs what its parent costs
	Overrides []Override `json:"overrides,omitempty"` // rates that replace the base under conditions; later ones win
}

// PriceVersion is an immutable price of one endpoint.
type PriceVersion struct {
	ID            uuid.UUID      `json:"price_version"`         // used once
	Currency      money.Currency `json:"currency"`              // of all prices
	Price         Schedule       `json:"price"`                 // what the customer pays
	Cost          *Schedule      `json:"cost,omitempty"`        // what the vendor bills us; the same as Price when absent
	EffectiveFrom time.Time      `json:"effective_from"`        // when the price takes effect
	Group         string         `json:"price_group,omitempty"` // whose price it is; the list's, which everybody pays, when missing
}

const (
	// maxOverrides bounds the work of pricing: it grows with the square of the overrides.
	maxOverrides = 32
	// maxRate bounds each price per unit, in whole units of the currency. With usage.MaxQuantity in every class a
	// charge still fits an Amount, so no settlement can be refused for its size.
	maxRate = "50000"
)

// Check refuses missing base rates, unknown classes, rates that are too high, malformed windows and too many
// overrides with code invalid_request.
func (s Schedule) Check() error {
	if len(s.Overrides) > maxOverrides {
		return domain.Errorf(domain.CodeInvalid, "a price has at most %d overrides", maxOverrides)
	}
	for _, required := range []usage.Class{usage.Input, usage.Output} {
		if _, ok := s.Base[required]; !ok {
			return domain.Errorf(domain.CodeInvalid, "the base rates need a price for class %s", required)
		}
	}
	if len(s.Tiers()) > maxTiers {
		return domain.Errorf(domain.CodeInvalid, "a price has at most %d service tiers", maxTiers)
	}
	if err := s.Base.check(); err != nil {
		return err
	}
	for _, o := range s.Overrides {
		if err := o.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Rates) check() error {
	most := money.MustPrice(maxRate)
	for class, rate := range r {
		if !class.Known() {
			return domain.Errorf(domain.CodeInvalid, "unknown usage class %q in the rates", string(class))
		}
		if rate.Cmp(most) > 0 {
			return domain.Errorf(domain.CodeInvalid, "the price of class %s is above %s a unit", class, maxRate)
		}
	}
	return nil
}

func (s Schedule) clone() Schedule {
	out := Schedule{Base: maps.Clone(s.Base), Overrides: slices.Clone(s.Overrides)}
	for i := range out.Overrides {
		out.Overrides[i].Rates = maps.Clone(out.Overrides[i].Rates)
	}
	return out
}

func (o Override) check() error {
	if o.MinPromptTokens > maxTokens {
		return domain.Errorf(domain.CodeInvalid, "an override's min_prompt_tokens is at most %d", maxTokens)
	}
	if o.MinPromptTokens < 0 || (o.MinPromptTokens == 0 && o.UTCStart == "" && o.UTCEnd == "" && o.ServiceTier == "") {
		return domain.Errorf(domain.CodeInvalid, "an override needs min_prompt_tokens above 0, a UTC window or a service tier")
	}
	if err := checkTier(o.ServiceTier); err != nil {
		return err
	}
	if (o.UTCStart == "") != (o.UTCEnd == "") {
		return domain.Errorf(domain.CodeInvalid, "an override's UTC window needs both start and end")
	}
	if o.UTCStart != "" && o.UTCStart == o.UTCEnd {
		return domain.Errorf(domain.CodeInvalid, "an override's UTC window ends at another time than it starts")
	}
	for _, at := range []string{o.UTCStart, o.UTCEnd} {
		if _, ok := minuteOfDay(at); at != "" && !ok {
			return domain.Errorf(domain.CodeInvalid, "an override's UTC window is given as HH:MM")
		}
	}
	if len(o.Rates) == 0 {
		return domain.Errorf(domain.CodeInvalid, "an override needs rates")
	}
	return o.Rates.check()
}

func minuteOfDay(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, h < 24 && m < 60
}

// CostSchedule is what the vendor bills: Cost, or Price when the version has no Cost.
func (v PriceVersion) CostSchedule() Schedule {
	if v.Cost != nil {
		return *v.Cost
	}
	return v.Price
}
