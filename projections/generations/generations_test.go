package generations_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/page"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

var w1, w2, k1, h1 = pt.ID(1), pt.ID(2), pt.ID(11), pt.ID(21)

func TestEventsBecomeGenerations(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	charged := pt.Charged(h1, k1, "1.5", "3", pt.After("3.5", "0"))
	late := pt.Charged(h1, k1, "1.5", "0", pt.After("4", "0"))
	late.Late, late.Uncollectible = true, pt.Money("0.5")
	released := wallet.HoldReleased{
		HoldID: h1, KeyID: k1, Model: "acme/one", Endpoint: "acme/one@north", Amount: pt.Money("3"), Reason: "upstream_failed",
		Call: wallet.Call{Attempts: 2, Error: "vendor_overloaded"}, Currency: money.USD, Balances: pt.After("5", "0"),
	}
	expired := wallet.HoldExpired{HoldID: h1, KeyID: k1, Amount: pt.Money("3"), Currency: money.USD, Balances: pt.After("5", "0")}
	extended := wallet.HoldExtended{HoldID: h1, ExpiresAt: expires.Add(time.Hour)}
	isCharged := func(g *generations.Generation, e wallet.UsageCharged) {
		g.State, g.Vendor, g.Charge, g.Debited, g.Uncollectible, g.VendorCost = generations.Charged, e.Vendor, e.Charge, e.Debited(), e.Uncollectible, e.VendorCost
		g.Usage, g.Provenance, g.LineItems, g.Call, g.Late = e.Usage, e.Provenance, e.LineItems, e.Call, e.Late
		g.ChargePosition = g.EndPosition
	}
	for _, row := range []struct {
		name   string
		events []wallet.Event
		ended  bool
		want   func(*generations.Generation)
	}{
		{"running", nil, false, func(*generations.Generation) {}},
		{"extended", []wallet.Event{extended}, false, func(g *generations.Generation) { g.ExpiresAt = extended.ExpiresAt }},
		{"suspect", []wallet.Event{wallet.HoldSuspected{HoldID: h1}}, false, func(g *generations.Generation) { g.State = generations.Suspect }},
		{"suspect no more", []wallet.Event{wallet.HoldSuspected{HoldID: h1}, extended}, false, func(g *generations.Generation) { g.ExpiresAt = extended.ExpiresAt }},
		{"charged", []wallet.Event{charged}, true, func(g *generations.Generation) { isCharged(g, charged) }},
		{"extended and charged", []wallet.Event{extended, charged}, true, func(g *generations.Generation) { g.ExpiresAt = extended.ExpiresAt; isCharged(g, charged) }},
		{"released", []wallet.Event{released}, true, func(g *generations.Generation) {
			g.State, g.ReleaseReason, g.Call = generations.Released, "upstream_failed", released.Call
		}},
		{"expired", []wallet.Event{wallet.HoldSuspected{HoldID: h1}, expired}, true, func(g *generations.Generation) { g.State = generations.Expired }},
		{"charged late", []wallet.Event{wallet.HoldSuspected{HoldID: h1}, expired, late}, true, func(g *generations.Generation) { isCharged(g, late) }},
	} {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in one batch: %t", row.name, together), func(t *testing.T) {
				t.Parallel()
				k := pt.New(t, pgtest.New(t))
				placed := pt.Placed(h1, k1, "3", expires, pt.After("5", "3"))
				start := k.Now
				k.Append(t.Context(), t, pt.Wallet(w1, placed))
				if !together {
					k.ToEnd(t.Context(), t, 0, generations.Projection{})
				}
				for _, e := range row.events {
					k.Now = k.Now.Add(time.Second)
					k.Append(t.Context(), t, pt.Wallet(w1, e))
				}
				k.Twice(t.Context(), t, generations.Projection{})
				want := generations.Generation{
					ID: h1, WalletID: w1, KeyID: k1, Model: placed.Model, Endpoint: placed.Endpoint, State: generations.Running, PriceVersion: placed.PriceVersion,
					Currency: money.USD, HoldAmount: placed.Amount, MaxPromptTokens: 100, MaxCompletionTokens: 200, PlacedAt: start, ExpiresAt: expires, HoldPosition: 1,
				}
				want.Position, want.AsOf = int64(1+len(row.events)), k.Now
				if row.ended {
					want.EndedAt, want.EndPosition = k.Now, want.Position
				}
				row.want(&want)
				got, err := generations.NewQuery(k.Pool).Generation(t.Context(), h1, &w1, want.Position)
				require.NoError(t, err)
				require.Equal(t, shown(t, want), shown(t, got))
			})
		}
	}
}

// shown is a generation as JSON: amounts of equal value have equal text.
func shown(t *testing.T, g generations.Generation) string {
	t.Helper()
	body, err := json.MarshalIndent(g, "", " ")
	require.NoError(t, err)
	return string(body)
}

func TestAGenerationBelongsToItsWallet(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, pt.Wallet(w1, pt.Placed(h1, k1, "3", k.Now, pt.After("5", "3"))))
	k.ToEnd(t.Context(), t, 0, generations.Projection{})
	q := generations.NewQuery(k.Pool)
	for name, row := range map[string]struct {
		id     uuid.UUID
		wallet *uuid.UUID
		code   domain.Code
	}{
		"own": {h1, &w1, ""}, "any": {h1, nil, ""}, "another's": {h1, &w2, domain.CodeNotFound}, "none": {pt.ID(99), nil, domain.CodeNotFound},
	} {
		_, err := q.Generation(t.Context(), row.id, row.wallet, 0)
		require.Equal(t, row.code, domain.CodeOf(err), name)
	}
}

func TestAHoldThatIsMissingStopsTheProjection(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.HoldSuspected{HoldID: h1}))
	err := k.Runner(runner.Options{}, generations.Projection{}).ToEnd(t.Context())
	require.ErrorContains(t, err, "does not fit the log")
}

func TestGenerationsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	start := k.Now
	// Two calls at each second: wallet, key and model take turns.
	for n := range uint64(12) {
		k.Now = start.Add(time.Duration(n/2) * time.Second)
		e := pt.Placed(pt.ID(100+n), pt.ID(11+n%3), "1", k.Now, pt.After("5", "3"))
		e.Model = []string{"acme/one", "acme/two"}[n/4%2]
		k.Append(t.Context(), t, pt.Wallet(pt.ID(1+n%2), e))
	}
	k.ToEnd(t.Context(), t, 5, generations.Projection{})
	q := generations.NewQuery(k.Pool)
	second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for _, row := range []struct {
		name     string
		request  generations.Request
		expected []int64 // hold positions
	}{
		{"all", generations.Request{}, []int64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"wallet", generations.Request{WalletID: &w1}, []int64{11, 9, 7, 5, 3, 1}},
		{"key", generations.Request{KeyID: &k1}, []int64{10, 7, 4, 1}},
		{"wallet and key", generations.Request{WalletID: &w2, KeyID: &k1}, []int64{10, 4}},
		{"model", generations.Request{Model: "acme/two"}, []int64{8, 7, 6, 5}},
		{"wallet and model", generations.Request{WalletID: &w1, Model: "acme/one"}, []int64{11, 9, 3, 1}},
		{"from is inclusive, to exclusive", generations.Request{From: second(1), To: second(3)}, []int64{6, 5, 4, 3}},
		{"everything", generations.Request{WalletID: &w1, KeyID: &k1, Model: "acme/two", From: second(2), To: second(4)}, []int64{7}},
		{"nothing", generations.Request{KeyID: &h1}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for limit := 1; limit <= 13; limit++ {
				var got []int64
				r := row.request
				r.Limit = limit
				for first := true; first || r.Cursor != ""; first = false {
					p, err := q.List(t.Context(), r)
					require.NoError(t, err)
					require.Equal(t, int64(12), p.Position)
					for _, g := range p.Generations {
						got = append(got, g.HoldPosition)
					}
					r.Cursor = p.NextCursor
				}
				require.Equal(t, row.expected, got, "in pages of %d", limit)
			}
		})
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	q := generations.NewQuery(pgtest.New(t))
	now := time.Now()
	for name, r := range map[string]generations.Request{
		"negative limit": {Limit: -1}, "limit": {Limit: 1001}, "cursor": {Cursor: "!"}, "foreign cursor": {Cursor: page.Encode("statement", 3, 4)},
		"far cursor": {Cursor: page.Encode("generations", 1<<62, 1)}, "model": {Model: "a\x00"}, "backwards": {From: now, To: now.Add(-1)},
	} {
		_, err := q.List(t.Context(), r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
	_, err := q.List(t.Context(), generations.Request{})
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err), "before the first run")
}
