package audit

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// wallet folds an event of a wallet by its legs.
func (v *verifier) wallet(s *Step, stream *Stream, event wallet.Event) {
	w := stream.wallet
	if opened, ok := event.(wallet.Opened); ok {
		v.open(s, stream, opened)
		return
	}
	if w == nil {
		v.report1(s.Row, WalletNotOpen, "an event of a wallet that was not opened")
		w = v.newWallet(s, stream, idOf(s))
		w.drift.unknown = true
	}
	s.Wallet, s.PostedBefore, w.Position = w, w.Posted(), s.Row.Position
	v.holdEvent(s, w, event)
	v.terms(s, w, event)
	if _, moves := event.(wallet.Posting); !moves {
		return
	}
	before, currency := w.Available, s.Currency
	v.post(s)
	switch e := event.(type) {
	case wallet.ToppedUp:
		v.credit(s, currency, e.Amount, e.Balances)
	case wallet.Granted:
		v.credit(s, currency, e.Amount, e.Balances)
	case wallet.Adjusted:
		v.credit(s, currency, e.Amount, e.Balances)
	case wallet.HoldPlaced:
		v.settleBalances(s, currency, e.Balances)
	case wallet.UsageCharged:
		v.charged(s, &e, before)
		v.remember(s, &e)
		v.settleBalances(s, currency, e.Balances)
	case wallet.ChargeCorrected:
		v.corrected(s, &e, before)
		v.settleBalances(s, currency, e.Balances)
	case wallet.HoldReleased:
		v.borne(s, &e)
		v.settleBalances(s, currency, e.Balances)
	case wallet.HoldExpired:
		v.settleBalances(s, currency, e.Balances)
	case wallet.Opened, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet: // they move nothing
	}
}

// idOf is the identity of a stream that is keyed by a UUID; zero when it is none.
func idOf(s *Step) [16]byte {
	var id domain.CommandID
	if err := id.UnmarshalText([]byte(s.Row.StreamID.Identity())); err != nil {
		return [16]byte{}
	}
	return id
}

// newWallet makes the wallet of a stream.
func (v *verifier) newWallet(s *Step, stream *Stream, id [16]byte) *Wallet {
	w := &Wallet{
		ID: id, OpenedAt: s.Row.RecordedAt, OpenedPosition: s.Row.Position, Position: s.Row.Position,
		account: "wallet:" + money.Account(s.Row.StreamID.Identity()),
	}
	stream.wallet, v.state.Wallets[id] = w, w
	return w
}

func (v *verifier) open(s *Step, stream *Stream, e wallet.Opened) {
	if stream.wallet != nil {
		v.report1(s.Row, WalletReopened, "the wallet was opened at position %d already", stream.wallet.OpenedPosition)
		return
	}
	if !validCurrency(e.Currency) {
		v.report1(s.Row, CurrencyMismatch, "the currency is %q", string(e.Currency))
	}
	w := v.newWallet(s, stream, e.WalletID)
	w.Owner, w.Currency, s.Wallet = e.Owner, e.Currency, w
}

func validCurrency(c money.Currency) bool {
	if len(c) != len("USD") {
		return false
	}
	for _, letter := range []byte(c) {
		if letter < 'A' || letter > 'Z' {
			return false
		}
	}
	return true
}

// post adds the legs of an entry to the accounts.
func (v *verifier) post(s *Step) {
	rest, currency := money.Zero(), s.Currency
	for i := range s.Entry {
		leg := &s.Entry[i]
		rest = rest.Add(leg.Amount)
		switch {
		case leg.Account == s.Wallet.account:
			s.Wallet.Available = s.Wallet.Available.Add(leg.Amount)
		case s.Hold != nil && isHold(leg.Account, s.Hold.ID):
			s.Wallet.Held = s.Wallet.Held.Add(leg.Amount)
			s.Hold.Balance = s.Hold.Balance.Add(leg.Amount)
		default:
			at := account{leg.Account, currency}
			v.house[at] = v.house[at].Add(leg.Amount)
		}
	}
	if !rest.IsZero() {
		v.trial[currency] = v.trial[currency].Add(rest)
		if !v.trial[currency].IsZero() {
			v.report1(s.Row, TrialBalance, "from here on the trial balance is %s %s", v.trial[currency], currency)
		}
	}
}

func (v *verifier) credit(s *Step, currency money.Currency, amount money.Amount, stated wallet.Balances) {
	s.Wallet.Credited = s.Wallet.Credited.Add(amount)
	v.settleBalances(s, currency, stated)
}

// settleBalances compares what the event states with the sums of the legs, and checks the wallet's floor.
func (v *verifier) settleBalances(s *Step, currency money.Currency, stated wallet.Balances) {
	w := s.Wallet
	if currency != w.Currency && w.Currency != "" {
		v.report1(s.Row, CurrencyMismatch, "an entry in %s on a wallet in %s", currency, w.Currency)
	}
	posted, held := stated.Posted.Sub(w.Posted()), stated.Held.Sub(w.Held)
	switch d := &w.drift; {
	case posted.IsZero() && held.IsZero():
		*d = drift{}
	case d.unknown || d.seen && d.posted.Equal(posted) && d.held.Equal(held):
		w.Available, w.Held = stated.Posted.Sub(stated.Held), stated.Held
		*d = drift{}
	default:
		v.report1(s.Row, BalanceMismatch, "states posted %s, held %s; the legs so far give %s and %s",
			stated.Posted, stated.Held, w.Posted(), w.Held)
		*d = drift{posted: posted, held: held, seen: true}
	}
	if w.Available.Sign() < 0 || w.Held.Sign() < 0 {
		v.report1(s.Row, WalletNegative, "the wallet has %s available and %s held", w.Available, w.Held)
	}
}
