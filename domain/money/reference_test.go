package money_test

import (
	"regexp"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// TestParseTakesWhatTheDecimalLibraryReads: of plain decimals all that fit, with the value that the library gives them.
func TestParseTakesWhatTheDecimalLibraryReads(t *testing.T) {
	t.Parallel()
	plain := regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	text := rapid.OneOf(
		rapid.StringMatching(`-?0{0,3}[0-9]{0,20}(\.[0-9]{0,14}0{0,3})?`),
		rapid.StringMatching(`-?9{16,20}(\.9{10,14})?`),
		rapid.StringMatching(`[-+]?[0-9]{0,3}[.,eE_ ]?[-0-9]{0,3}`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "s")
		a, err := money.Parse(s)
		switch {
		case len(s) > 40:
			require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
			return
		case !plain.MatchString(s):
			require.Equal(t, domain.CodeAmountInvalid, domain.CodeOf(err))
			return
		}
		want, wrong := decimal.NewFromString(s)
		require.NoError(t, wrong)
		if want.Abs().Cmp(decimal.New(1, 18)) >= 0 || !want.Equal(want.Truncate(12)) {
			require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
			require.True(t, a.IsZero())
			return
		}
		require.NoError(t, err)
		require.Equal(t, want.String(), a.String())
		quoted, rest, ok := readBack(s)
		require.True(t, ok)
		require.Empty(t, rest)
		require.Equal(t, a, quoted)
	})
}

func readBack(s string) (a money.Amount, rest []byte, ok bool) {
	rest, ok = a.ReadJSON([]byte(`"` + s + `"`))
	return a, rest, ok
}

func TestPercentIsTheDecimalLibrarysRounding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := decimalText().Draw(t, "amount")
		q := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,12})?`),
			rapid.StringMatching(`[0-9]{1,2}(\.(5|25|125|75))?`),
		).Draw(t, "percent")
		want := decimal.RequireFromString(s).Mul(decimal.RequireFromString(q)).Shift(-2).RoundBank(12)
		got, err := money.Percent(money.MustParse(s), money.MustPrice(q))
		if want.Abs().Cmp(decimal.New(1, 18)) >= 0 {
			require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
			return
		}
		require.NoError(t, err)
		require.Equal(t, want.String(), got.String())
	})
}

// TestAmountsBeyondTheFormatStayExact: sums out of range keep their value, so that what brings them back is exact too.
func TestAmountsBeyondTheFormatStayExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := money.MustPrice(rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,12})?`).Draw(t, "price"))
		n := rapid.Int64Range(-1<<26, 1<<26).Draw(t, "n")
		b := money.MustParse(decimalText().Draw(t, "b"))
		sum := p.Times(n).Add(b)
		want := decimal.RequireFromString(p.String()).Mul(decimal.NewFromInt(n)).Add(decimal.RequireFromString(b.String()))
		require.Equal(t, want.String(), sum.String())
		require.Equal(t, p.Times(n), sum.Sub(b))
		require.True(t, sum.Sub(p.Times(n)).Equal(b))
	})
}

// TestACostBeyondCountingIsNotAffordable: neither by comparison nor by what it leaves.
func TestACostBeyondCountingIsNotAffordable(t *testing.T) {
	t.Parallel()
	cost := money.MustPrice("999999999999999999").Times(1 << 53)
	requireOverflow(t, 1, cost)
	budget := money.Largest()
	require.True(t, budget.LessThan(cost))
	require.True(t, money.Max(budget.Sub(cost), money.Zero()).IsZero())
	require.Negative(t, budget.Sub(cost).Sign())
	units, priced := money.MustPrice("0.000000000001").Units(budget.Sub(cost))
	require.True(t, priced)
	require.Zero(t, units)
	_, err := money.NewEntry(money.Leg{Account: "a", Amount: cost}, money.Leg{Account: "b", Amount: cost.Neg()})
	require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
	require.False(t, money.Entry{{Account: "a", Amount: cost}, {Account: "b", Amount: cost.Neg()}}.Sum().IsZero())
}
