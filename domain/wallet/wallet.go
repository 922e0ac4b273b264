// Package wallet is the prepaid wallet: money goes in by credits, is reserved by holds, and goes out by settlements.
//
// Rules (each number is in the name of the test that shows it):
//
//	W1  A wallet is opened once, in one currency, and nothing happens on a wallet that was not opened.
//	W2  available = posted − held, and none of the three is ever negative.
//	W3  Credits are above zero; an adjustment is not zero and takes at most what is available.
//	W4  A hold is placed only when its amount is at most what is available.
//	W5  A hold is placed only when, with the key's open holds and what it spent in the window, it stays within every
//	    cap of the key. Windows are UTC day, ISO week, month and total: pure functions of time, nothing is reset.
//	W6  A hold id is used once. A wallet knows the ids of open and of expired holds; those that were settled or
//	    released are kept by the log, where a hold's id is the id of the command that placed it.
//	W7  A hold ends exactly once: settled, released or expired. Only a settlement may follow an expiry (W10).
//	W8  A settlement charges exactly the sum of its line items. What the hold has too much returns to available.
//	W9  A charge above the hold takes the rest from available; what is not there goes to uncollectible.
//	W10 A settlement after expiry, at most LateSettlement later, takes all from available by W9.
//	W11 A hold past its expiry first becomes suspect and stays held; only after SuspectGrace does it expire.
//	    Extending a hold ends the suspicion.
//	W12 Every event that moves money has an entry whose legs sum to zero, and says the balances after it.
//	W13 A wallet has at most MaxOpenHolds open holds.
//	W14 A wallet belongs to at most one price group, never to the one that it is in already. A hold says whose price it pinned.
//	W15 A correction makes a charge what its true usage costs at the price that the charge was made at; nothing, when
//	    that usage is one that the customer is insured against. Charge and corrections together are that cost.
//	W16 What a correction adds is taken from available, and what is not there goes to uncollectible; what it takes off
//	    ends what was uncollectible first, and is given back for the rest.
//	W17 A correction counts in those windows of its key in which the charge was made, as long as they last, and in the
//	    total.
//	W18 A hold of a key that has a member stays within every cap of the member, too: with the open holds of all of the
//	    member's keys, and what they spent in the window. Settlements and corrections count for the member of the hold.
//	W19 A hold says with which key of the customer's the vendor is called, and at what part of the price, from 0 to 1. Its
//	    end and the corrections of its charge say the same, and what the vendor bills is then the customer's, not the platform's.
package wallet

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Kind is the stream kind of wallets.
const Kind = "wallet"

const (
	// SuspectGrace is how long a suspect hold waits for news of its call before it expires.
	SuspectGrace = 10 * time.Minute
	// LateSettlement is how long after expiry a settlement is still accepted.
	LateSettlement = 7 * 24 * time.Hour
	// MaxOpenHolds bounds a wallet's state.
	MaxOpenHolds = 100_000
	// MaxHoldTTL bounds how far ahead a hold may expire.
	MaxHoldTTL = 24 * time.Hour
)

// Stream is the stream id of a wallet.
func Stream(id uuid.UUID) domain.StreamID { return domain.NewStreamID(Kind, id.String()) }

// Hold is a reservation for one call.
type Hold struct {
	KeyID        uuid.UUID    `json:"key_id"`
	MemberID     uuid.UUID    `json:"member_id,omitzero"` // of the key, when it was placed
	Model        string       `json:"model"`
	Endpoint     string       `json:"endpoint"`
	PriceVersion uuid.UUID    `json:"price_version"`
	PriceGroup   string       `json:"price_group,omitempty"` // whose price that is
	OwnKey       *OwnKey      `json:"own_key,omitempty"`     // the customer's at the vendor
	Amount       money.Amount `json:"amount"`
	PlacedAt     time.Time    `json:"placed_at"`
	ExpiresAt    time.Time    `json:"expires_at"`
	SuspectSince time.Time    `json:"suspect_since,omitzero"`
	ExpiredAt    time.Time    `json:"expired_at,omitzero"` // set once the hold has expired
}

// KeySpend is what one key has spent and holds. Each window's amount counts only while its id is the current one.
type KeySpend struct {
	Held  money.Amount `json:"held"`
	Total money.Amount `json:"total"`
	Day   WindowSpend  `json:"day"`
	Week  WindowSpend  `json:"week"`
	Month WindowSpend  `json:"month"`
}

// WindowSpend is the spend inside the window of that id.
type WindowSpend struct {
	ID     int          `json:"id"`
	Amount money.Amount `json:"amount"`
}

func (w WindowSpend) in(id int) money.Amount {
	if w.ID != id {
		return money.Zero()
	}
	return w.Amount
}

func (w *WindowSpend) add(id int, a money.Amount) {
	if w.ID != id {
		*w = WindowSpend{ID: id}
	}
	w.Amount = addSpend(w.Amount, a)
}

// correct changes the spend of the window of that id, if it is still the one that counts.
func (w *WindowSpend) correct(id int, a money.Amount) {
	if w.ID == id {
		w.Amount = addSpend(w.Amount, a)
	}
}

// addSpend sums up spend, and stops at the largest amount that can be written: no cap is above it, so a key that has
// spent so much has reached all of its caps, and what it gets back is not known to bring it below.
func addSpend(a, b money.Amount) money.Amount {
	sum := a.Add(b)
	if sum.Check() != nil || a.Equal(money.Largest()) {
		return money.Largest()
	}
	return sum
}

// State is the folded wallet.
type State struct {
	ID       uuid.UUID               `json:"id"`
	Opened   bool                    `json:"opened"`
	Owner    string                  `json:"owner"`
	Currency money.Currency          `json:"currency"`
	Posted   money.Amount            `json:"posted"`
	Held     money.Amount            `json:"held"`
	Holds    map[uuid.UUID]*Hold     `json:"holds"`              // open, also suspect
	Expired  map[uuid.UUID]*Hold     `json:"expired"`            // expired within LateSettlement, and an hour or more
	ForgotAt time.Time               `json:"forgot_at,omitzero"` // when Expired was last looked through
	Keys     map[uuid.UUID]*KeySpend `json:"keys"`
	// Members have limits, or spent something. nil for none.
	Members map[uuid.UUID]*Member `json:"members,omitempty"`
	// PriceGroup is whose prices count, "" for the list's.
	PriceGroup string `json:"price_group,omitempty"`
}

// New is the state before the first event.
func New() *State {
	return &State{Holds: map[uuid.UUID]*Hold{}, Expired: map[uuid.UUID]*Hold{}, Keys: map[uuid.UUID]*KeySpend{}}
}

// Available is what new holds may take.
func (s *State) Available() money.Amount { return s.Posted.Sub(s.Held) }

// Account is the wallet's own account: its balance is what is available.
func (s *State) Account() money.Account { return accountOf(s.ID) }

func accountOf(id uuid.UUID) money.Account { return money.Account("wallet:" + id.String()) }

func holdAccount(id uuid.UUID) money.Account { return money.Account("hold:" + id.String()) }

// Check is rule W2; the executor refuses to commit a batch that breaks it.
func (s *State) Check() error {
	if s.Posted.Sign() < 0 || s.Held.Sign() < 0 || s.Available().Sign() < 0 {
		return domain.Errorf(domain.CodeInternal, "wallet %s: posted %s, held %s: below its floor", s.ID, s.Posted, s.Held)
	}
	return nil
}

func (s *State) opened() error {
	if !s.Opened {
		return domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	return nil
}

// open finds an open hold.
func (s *State) open(id uuid.UUID) (*Hold, error) {
	if err := s.opened(); err != nil {
		return nil, err
	}
	if h, ok := s.Holds[id]; ok {
		return h, nil
	}
	if _, ok := s.Expired[id]; ok {
		return nil, domain.Errorf(domain.CodeHoldClosed, "the hold has expired")
	}
	return nil, domain.Errorf(domain.CodeHoldNotFound, "no open hold of this id: it was never placed, or has been settled or released")
}

// Find returns a hold that can still be settled: open, or expired within LateSettlement.
func (s *State) Find(id uuid.UUID) (Hold, bool) {
	if h, ok := s.Holds[id]; ok {
		return *h, true
	}
	if h, ok := s.Expired[id]; ok {
		return *h, true
	}
	return Hold{}, false
}
