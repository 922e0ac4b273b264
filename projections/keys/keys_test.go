package keys_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/keys"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

var w1, k1, h1, h2 = pt.ID(1), pt.ID(11), pt.ID(21), pt.ID(22)

func issued(id uuid.UUID) apikey.Issued {
	limit := pt.Money("7.5")
	return apikey.Issued{
		KeyID: id, WalletID: w1, Hash: apikey.HashSecret("first"), Label: "sk-mr-v1-0000…aaaa",
		Limits: apikey.Limits{
			Name: "n", Caps: wallet.Caps{Day: &limit}, Models: []string{"acme/one"},
			Rates: apikey.RateLimits{RequestsPerMinute: 60, TokensPerMinute: 1000, Parallel: 3},
		},
	}
}

func TestEventsBecomeKeys(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	first, second, third := apikey.HashSecret("first"), apikey.HashSecret("second"), apikey.HashSecret("third")
	rotated := apikey.Rotated{KeyID: k1, Hash: second, Label: "l2", OldHashUntil: until}
	for _, row := range []struct {
		name   string
		events []apikey.Event
		want   func(*keys.Key)
	}{
		{"issued", nil, func(*keys.Key) {}},
		{"updated", []apikey.Event{apikey.Updated{KeyID: k1, Limits: apikey.Limits{ExpiresAt: until}}}, func(k *keys.Key) { k.Limits = apikey.Limits{ExpiresAt: until} }},
		{"other rates", []apikey.Event{apikey.Updated{KeyID: k1, Limits: apikey.Limits{Rates: apikey.RateLimits{Parallel: 4}}}}, func(k *keys.Key) {
			k.Limits = apikey.Limits{Rates: apikey.RateLimits{Parallel: 4}}
		}},
		{"rotated", []apikey.Event{rotated}, func(k *keys.Key) { k.Hash, k.Label, k.OldHash, k.OldHashUntil = second, "l2", first, until }},
		{"rotated twice", []apikey.Event{rotated, apikey.Rotated{KeyID: k1, Hash: third, Label: "l3", OldHashUntil: until.Add(time.Hour)}}, func(k *keys.Key) {
			k.Hash, k.Label, k.OldHash, k.OldHashUntil = third, "l3", second, until.Add(time.Hour)
		}},
		{"disabled", []apikey.Event{apikey.Disabled{KeyID: k1, Reason: "leak"}}, func(k *keys.Key) { k.Disabled, k.DisabledReason = true, "leak" }},
		{"enabled again", []apikey.Event{apikey.Disabled{KeyID: k1, Reason: "leak"}, apikey.Enabled{KeyID: k1}}, func(*keys.Key) {}},
		{"bound", []apikey.Event{apikey.AppBound{KeyID: k1, AppID: pt.ID(31)}}, func(k *keys.Key) { k.AppID = pt.ID(31) }},
		{"bound to another", []apikey.Event{apikey.AppBound{KeyID: k1, AppID: pt.ID(31)}, apikey.AppBound{KeyID: k1, AppID: pt.ID(32)}}, func(k *keys.Key) {
			k.AppID = pt.ID(32)
		}},
		{"freed", []apikey.Event{apikey.AppBound{KeyID: k1, AppID: pt.ID(31)}, apikey.AppBound{KeyID: k1}}, func(*keys.Key) {}},
		{"revoked", []apikey.Event{apikey.Revoked{KeyID: k1, Reason: "gone"}}, func(k *keys.Key) { k.Revoked, k.RevokedReason = true, "gone" }},
	} {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in one batch: %t", row.name, together), func(t *testing.T) {
				t.Parallel()
				k := pt.New(t, pgtest.New(t))
				start := k.Now
				k.Append(t.Context(), t, pt.Key(k1, issued(k1)))
				if !together {
					k.ToEnd(t.Context(), t, 0, keys.Projection{})
				}
				for _, e := range row.events {
					k.Now = k.Now.Add(time.Second)
					k.Append(t.Context(), t, pt.Key(k1, e))
				}
				k.Twice(t.Context(), t, keys.Projection{})
				i := issued(k1)
				want := keys.Key{ID: k1, WalletID: w1, Label: i.Label, Hash: i.Hash, Limits: i.Limits, IssuedAt: start, UpdatedAt: k.Now}
				want.LastPosition = int64(1 + len(row.events))
				want.Position, want.AsOf = want.LastPosition, k.Now
				row.want(&want)
				got, err := keys.NewQuery(k.Pool).Key(t.Context(), k1, want.Position)
				require.NoError(t, err)
				require.Equal(t, shown(t, want), shown(t, got))
			})
		}
	}
}

// shown is a key as JSON: amounts of equal value have equal text.
func shown(t *testing.T, k keys.Key) string {
	t.Helper()
	body, err := json.MarshalIndent(k, "", " ")
	require.NoError(t, err)
	return string(body)
}

func TestSpendIsKeptByWindow(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	k.Append(t.Context(), t, pt.Key(k1, issued(k1)))
	charge := func(at time.Time, amount string) {
		k.Now = at
		k.Append(t.Context(), t, pt.Wallet(w1, pt.Placed(h1, k1, amount, at.Add(time.Hour), pt.After("9", amount)), pt.Charged(h1, k1, amount, amount, pt.After("9", "0"))))
	}
	friday := time.Date(2026, 5, 29, 23, 59, 59, 999_999_000, time.UTC)
	charge(friday, "1")
	charge(friday.Add(time.Microsecond), "0.2")                      // Saturday: another day
	charge(time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC), "0.03")    // Sunday: still the week and the month
	charge(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "0.004")     // Monday: another week, another month
	charge(time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC), "0.0005")    // Wednesday
	charge(time.Date(2026, 6, 3, 23, 59, 0, 0, time.UTC), "0.00006") // Wednesday
	k.Now = k.Now.Add(30 * time.Second)
	over := pt.Charged(h2, k1, "5", "0", pt.After("8", "0.125"))
	over.Late, over.Uncollectible = true, pt.Money("4.9")
	k.Append(t.Context(), t, pt.Wallet(w1, pt.Placed(h1, k1, "0.125", k.Now, pt.After("9", "0.125")), over))
	used := k.Now
	k.Twice(t.Context(), t, keys.Projection{})
	got, err := keys.NewQuery(k.Pool).Key(t.Context(), k1, 0)
	require.NoError(t, err)
	require.Equal(t, used, got.LastUsedAt)
	for _, row := range []struct {
		at                     time.Time
		day, week, month, held string
	}{
		{k.Now, "0.10056", "0.10456", "0.10456", "0.125"},
		{time.Date(2026, 6, 4, 0, 0, 0, 0, time.UTC), "0", "0.10456", "0.10456", "0.125"},
		{time.Date(2026, 6, 8, 0, 0, 0, 0, time.FixedZone("", 3600)), "0", "0.10456", "0.10456", "0.125"}, // Sunday in UTC
		{time.Date(2026, 6, 8, 0, 0, 0, 0, time.UTC), "0", "0", "0.10456", "0.125"},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "0", "0", "0", "0.125"},
		{time.Date(2027, 6, 3, 0, 0, 0, 0, time.UTC), "0", "0", "0", "0.125"},
	} {
		s := got.Spend.At(row.at)
		require.Equal(t, []string{"1.33456", row.day, row.week, row.month, row.held},
			[]string{s.Total.String(), s.Day.String(), s.Week.String(), s.Month.String(), s.Held.String()}, "%s", row.at)
	}
	k.Append(t.Context(), t, pt.Wallet(w1,
		wallet.HoldReleased{HoldID: h1, KeyID: k1, Amount: pt.Money("0.1"), Reason: "r", Currency: money.USD, Balances: pt.After("8", "0.025")},
		wallet.HoldExpired{HoldID: h2, KeyID: k1, Amount: pt.Money("0.025"), Currency: money.USD, Balances: pt.After("8", "0")}))
	k.Twice(t.Context(), t, keys.Projection{})
	got, err = keys.NewQuery(k.Pool).Key(t.Context(), k1, 0)
	require.NoError(t, err)
	require.Equal(t, "0", got.Spent.Held.String())
	require.Equal(t, "1.33456", got.Spent.Total.String())
}

func TestKeysArePagedByWallet(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	var newest []uuid.UUID
	for n := range uint64(5) {
		k.Append(t.Context(), t, pt.Key(pt.ID(n+1), issued(pt.ID(n+1))))
		newest = append([]uuid.UUID{pt.ID(n + 1)}, newest...)
	}
	k.ToEnd(t.Context(), t, 2, keys.Projection{})
	q := keys.NewQuery(k.Pool)
	for limit := 1; limit <= 6; limit++ {
		var got []uuid.UUID
		cursor := ""
		for first := true; first || cursor != ""; first = false {
			p, err := q.ByWallet(t.Context(), w1, keys.Request{Limit: limit, Cursor: cursor})
			require.NoError(t, err)
			require.Equal(t, int64(5), p.Position)
			for _, key := range p.Keys {
				got = append(got, key.ID)
				require.Equal(t, p.At, key.At)
			}
			cursor = p.NextCursor
		}
		require.Equal(t, newest, got)
	}
	p, err := q.ByWallet(t.Context(), pt.ID(77), keys.Request{})
	require.NoError(t, err)
	require.Empty(t, p.Keys)
	_, err = q.Key(t.Context(), pt.ID(77), 0)
	require.Equal(t, domain.CodeKeyNotFound, domain.CodeOf(err))
	for name, r := range map[string]keys.Request{"limit": {Limit: 1001}, "negative": {Limit: -5}, "cursor": {Cursor: "..."}} {
		_, err := q.ByWallet(t.Context(), w1, r)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
}

func TestChangedKeysAreThoseThatAnEventChanged(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	other := pt.ID(12)
	k.Append(t.Context(), t, pt.Key(k1, issued(k1)), pt.Key(other, issued(other)))
	k.Append(t.Context(), t, pt.Wallet(w1, pt.Placed(h1, k1, "1", k.Now, pt.After("5", "1"))))
	k.Append(t.Context(), t, pt.Key(other, apikey.Disabled{KeyID: other, Reason: "leak"}))
	k.Twice(t.Context(), t, keys.Projection{})
	q := keys.NewQuery(k.Pool)
	for after, want := range map[int64][]uuid.UUID{0: {k1, other}, 1: {other}, 2: {other}, 3: {other}, 4: nil, 9: nil} {
		got, at, err := q.Changed(t.Context(), after)
		require.NoError(t, err)
		require.Equal(t, want, got, "after %d", after)
		require.Equal(t, int64(4), at.Position)
	}
}
