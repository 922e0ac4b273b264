package catalog_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

func grouped(v catalog.PriceVersion, group string) catalog.PriceVersion {
	v.Group = group
	return v
}

func TestC8_AGroupPaysItsOwnPriceAndTheListsWhereItHasNone(t *testing.T) {
	t.Parallel()
	s := priced(t,
		version(1, start, "1"),
		grouped(version(2, start.Add(time.Hour), "0.9"), "partners"),
		version(3, start.Add(2*time.Hour), "2"),
		grouped(version(4, start.Add(3*time.Hour), "1.8"), "partners"),
		grouped(version(5, start, "3"), "resellers"),
	)
	for _, row := range []struct {
		group string
		after time.Duration
		want  byte
	}{
		{"", 0, 1},
		{"", time.Hour, 1},
		{"", 4 * time.Hour, 3},
		{"partners", 0, 1}, // the group's own is not in force yet
		{"partners", time.Hour, 2},
		{"partners", 2 * time.Hour, 2}, // the list changed; the group's is explicit
		{"partners", 3 * time.Hour, 4},
		{"resellers", 4 * time.Hour, 5},
		{"nobody", 4 * time.Hour, 3},
	} {
		v, err := s.PriceInForce(row.group, start.Add(row.after))
		require.NoError(t, err)
		require.Equal(t, versionID(row.want), v.ID, "%s after %s", row.group, row.after)
	}
	for n := byte(1); n <= 5; n++ {
		v, err := s.Price(versionID(n))
		require.NoError(t, err)
		require.Equal(t, versionID(n), v.ID)
	}
	_, err := s.PublishPrice(grouped(version(1, start, "1"), "others"), start)
	requireCode(t, domain.CodePriceConflict, err, "an id is used once, whosever price it is")
	for _, name := range []string{"Partners", "a b", "-a", "a\n", fmt.Sprintf("%051d", 1)} {
		_, err := s.PublishPrice(grouped(version(9, start, "1"), name), start)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func TestC8_AnEndpointWithAPriceOfAGroupOnlyIsForThatGroup(t *testing.T) {
	t.Parallel()
	s := priced(t, grouped(version(1, start, "1"), "partners"))
	_, err := s.PriceInForce("", start)
	requireCode(t, domain.CodePriceNotInForce, err)
	_, err = s.PriceInForce("others", start)
	requireCode(t, domain.CodePriceNotInForce, err)
	v, err := s.PriceInForce("partners", start)
	require.NoError(t, err)
	require.Equal(t, "partners", v.Group)
}

// TestC8_TheIndexByGroupAgreesWithAPlainSearch: whatever is published in whatever order, the price in force is the one that a search through all
// versions finds.
func TestC8_TheIndexByGroupAgreesWithAPlainSearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s, all := publishedEndpoint(t), []catalog.PriceVersion(nil)
		for i := range rapid.IntRange(0, 12).Draw(r, "versions") {
			v := version(byte(i+1), start.Add(time.Duration(rapid.IntRange(0, 5).Draw(r, "hours"))*time.Hour), "1")
			v.Group = rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "group")
			e, err := s.PublishPrice(v, start)
			require.NoError(r, err)
			s.Apply(e, start)
			all = append(all, v)
		}
		at := start.Add(time.Duration(rapid.IntRange(0, 6).Draw(r, "at")) * time.Hour)
		for _, group := range []string{"", "a", "b", "c"} {
			want, found := newest(all, group, at)
			if !found {
				want, found = newest(all, "", at)
			}
			got, err := s.PriceInForce(group, at)
			require.Equal(r, found, err == nil)
			if found {
				require.Equal(r, want.ID, got.ID)
			}
		}
	})
}

func newest(all []catalog.PriceVersion, group string, at time.Time) (best catalog.PriceVersion, found bool) {
	for _, v := range all {
		if v.Group == group && !v.EffectiveFrom.After(at) && (!found || !v.EffectiveFrom.Before(best.EffectiveFrom)) {
			best, found = v, true
		}
	}
	return best, found
}

func TestDerivedRatesAreTheListsTimesTheFactorRoundedHalfEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		list := catalog.Schedule{Base: someRates(r), Overrides: []catalog.Override{{MinPromptTokens: 1000, Rates: someRates(r)}}}
		units := rapid.Int64Range(0, 3_000_000).Draw(r, "millionths")
		factor := money.MustPrice(fmt.Sprintf("%d.%06d", units/1_000_000, units%1_000_000))
		derived, err := list.Derived(factor)
		for class, rate := range list.Base {
			want := halfEven(rate, units)
			if want == "0" && !rate.IsZero() && units > 0 {
				require.Equal(r, domain.CodeInvalid, domain.CodeOf(err))
				return
			}
			if err == nil {
				require.Equal(r, want, derived.Base[class].String(), "%s × %d/10^6", rate, units)
			}
		}
		if err != nil {
			return // a rate of the override
		}
		for class, rate := range list.Overrides[0].Rates {
			require.Equal(r, halfEven(rate, units), derived.Overrides[0].Rates[class].String())
		}
		require.Equal(r, int64(1000), derived.Overrides[0].MinPromptTokens)
		require.Len(r, derived.Base, len(list.Base), "a class without a price still costs what its parent costs")
		again, err := list.Derived(factor)
		require.NoError(r, err)
		require.Equal(r, derived, again)
		same, err := list.Derived(money.MustPrice("1"))
		require.NoError(r, err)
		require.Equal(r, list, same)
	})
}

// halfEven is rate × millionths / 10^6 with 12 decimals, by integers.
func halfEven(rate money.Price, millionths int64) string {
	exact, ok := new(big.Rat).SetString(rate.String())
	if !ok {
		return "?"
	}
	scaled := exact.Mul(exact, big.NewRat(millionths, 1)) // in units of 10^-12, once more times 10^6
	scaled.Mul(scaled, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(6), nil)))
	whole, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	switch twice := rest.Lsh(rest, 1).Cmp(scaled.Denom()); {
	case twice > 0, twice == 0 && whole.Bit(0) == 1:
		whole.Add(whole, big.NewInt(1))
	}
	return money.MustPrice(new(big.Rat).SetFrac(whole, new(big.Int).Exp(big.NewInt(10), big.NewInt(12), nil)).FloatString(12)).String()
}

func someRates(r *rapid.T) catalog.Rates {
	rates := catalog.Rates{}
	for _, class := range []usage.Class{usage.Input, usage.Output, usage.CacheRead, usage.Request} {
		if class == usage.Input || class == usage.Output || rapid.Bool().Draw(r, "priced") {
			rates[class] = money.MustPrice(fmt.Sprintf("0.%012d", rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(0, 9_999_999)).Draw(r, "rate")))
		}
	}
	return rates
}

func TestWhatCannotBeDerived(t *testing.T) {
	t.Parallel()
	tiny := catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.000000000001"), usage.Output: money.MustPrice("1")}}
	_, err := tiny.Derived(money.MustPrice("0.5")) // half-even of half a unit is nothing
	requireCode(t, domain.CodeInvalid, err)
	up, err := tiny.Derived(money.MustPrice("1.5"))
	require.NoError(t, err)
	require.Equal(t, "0.000000000002", up.Base[usage.Input].String())
	free, err := tiny.Derived(money.MustPrice("0"))
	require.NoError(t, err, "free on purpose")
	require.True(t, free.Base[usage.Output].IsZero())
	_, err = tiny.Derived(money.MustPrice("50001"))
	requireCode(t, domain.CodeInvalid, err)
	require.Equal(t, "1", tiny.Base[usage.Output].String(), "the list's stays as it is")
}
