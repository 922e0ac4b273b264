package catalog

import (
	"regexp"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// A service tier is how a vendor serves a call: cheaper and later, or dearer and sooner. The standard one costs the base rates
// and has no name here, whatever vendors call it; every other one has a name, the vendor's, and is offered only where an override
// prices it.

// AnyTier lets the vendor choose among all tiers that have a price.
const AnyTier = "auto"

// maxTiers bounds the tiers of a schedule: each is priced at every admission that allows it.
const maxTiers = 8

var tierName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// TierOf is the common name of a service tier, as callers ask for it and vendors report it: "" for the standard one.
func TierOf(name string) string {
	switch name {
	case "default", "standard", "standard_only", "on_demand":
		return ""
	}
	return name
}

func checkTier(name string) error {
	if name == "" {
		return nil
	}
	if TierOf(name) == "" || name == AnyTier || !tierName.MatchString(name) {
		return domain.Errorf(domain.CodeInvalid, "an override's service_tier is a vendor's name of a tier other than the standard one")
	}
	return nil
}

// Tiers are the tiers that have a price beside the standard one, sorted.
func (s Schedule) Tiers() []string {
	var tiers []string
	for i := range s.Overrides {
		if t := s.Overrides[i].ServiceTier; t != "" && !slices.Contains(tiers, t) {
			tiers = append(tiers, t)
		}
	}
	slices.Sort(tiers)
	return tiers
}

// Allowed are the tiers that a call may be served with which asks for one: the standard one, "", because vendors fall back to it;
// and the one that is asked for, or all of them for AnyTier. A tier without a price is refused with code invalid_request.
func (s Schedule) Allowed(asked string) ([]string, error) {
	asked = TierOf(asked)
	tiers := s.Tiers()
	switch {
	case asked == "":
		return []string{""}, nil
	case asked == AnyTier:
		return append(tiers, ""), nil
	case slices.Contains(tiers, asked):
		return []string{asked, ""}, nil
	}
	return nil, domain.Errorf(domain.CodeInvalid, "the service tier that was asked for has no price here").With("param", "service_tier")
}

// Served is the tier whose rates a call is billed at that asked for a tier and was served with another: the one it was served
// with. When the vendor does not say, it is the one that was asked for, or the standard one. expected is false when the call did
// not allow the tier that it was served with, or nobody knows its price: then it is billed at the standard one.
func (s Schedule) Served(asked, served string) (tier string, expected bool) {
	allowed, err := s.Allowed(asked)
	if err != nil {
		return "", false
	}
	tier = TierOf(served)
	if served == "" && asked != AnyTier {
		tier = TierOf(asked)
	}
	if !slices.Contains(allowed, tier) {
		return "", false
	}
	return tier, true
}

// For is the schedule of one tier. Later overrides win, as always; those of other tiers are none of it.
func (s Schedule) For(tier string) Schedule {
	out := Schedule{Base: s.Base}
	for _, o := range s.Overrides {
		if o.ServiceTier == "" || o.ServiceTier == tier {
			o.ServiceTier = ""
			out.Overrides = append(out.Overrides, o)
		}
	}
	return out
}

// MaxCostOf is the MaxCost of a call that may be served with any of the tiers.
func (s Schedule) MaxCostOf(tiers []string, b usage.Bounds, at time.Time) money.Amount {
	most := money.Zero()
	for _, tier := range tiers {
		most = money.Max(most, s.tiered(tier).MaxCost(b, at))
	}
	return most
}

// AffordableOutputOf is the AffordableOutput of a call that may be served with any of the tiers.
func (s Schedule) AffordableOutputOf(tiers []string, budget money.Amount, b usage.Bounds, at time.Time) (n int64, ok bool) {
	for _, tier := range tiers {
		if b.Completion, ok = s.tiered(tier).AffordableOutput(budget, b, at); !ok {
			return 0, false
		}
	}
	return max(b.Completion, 0), true
}

// tiered is For without a copy where there are no tiers: nearly always.
func (s Schedule) tiered(tier string) Schedule {
	for i := range s.Overrides {
		if s.Overrides[i].ServiceTier != "" {
			return s.For(tier)
		}
	}
	return s
}
