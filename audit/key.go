package audit

import (
	"slices"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// key folds an event of an API key.
func (v *verifier) key(s *Step, stream *Stream, event apikey.Event) {
	k := stream.key
	if issued, ok := event.(apikey.Issued); ok {
		v.issue(s, stream, issued)
		return
	}
	if k == nil {
		v.report1(s.Row, KeyState, "a change of a key that was not issued")
		return
	}
	v.want(!k.Revoked, s, KeyState, "a change of a key that was revoked")
	k.UpdatedAt, k.UpdatedPosition = s.Row.RecordedAt, s.Row.Position
	switch e := event.(type) {
	case apikey.Issued: // above
	case apikey.Updated:
		k.Limits = e.Limits
	case apikey.Rotated:
		k.OldHash, k.OldHashUntil = k.Hash, e.OldHashUntil
		v.want(!k.Leaked || !e.OldHashUntil.After(s.Row.RecordedAt), s, KeyState, "the secret of the key leaked, and works on")
		k.Hash, k.Label, k.Leaked = e.Hash, e.Label, false
	case apikey.Disabled:
		v.want(!k.Disabled || e.Leaked && !k.Leaked, s, KeyState, "disables a key that is disabled")
		k.Disabled, k.DisabledReason, k.Leaked = true, e.Reason, k.Leaked || e.Leaked
	case apikey.Enabled:
		v.want(k.Disabled, s, KeyState, "enables a key that is not disabled")
		v.want(!k.Leaked, s, KeyState, "enables a key whose secret leaked")
		k.Disabled, k.DisabledReason = false, ""
	case apikey.Revoked:
		k.Revoked, k.RevokedReason = true, e.Reason
	case apikey.AppBound:
		v.bind(s, k, e.AppID)
	}
}

func (v *verifier) issue(s *Step, stream *Stream, e apikey.Issued) {
	if stream.key != nil {
		v.report1(s.Row, KeyState, "the key was issued at position %d already", stream.key.IssuedPosition)
		return
	}
	_, open := v.state.Wallets[e.WalletID]
	if !open {
		v.report1(s.Row, KeyState, "issued for the wallet %s, which is not open", e.WalletID)
	}
	k := &Key{
		ID: e.KeyID, Wallet: e.WalletID, Hash: e.Hash, Label: e.Label, Limits: e.Limits, Scope: e.Scope,
		IssuedAt: s.Row.RecordedAt, IssuedPosition: s.Row.Position, UpdatedAt: s.Row.RecordedAt, UpdatedPosition: s.Row.Position,
	}
	stream.key, v.state.Keys[k.ID] = k, k
}

// spend is the spend of a key, which need not have been issued.
func (v *verifier) spend(key [16]byte) *Spend {
	spend, ok := v.state.Spends[key]
	if !ok {
		spend = &Spend{}
		v.state.Spends[key] = spend
	}
	return spend
}

// checkKey checks that a key could place a hold: that it may call the model for this wallet now, and that its caps leave
// room. The hold is not yet part of its spend.
func (v *verifier) checkKey(s *Step, h *Hold) {
	k, e, now := v.state.Keys[h.Placed.KeyID], h.Placed, s.Row.RecordedAt
	if k == nil || k.Wallet != h.Wallet.ID {
		v.report1(s.Row, KeyUnusable, "the key %s was not issued for this wallet", e.KeyID)
		return
	}
	expired := !k.Limits.ExpiresAt.IsZero() && !k.Limits.ExpiresAt.After(now)
	if k.Revoked || k.Disabled || expired {
		v.report1(s.Row, KeyUnusable, "the key %s was revoked, disabled or expired", e.KeyID)
	}
	if len(k.Limits.Models) > 0 && !slices.Contains(k.Limits.Models, e.Model) {
		v.report1(s.Row, KeyUnusable,
			"the key %s may not call %s", e.KeyID, e.Model)
	}
	v.checkCaps(s, k.Limits.Caps, v.spend(k.ID), e.Amount, "the key "+name(k.ID))
	v.checkMember(s, h, k)
}

// checkCaps checks that a hold of an amount leaves a spend within caps; who is for people.
func (v *verifier) checkCaps(s *Step, caps wallet.Caps, spend *Spend, amount money.Amount, who string) {
	if caps.Day == nil && caps.Week == nil && caps.Month == nil && caps.Total == nil {
		return
	}
	day, week, month := days(s.Row.RecordedAt)
	for _, c := range [...]struct {
		window string
		most   *money.Amount
		spent  money.Amount
	}{
		{"day", caps.Day, spend.Day.spent(day)},
		{"week", caps.Week, spend.Week.spent(week)},
		{"month", caps.Month, spend.Month.spent(month)},
		{"total", caps.Total, spend.Total},
	} {
		if c.most == nil || amount.IsZero() {
			continue
		}
		if used := c.spent.Add(spend.Held).Add(amount); c.most.LessThan(used) {
			v.report1(s.Row, KeyCapExceeded, "with this hold %s comes to %s, its cap by %s is %s", who, used, c.window, c.most)
		}
	}
}
