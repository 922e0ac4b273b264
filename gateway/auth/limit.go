package auth

import (
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/limit"
)

// The kinds of scopes that bound a call.
const (
	ScopeKey    = "key"
	ScopeMember = "member"
	ScopeWallet = "wallet"
)

// Scopes is what bounds how fast the key may be used: its own limits, those of its member and those of its wallet; nil when nothing does.
func (k Key) Scopes() []limit.Scope {
	key, member, all := limitsOf(k.Limits.Rates), limitsOf(k.MemberRates), limitsOf(k.WalletRates)
	if key.None() && member.None() && all.None() {
		return nil
	}
	scopes := make([]limit.Scope, 0, 3) //nolint:mnd // the key, the member, the wallet
	if !key.None() {
		scopes = append(scopes, limit.Scope{Kind: ScopeKey, ID: k.ID.String(), Limits: key})
	}
	if !member.None() {
		scopes = append(scopes, limit.Scope{Kind: ScopeMember, ID: k.WalletID.String() + "/" + k.Limits.MemberID.String(), Limits: member})
	}
	if !all.None() {
		scopes = append(scopes, limit.Scope{Kind: ScopeWallet, ID: k.WalletID.String(), Limits: all})
	}
	return scopes
}

func limitsOf(r wallet.RateLimits) limit.Limits {
	return limit.Limits{Requests: r.RequestsPerMinute, Tokens: r.TokensPerMinute, Parallel: r.Parallel}
}
