package journal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/journal"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

// TestThePastIsWhatWasAnsweredThen: whatever happens to wallets, what the journal says as of a moment is what it said at that
// moment, equals sums over the raw events, and balances; and replays in other batches give the same rows.
func TestThePastIsWhatWasAnsweredThen(t *testing.T) {
	t.Parallel()
	kit := pt.New(t, pgtest.New(t))
	kit.Now = time.Date(1971, 3, 4, 5, 6, 7, 0, time.UTC) // decades pass, and nothing may lie in the future
	last := uint64(1000)
	next := func() uuid.UUID { last++; return pt.ID(last) }
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, kit, next, t.Errorf)
		steps := w.steps()
		for range rapid.IntRange(20, 80).Draw(rt, "steps") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
		}
		w.observe()
		for i := range w.seen {
			w.checkAnswers(&w.seen[i])
		}
		w.checkSums(&w.seen[rapid.IntRange(0, len(w.seen)-1).Draw(rt, "moment")])
	})
	require.Greater(t, kit.Head(t.Context(), t), int64(1024), "more than one stretch")
	kit.Rebuilt(t.Context(), t, 17, journal.Projection{})
	kit.Rebuilt(t.Context(), t, 1500, journal.Projection{})
}

// seen is what the journal said at a moment: the answers as text, by what was asked.
type seen struct {
	position int64
	time     time.Time
	month    journal.Month
	live     map[string]string
}

func (w *world) observe() {
	w.kit.ToEnd(w.Context(), w, rapid.IntRange(1, 50).Draw(w.T, "batch"), journal.Projection{})
	s := seen{position: w.kit.Head(w.Context(), w), time: w.kit.Now, month: journal.MonthOf(w.kit.Now)}
	s.live = w.answers(&s, journal.AsOf{})
	w.seen = append(w.seen, s)
	w.kit.Now = w.kit.Now.Add(time.Microsecond) // nothing else happens at that time
}

func (w *world) accounts() []money.Account {
	all := []money.Account{"cash:stripe", "vendor:south:payable", money.RevenueUsage, money.Uncollectible, "cash:nobody"}
	for _, s := range w.wallets {
		all = append(all, journal.WalletAccount(s.ID), journal.HoldsAccount(s.ID))
	}
	return all
}

// answers asks everything as of a moment.
func (w *world) answers(s *seen, asOf journal.AsOf) map[string]string {
	out := map[string]string{}
	trial, err := w.query.TrialBalance(w.Context(), asOf, s.position)
	require.NoError(w, err)
	for currency, sum := range trial.Sums() {
		require.True(w, sum.IsZero(), "%s: %s", currency, sum)
	}
	out["trial balance"] = text(w, trial.Lines)
	for _, account := range w.accounts() {
		b, err := w.query.Balances(w.Context(), account, asOf, 0)
		require.NoError(w, err)
		out[string(account)] = text(w, b.ByCurrency)
	}
	month := s.month
	for range 2 { // this one and the next
		for _, one := range w.wallets {
			c, err := w.query.Close(w.Context(), one.ID, month, asOf, 0)
			key := fmt.Sprintf("close %s %s", one.ID, month)
			if err != nil {
				require.Equal(w, domain.CodeWalletNotFound, domain.CodeOf(err))
				out[key] = "none"
				continue
			}
			out[key] = text(w, c.Movements)
		}
		month = month.Next()
	}
	return out
}

func (w *world) checkAnswers(s *seen) {
	require.Equal(w, s.live, w.answers(s, journal.AsOf{Position: s.position}))
	require.Equal(w, s.live, w.answers(s, journal.AsOf{Time: s.time}))
}

// checkSums compares with sums over the raw events.
func (w *world) checkSums(s *seen) {
	raw, since := w.raw(0, s.position), w.raw(w.start, w.kit.Head(w.Context(), w))
	require.Equal(w, text(w, raw.sums), text(w, w.groups(s)))
	for _, one := range w.wallets {
		w.checkMonths(one.ID, since.months[one.ID])
		for month := range raw.months[one.ID] {
			got, err := w.query.Close(w.Context(), one.ID, month, journal.AsOf{Position: s.position}, 0)
			require.NoError(w, err)
			require.Equal(w, text(w, raw.months[one.ID][month]), text(w, got.Movements), "%s %s", one.ID, month)
			next, err := w.query.Close(w.Context(), one.ID, month.Next(), journal.AsOf{Position: s.position}, 0)
			require.NoError(w, err)
			require.Equal(w, text(w, got.Closing), text(w, next.Opening), "closing is the next opening")
			m := got.Movements
			require.True(w, m.Opening.Posted.Add(m.TopUps).Add(m.Grants).Add(m.Adjustments).Sub(m.Charges).Equal(m.Closing.Posted))
		}
	}
}

// checkMonths compares the list of a wallet's months, as it is now, with sums over its raw events.
func (w *world) checkMonths(id uuid.UUID, want map[journal.Month]*journal.Movements) {
	r := journal.ClosesRequest{WalletID: id, Limit: rapid.IntRange(1, 5).Draw(w.T, "limit")}
	listed := 0
	for first := true; first || r.Cursor != ""; first = false {
		p, err := w.query.Closes(w.Context(), r)
		require.NoError(w, err)
		for _, c := range p.Closes {
			require.Contains(w, want, c.Month)
			require.Equal(w, text(w, want[c.Month]), text(w, c.Movements), "%s %s", id, c.Month)
			listed++
		}
		r.Cursor = p.NextCursor
	}
	require.Len(w, want, listed)
}

// groups is the trial balance as of the moment, as sums by account and currency.
func (w *world) groups(s *seen) map[string]money.Amount {
	trial, err := w.query.TrialBalance(w.Context(), journal.AsOf{Position: s.position}, 0)
	require.NoError(w, err)
	out := map[string]money.Amount{}
	for _, line := range trial.Lines {
		out[string(line.Account)+" "+string(line.Currency)] = line.Balance
	}
	return out
}

// raw is what the events after a position and up to another come to, as plainly as it can be said.
type raw struct {
	sums   map[string]money.Amount
	months map[uuid.UUID]map[journal.Month]*journal.Movements
}

func (w *world) raw(after, position int64) raw {
	r := raw{sums: map[string]money.Amount{}, months: map[uuid.UUID]map[journal.Month]*journal.Movements{}}
	stored, err := w.kit.Store.Read(w.Context(), after, int(position-after))
	require.NoError(w, err)
	balances := map[string]wallet.Balances{}
	for _, e := range stored {
		data, err := w.kit.Registry.Decode(e.Type, e.Body)
		require.NoError(w, err)
		posting, ok := data.(wallet.Posting)
		if !ok {
			continue
		}
		currency, entry := posting.Posting()
		for _, account := range []string{"wallet:*", "hold:*"} {
			r.sums[account+" "+string(currency)] = r.sums[account+" "+string(currency)].Add(money.Zero())
		}
		for _, leg := range entry {
			account, _, _ := strings.Cut(string(leg.Account), ":")
			if account == "wallet" || account == "hold" {
				account += ":*"
			} else {
				account = string(leg.Account)
			}
			r.sums[account+" "+string(currency)] = r.sums[account+" "+string(currency)].Add(leg.Amount)
		}
		id := uuid.MustParse(e.StreamID.Identity())
		month := journal.MonthOf(e.RecordedAt)
		if r.months[id] == nil {
			r.months[id] = map[journal.Month]*journal.Movements{}
		}
		m := r.months[id][month]
		if m == nil {
			m = &journal.Movements{Currency: currency, Opening: balances[id.String()]}
			r.months[id][month] = m
		}
		m.Closing = tally(m, data)
		balances[id.String()] = m.Closing
	}
	return r
}

// tally counts an event and returns the balances that it states.
func tally(m *journal.Movements, data domain.Event) wallet.Balances {
	switch e := data.(type) {
	case wallet.ToppedUp:
		m.TopUps = m.TopUps.Add(e.Amount)
		return e.Balances
	case wallet.Granted:
		m.Grants = m.Grants.Add(e.Amount)
		return e.Balances
	case wallet.Adjusted:
		m.Adjustments = m.Adjustments.Add(e.Amount)
		return e.Balances
	case wallet.UsageCharged:
		m.Charges = m.Charges.Add(e.Debited())
		return e.Balances
	case wallet.HoldPlaced:
		return e.Balances
	case wallet.HoldReleased:
		return e.Balances
	case wallet.HoldExpired:
		return e.Balances
	}
	return m.Closing
}

// text compares by what is written: equal amounts have equal text.
func text(t require.TestingT, v any) string {
	body, err := json.Marshal(v)
	require.NoError(t, err)
	return string(body)
}
