package wallet

import "github.com/massrouter/massrouter/domain"

// RateLimits bound how fast calls come, whatever they cost. Zero is no limit.
type RateLimits struct {
	RequestsPerMinute int64 `json:"requests_per_minute,omitempty"` // calls; at most MaxPerMinute
	TokensPerMinute   int64 `json:"tokens_per_minute,omitempty"`   // prompt and completion tokens; at most MaxPerMinute
	Parallel          int64 `json:"parallel,omitempty"`            // calls under way at the same time; at most MaxParallel
}

// Bounds of the rate limits.
const (
	MaxPerMinute = 1_000_000_000
	MaxParallel  = 100_000
)

// Check refuses limits outside of their bounds with code invalid_request.
func (r RateLimits) Check() error {
	for _, limit := range []struct {
		name    string
		n, most int64
	}{
		{"requests_per_minute", r.RequestsPerMinute, MaxPerMinute},
		{"tokens_per_minute", r.TokensPerMinute, MaxPerMinute},
		{"parallel", r.Parallel, MaxParallel},
	} {
		if limit.n < 0 || limit.n > limit.most {
			return domain.Errorf(domain.CodeInvalid, "%s is between 0, for no limit, and %d", limit.name, limit.most)
		}
	}
	return nil
}

// RateLimitsSet replaces the rate limits of a wallet, which all of its calls share.
type RateLimitsSet struct {
	Rates RateLimits `json:"rate_limits,omitzero"` // without limits when missing
}

// EventType is the stored name.
func (RateLimitsSet) EventType() string { return "wallet.rate_limits_set.v1" }

func (RateLimitsSet) wallet() {}

// SetRateLimits replaces the wallet's rate limits whole. Keeping them is the gateway's part.
type SetRateLimits struct {
	Rates RateLimits
}

// SetRateLimits decides a SetRateLimits. Errors: wallet_not_found, invalid_request.
func (s *State) SetRateLimits(c SetRateLimits) (RateLimitsSet, error) {
	if err := s.opened(); err != nil {
		return RateLimitsSet{}, err
	}
	return RateLimitsSet(c), c.Rates.Check()
}
