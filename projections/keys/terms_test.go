package keys_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/keys"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

func TestAKeyHasThePriceGroupOfItsWallet(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	other, foreign := pt.ID(12), pt.ID(13)
	elsewhere := issued(foreign)
	elsewhere.WalletID = pt.ID(2)
	k.Append(t.Context(), t, pt.Key(k1, issued(k1)), pt.Key(other, issued(other)), pt.Key(foreign, elsewhere)) // 1 to 3
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.PriceGroupSet{Group: "partners"}))                           // 4
	k.Now = k.Now.Add(time.Hour)
	k.Append(t.Context(), t, pt.Wallet(pt.ID(2), wallet.PriceGroupSet{Group: "resellers"})) // 5
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.PriceGroupSet{}))                         // 6
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.PriceGroupSet{Group: "friends"}))         // 7
	k.Twice(t.Context(), t, keys.Projection{})
	k.Rebuilt(t.Context(), t, 2, keys.Projection{})
	q := keys.NewQuery(k.Pool)
	for id, want := range map[uuid.UUID]string{k1: "friends", other: "friends", foreign: "resellers"} {
		found, err := q.Key(t.Context(), id, 0)
		require.NoError(t, err)
		require.Equal(t, want, found.PriceGroup)
	}
	for after, want := range map[int64][]uuid.UUID{3: {k1, other, foreign}, 4: {k1, other, foreign}, 5: {k1, other}, 6: {k1, other}, 7: nil} {
		got, _, err := q.Changed(t.Context(), after)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "after %d", after)
	}
	for id, want := range map[uuid.UUID]string{w1: "friends", pt.ID(2): "resellers", pt.ID(3): ""} {
		terms, err := q.Terms(t.Context(), id, 7)
		require.NoError(t, err)
		require.Equal(t, want, terms.PriceGroup)
		require.Equal(t, int64(7), terms.Position)
	}
}

func TestAKeyHasTheLimitsOfItsMemberAndOfItsWallet(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	member, other, foreign := pt.ID(51), pt.ID(12), pt.ID(13)
	mine, elsewhere := issued(k1), issued(foreign)
	mine.Limits.MemberID = member
	elsewhere.WalletID, elsewhere.Limits.MemberID = pt.ID(2), member
	day := pt.Money("5")
	limits := wallet.MemberLimits{Caps: wallet.Caps{Day: &day}, Rates: wallet.RateLimits{RequestsPerMinute: 7}}
	k.Append(t.Context(), t, pt.Key(k1, mine), pt.Key(other, issued(other)), pt.Key(foreign, elsewhere))                   // 1 to 3
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.RateLimitsSet{Rates: wallet.RateLimits{Parallel: 9}}))                   // 4
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.MemberLimitsSet{MemberID: member, MemberLimits: wallet.MemberLimits{}})) // 5
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.MemberLimitsSet{MemberID: member, MemberLimits: limits}))                // 6
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.PriceGroupSet{Group: "partners"}))                                       // 7
	k.Append(t.Context(), t, pt.Wallet(pt.ID(2), wallet.PriceGroupSet{Group: "a"}, wallet.RateLimitsSet{}))                // 8, 9
	k.Twice(t.Context(), t, keys.Projection{})
	k.Rebuilt(t.Context(), t, 2, keys.Projection{})
	q := keys.NewQuery(k.Pool)
	for id, want := range map[uuid.UUID]struct {
		rates  wallet.RateLimits
		member wallet.MemberLimits
	}{
		k1:      {wallet.RateLimits{Parallel: 9}, limits},
		other:   {wallet.RateLimits{Parallel: 9}, wallet.MemberLimits{}}, // it has no member
		foreign: {wallet.RateLimits{}, wallet.MemberLimits{}},            // a member of that id in another wallet
	} {
		found, err := q.Key(t.Context(), id, 0)
		require.NoError(t, err)
		require.Equal(t, want.rates, found.WalletRates)
		require.Equal(t, want.member, found.Member)
	}
	for after, want := range map[int64][]uuid.UUID{4: {k1, other, foreign}, 5: {k1, other, foreign}, 7: {foreign}, 9: nil} {
		got, _, err := q.Changed(t.Context(), after)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "after %d", after)
	}
	k.Append(t.Context(), t, pt.Wallet(w1, wallet.MemberLimitsSet{MemberID: member, MemberLimits: limits})) // 10
	k.ToEnd(t.Context(), t, 0, keys.Projection{})
	changed, _, err := q.Changed(t.Context(), 9)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{k1}, changed)
	terms, err := q.Terms(t.Context(), w1, 10)
	require.NoError(t, err)
	require.Equal(t, "partners", terms.PriceGroup)
	require.Equal(t, wallet.RateLimits{Parallel: 9}, terms.Rates)
	one, err := q.Member(t.Context(), w1, member, 0)
	require.NoError(t, err)
	require.Equal(t, limits, one.Limits)
	_, err = q.Member(t.Context(), pt.ID(2), member, 0)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
}
