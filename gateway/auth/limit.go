package auth

import "github.com/massrouter/massrouter/gateway/limit"

// Scopes is what bounds how fast the key may be used; nil when nothing does.
func (k Key) Scopes() []limit.Scope {
	r := k.Limits.Rates
	limits := limit.Limits{Requests: r.RequestsPerMinute, Tokens: r.TokensPerMinute, Parallel: r.Parallel}
	if limits.None() {
		return nil
	}
	return []limit.Scope{{Kind: "key", ID: k.ID.String(), Limits: limits}}
}
