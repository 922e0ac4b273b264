package wallet

import (
	"bytes"
	"sort"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// ExpireHold decides what the log's clock says about one hold (W11): suspect first, expired after SuspectGrace. It
// refuses with hold_active while neither is due.
func (s *State) ExpireHold(id uuid.UUID, now time.Time) (Event, error) {
	h, err := s.open(id)
	if err != nil {
		return nil, err
	}
	switch {
	case h.SuspectSince.IsZero() && now.After(h.ExpiresAt):
		return HoldSuspected{HoldID: id}, nil
	case !h.SuspectSince.IsZero() && now.Sub(h.SuspectSince) > SuspectGrace:
		after, entry, err := s.dissolve(id, h)
		if err != nil {
			return nil, err
		}
		return HoldExpired{HoldID: id, KeyID: h.KeyID, Amount: h.Amount, Currency: s.Currency, Balances: after, Entry: entry}, nil
	}
	return nil, domain.Errorf(domain.CodeHoldActive, "the hold is neither past its expiry nor past its grace")
}

// Due lists at most limit holds that ExpireHold would act on now, in a fixed order.
func (s *State) Due(now time.Time, limit int) []uuid.UUID {
	var due []uuid.UUID
	for id, h := range s.Holds {
		if h.SuspectSince.IsZero() && now.After(h.ExpiresAt) || !h.SuspectSince.IsZero() && now.Sub(h.SuspectSince) > SuspectGrace {
			due = append(due, id)
		}
	}
	sort.Slice(due, func(i, j int) bool { return bytes.Compare(due[i][:], due[j][:]) < 0 })
	return due[:max(0, min(limit, len(due)))]
}
