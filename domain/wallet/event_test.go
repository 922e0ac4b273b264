package wallet_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func legs(entry money.Entry) map[string]string {
	out := map[string]string{}
	for _, leg := range entry {
		out[string(leg.Account)] = leg.Amount.String()
	}
	return out
}

func TestW12_EntriesSayWhereTheMoneyWent(t *testing.T) {
	t.Parallel()
	own, hold := "wallet:"+walletID.String(), "hold:"+holdA.String()
	two := money.MustParse("2")
	for _, row := range []struct {
		name   string
		decide func(*kit) (wallet.Posting, error)
		want   map[string]string
		after  [2]string
	}{
		{"top up", func(k *kit) (wallet.Posting, error) {
			return k.TopUp(wallet.TopUp{Amount: two, Currency: money.USD, PSP: "stripe", Reason: "paid"})
		}, map[string]string{"cash:stripe": "-2", own: "2"}, [2]string{"12", "4"}},
		{"grant", func(k *kit) (wallet.Posting, error) {
			return k.Grant(wallet.Grant{Amount: two, Currency: money.USD, Reason: "welcome"})
		}, map[string]string{"promo": "-2", own: "2"}, [2]string{"12", "4"}},
		{"adjust down", func(k *kit) (wallet.Posting, error) {
			return k.Adjust(wallet.Adjust{Amount: two.Neg(), Currency: money.USD, Reason: "correction"})
		}, map[string]string{"adjustment": "2", own: "-2"}, [2]string{"8", "4"}},
		{
			"place", func(k *kit) (wallet.Posting, error) { return k.place(holdB, "2") },
			map[string]string{own: "-2", "hold:" + holdB.String(): "2"},
			[2]string{"10", "6"},
		},
		{"place nothing", func(k *kit) (wallet.Posting, error) { return k.place(holdB, "0") }, map[string]string{}, [2]string{"10", "4"}},
		{"release", func(k *kit) (wallet.Posting, error) {
			return k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "upstream_error"})
		}, map[string]string{hold: "-4", own: "4"}, [2]string{"10", "0"}},
		{"settle below the hold", func(k *kit) (wallet.Posting, error) {
			c := settlement(holdA, "3")
			c.VendorCost = money.MustParse("2.5")
			return k.SettleHold(c, k.now)
		}, map[string]string{hold: "-4", own: "1", "revenue:usage": "3", "cost:usage": "-2.5", "vendor:acme:payable": "2.5"}, [2]string{"7", "0"}},
		{
			"settle more than there is", func(k *kit) (wallet.Posting, error) { return k.settle(holdA, "11") },
			map[string]string{hold: "-4", own: "-6", "uncollectible": "-1", "revenue:usage": "11"},
			[2]string{"0", "0"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := setup(t, "10")
			k.placed(holdA, "4")
			e, err := row.decide(k)
			k.apply(e, err)
			currency, entry := e.Posting()
			require.Equal(t, money.USD, currency)
			require.Equal(t, row.want, legs(entry))
			require.True(t, entry.Sum().IsZero())
			k.requireBalances(row.after[0], row.after[1])
			require.Equal(t, "wallet:"+walletID.String(), string(k.Account()))
		})
	}
}

func TestW12_AnExpiryGivesTheHoldBack(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	k.placed(holdA, "4")
	k.now = k.now.Add(time.Hour)
	e, err := k.ExpireHold(holdA, k.now)
	k.apply(e, err)
	e, err = k.ExpireHold(holdA, k.now.Add(time.Hour))
	k.apply(e, err)
	p, ok := e.(wallet.Posting)
	require.True(t, ok)
	_, entry := p.Posting()
	require.Equal(t, map[string]string{"hold:" + holdA.String(): "-4", "wallet:" + walletID.String(): "4"}, legs(entry))
}

func TestCallsAreStoredClean(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 150)
	k := setup(t, "10")
	k.placed(holdA, "4")
	c := settlement(holdA, "1")
	c.Call = wallet.Call{
		FinishReason: "stop\x00\u0085", NativeFinishReason: long, UpstreamID: strings.Repeat("\xff", 1<<20), Credential: "acme/\x00eu", Error: "ab\xff" + long,
		Attempts: -1, FirstTokenMS: -5, DurationMS: -6, StartedAt: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	e, err := k.SettleHold(c, k.now)
	require.NoError(t, err)
	require.Equal(t, wallet.Call{
		FinishReason: "stop", NativeFinishReason: strings.Repeat("ü", 50), UpstreamID: "\uFFFD", Credential: "acme/eu", Error: "ab\uFFFD" + long[:94],
	}, e.Call)
	_, err = domain.Encode(e)
	require.NoError(t, err)

	c.Call = wallet.Call{StartedAt: start.Add(1500 * time.Nanosecond).In(time.FixedZone("", 3600)), UpstreamID: "id-1"}
	e, err = k.SettleHold(c, k.now)
	require.NoError(t, err)
	require.Equal(t, wallet.Call{StartedAt: start.Add(time.Microsecond), UpstreamID: "id-1"}, e.Call)
	released, err := k.ReleaseHold(wallet.ReleaseHold{HoldID: holdA, Reason: "x", Call: wallet.Call{Error: long}})
	require.NoError(t, err)
	require.Len(t, released.Call.Error, 100)
}

func TestApplyIgnoresWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	k := setup(t, "10")
	before, err := json.Marshal(k.State)
	require.NoError(t, err)
	k.Apply(catalog.VendorPublished{}, k.now)
	k.Apply(wallet.HoldExtended{HoldID: holdA}, k.now)
	k.Apply(wallet.HoldSuspected{HoldID: holdA}, k.now)
	after, err := json.Marshal(k.State)
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
}

func TestStreamNamesTheWallet(t *testing.T) {
	t.Parallel()
	require.Equal(t, "wallet-"+walletID.String(), string(wallet.Stream(walletID)))
}
