package reviews_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/reviews"
)

var w1, k1 = pt.ID(1), pt.ID(11)

// suspect is a charge that failed a check.
func suspect(n uint64, vendor, reason string) wallet.UsageCharged {
	e := pt.Charged(pt.ID(n), k1, "0.5", "1", pt.After("9", "0"))
	e.Vendor, e.Provenance, e.Call.Suspect, e.Call.SuspectReason = vendor, usage.Estimated, true, reason
	return e
}

func reviewed(id uuid.UUID, d charge.Decision, reason string) []pt.Fact {
	return []pt.Fact{{Stream: charge.Stream(id), Event: charge.Reviewed{GenerationID: id, WalletID: w1, Decision: d, Reason: reason}}}
}

func TestSuspectChargesAreListedUntilDecided(t *testing.T) {
	t.Parallel()
	for _, apart := range []bool{false, true} {
		k := pt.New(t, pgtest.New(t))
		fine := pt.Charged(pt.ID(100), k1, "0.5", "1", pt.After("9", "0"))
		a, b, c := suspect(101, "north", "usage_missing"), suspect(102, "south", ""), suspect(103, "north", "usage_zero")
		begin := k.Now
		k.Append(t.Context(), t, pt.Wallet(w1, fine, a, b, c))
		if apart {
			k.ToEnd(t.Context(), t, 1, reviews.Projection{})
		}
		k.Now = k.Now.Add(time.Minute)
		k.Append(t.Context(), t, reviewed(a.HoldID, charge.Accept, "as invoiced"),
			pt.Wallet(w1, pt.Corrected(b, b.Bill(), 1, begin, "0.25", "0", pt.After("9.25", "0")), pt.Corrected(fine, fine.Bill(), 1, begin, "0.1", "0", pt.After("9.65", "0"))))
		k.Twice(t.Context(), t, reviews.Projection{})
		q := reviews.NewQuery(k.Pool)
		all, err := q.List(t.Context(), reviews.Request{MinPosition: 7})
		require.NoError(t, err)
		require.Equal(t, int64(1), all.Open)
		require.Equal(t, int64(2), all.Resolved)
		require.Len(t, all.Reviews, 3)
		open := all.Reviews[0]
		require.Equal(t, reviews.Review{
			GenerationID: c.HoldID, WalletID: w1, KeyID: k1, Model: c.Model, Endpoint: c.Endpoint, Vendor: "north", Currency: "USD", Reason: "usage_zero",
			Provenance: usage.Estimated, ChargedAt: begin, Position: 4, Charge: open.Charge, Corrected: open.Corrected, State: reviews.Open,
		}, open)
		require.Equal(t, "0.5", open.Charge.String())
		corrected := all.Reviews[1]
		require.Equal(t, b.HoldID, corrected.GenerationID)
		require.Equal(t, reviews.Unknown, corrected.Reason)
		require.Equal(t, charge.Correct, corrected.Decision)
		require.Equal(t, "0.25", corrected.Corrected.String())
		accepted := all.Reviews[2]
		require.Equal(t, []any{charge.Accept, "system:test", "as invoiced", k.Now, "0.5"},
			[]any{accepted.Decision, accepted.DecidedBy, accepted.DecidedWhy, accepted.DecidedAt, accepted.Corrected.String()})
	}
}

func TestFiltersAndPages(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	begin := k.Now
	for n := range uint64(6) {
		e := suspect(100+n, []string{"north", "south"}[n%2], []string{"usage_missing", "usage_zero", "usage_negative"}[n%3])
		k.Append(t.Context(), t, pt.Wallet(w1, e))
		k.Now = k.Now.Add(time.Minute)
	}
	k.Append(t.Context(), t, reviewed(pt.ID(100), charge.Accept, "fine"))
	k.ToEnd(t.Context(), t, 0, reviews.Projection{})
	q := reviews.NewQuery(k.Pool)
	other := pt.ID(2)
	for name, row := range map[string]struct {
		reviews.Request
		ids            []uint64
		open, resolved int64
	}{
		"all":          {reviews.Request{}, []uint64{105, 104, 103, 102, 101, 100}, 5, 1},
		"open":         {reviews.Request{State: reviews.Open}, []uint64{105, 104, 103, 102, 101}, 5, 1},
		"resolved":     {reviews.Request{State: reviews.Resolved}, []uint64{100}, 5, 1},
		"vendor":       {reviews.Request{Vendor: "north"}, []uint64{104, 102, 100}, 2, 1},
		"reason":       {reviews.Request{Reason: "usage_zero", State: reviews.Open}, []uint64{104, 101}, 2, 0},
		"model":        {reviews.Request{Model: "acme/two"}, nil, 0, 0},
		"other wallet": {reviews.Request{WalletID: &other}, nil, 0, 0},
		"time":         {reviews.Request{From: begin.Add(time.Minute), To: begin.Add(3 * time.Minute)}, []uint64{102, 101}, 2, 0},
	} {
		var got []uint64
		r := row.Request
		for r.Limit = 2; ; {
			p, err := q.List(t.Context(), r)
			require.NoError(t, err, name)
			require.Equal(t, []int64{row.open, row.resolved}, []int64{p.Open, p.Resolved}, name)
			for _, review := range p.Reviews {
				got = append(got, uint64(review.GenerationID[15]))
			}
			if r.Cursor = p.NextCursor; r.Cursor == "" {
				break
			}
		}
		require.Equal(t, row.ids, got, name)
	}
	for name, r := range map[string]reviews.Request{
		"state": {State: "done"}, "cursor": {Cursor: "x"}, "limit": {Limit: 1001}, "range": {From: begin, To: begin.Add(-time.Hour)}, "text": {Vendor: "a\x00"},
	} {
		_, err := q.List(t.Context(), r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}
