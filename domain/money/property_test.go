package money_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// decimalText draws amounts of every length, also with superfluous zeros.
func decimalText() *rapid.Generator[string] {
	return rapid.StringMatching(`-?0{0,2}[0-9]{1,18}(\.[0-9]{1,12}0{0,2})?`)
}

func ratOf(t require.TestingT, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	require.True(t, ok, s)
	return r
}

// requireExact holds an amount to a rational number, whatever its range.
func requireExact(t require.TestingT, want *big.Rat, got interface{ String() string }) {
	require.Zero(t, want.Cmp(ratOf(t, got.String())), "want %s, got %s", want.FloatString(30), got)
}

func TestParseAndPrintRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := decimalText().Draw(t, "s")
		a, err := money.Parse(s)
		require.NoError(t, err)
		requireExact(t, ratOf(t, s), a)
		again, err := money.Parse(a.String())
		require.NoError(t, err)
		require.True(t, a.Equal(again))
		require.Equal(t, a.String(), again.String())
		b, err := json.Marshal(a)
		require.NoError(t, err)
		require.Equal(t, `"`+a.String()+`"`, string(b))
		requireCanonical(t, a.String())
	})
}

func requireCanonical(t require.TestingT, s string) {
	digits := strings.TrimPrefix(s, "-")
	require.Regexp(t, `^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$`, digits)
	require.NotEqual(t, "-0", s)
}

func TestArithmeticIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, u := decimalText().Draw(t, "s"), decimalText().Draw(t, "u")
		a, b := money.MustParse(s), money.MustParse(u)
		x, y := ratOf(t, s), ratOf(t, u)
		requireExact(t, new(big.Rat).Add(x, y), a.Add(b))
		requireExact(t, new(big.Rat).Sub(x, y), a.Sub(b))
		requireExact(t, new(big.Rat).Neg(x), a.Neg())
		require.Equal(t, x.Cmp(y), a.Cmp(b))
		require.Equal(t, x.Cmp(y) < 0, a.LessThan(b))
		require.Equal(t, x.Sign(), a.Sign())
		requireChecked(t, new(big.Rat).Add(x, y), a.Add(b))
	})
}

// requireChecked: Check is true to the format, 18 digits before the point and 12 after.
func requireChecked(t require.TestingT, want *big.Rat, a money.Amount) {
	limit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
	scaled := new(big.Rat).Mul(want, new(big.Rat).SetInt64(1_000_000_000_000))
	fits := new(big.Rat).Abs(want).Cmp(limit) < 0 && scaled.IsInt()
	err := a.Check()
	require.Equal(t, fits, err == nil, "%s", a)
	if !fits {
		require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
	}
}

func TestPricesAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := strings.TrimPrefix(decimalText().Draw(t, "price"), "-")
		n := rapid.Int64().Draw(t, "n")
		p := money.MustPrice(s)
		want := new(big.Rat).Mul(ratOf(t, s), new(big.Rat).SetInt64(n))
		if !countable(want) {
			requireOverflow(t, want.Sign(), p.Times(n))
			return
		}
		requireExact(t, want, p.Times(n))
		requireChecked(t, want, p.Times(n))
	})
}

// countable says whether 128 bits can count it in units of 10^-12.
func countable(r *big.Rat) bool {
	units := new(big.Rat).Mul(r, new(big.Rat).SetInt64(1_000_000_000_000))
	end := new(big.Int).Lsh(big.NewInt(1), 127)
	return units.IsInt() && units.Num().CmpAbs(end.Sub(end, big.NewInt(1))) < 0
}

// requireOverflow: what cannot be counted is on its side of everything, and refused wherever it goes.
func requireOverflow(t require.TestingT, sign int, a money.Amount) {
	require.Equal(t, sign, a.Sign())
	require.False(t, a.IsZero())
	for _, limit := range []money.Amount{money.Largest(), money.Zero(), money.Largest().Neg()} {
		require.Equal(t, sign, a.Cmp(limit))
		require.Equal(t, sign < 0, a.LessThan(limit))
		require.False(t, a.Equal(limit))
		for _, later := range []money.Amount{a, a.Add(limit), a.Sub(limit), limit.Sub(a), limit.Add(a), a.Neg(), a.Add(a), a.Sub(a)} {
			require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(later.Check()))
			_, err := json.Marshal(later)
			require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
			_, err = money.Parse(later.String())
			require.Equal(t, domain.CodeAmountInvalid, domain.CodeOf(err))
		}
		require.Equal(t, -sign, limit.Sub(a).Cmp(limit))
	}
	n, priced := money.MustPrice("999999999999999999").Units(a)
	require.True(t, priced)
	require.Zero(t, n)
	_, err := money.Percent(a, money.MustPrice("0"))
	require.Equal(t, domain.CodeAmountOutOfRange, domain.CodeOf(err))
}

func TestUnitsAreTheMostThatCanBePaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := money.MustPrice(strings.TrimPrefix(decimalText().Draw(t, "price"), "-"))
		a := money.MustParse(decimalText().Draw(t, "amount"))
		n, priced := p.Units(a)
		require.Equal(t, !p.IsZero(), priced)
		if !priced || a.Sign() <= 0 {
			require.Zero(t, n)
			return
		}
		require.False(t, a.LessThan(p.Times(n)), "%d units cost more than %s", n, a)
		if n < 1<<53 {
			require.True(t, a.LessThan(p.Times(n+1)), "%d units are affordable too", n+1)
		}
	})
}

// TestPartIsTheNearest: of a price with 12 decimals, a half to the even digit; the whole is itself.
func TestPartIsTheNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := rapid.StringMatching(`[0-9]{1,6}(\.[0-9]{1,12})?`).Draw(t, "price")
		rate := rapid.StringMatching(`0(\.[0-9]{1,12})?|1`).Draw(t, "rate")
		got := money.MustPrice(price).Part(money.MustPrice(rate))
		exact := new(big.Rat).Mul(ratOf(t, price), ratOf(t, rate))
		difference := new(big.Rat).Sub(exact, ratOf(t, got.String()))
		side := difference.Abs(difference).Cmp(big.NewRat(1, 2_000_000_000_000))
		require.LessOrEqual(t, side, 0, "%s of %s is %s, not %s", rate, price, exact.FloatString(20), got)
		if side == 0 {
			last := new(big.Rat).Mul(ratOf(t, got.String()), big.NewRat(1_000_000_000_000, 1))
			require.True(t, last.IsInt())
			require.Zero(t, last.Num().Bit(0), "a half goes to the even digit")
		}
		require.Equal(t, money.MustPrice(price), money.MustPrice(price).Part(money.MustPrice("1")))
	})
}

func TestPercentIsTheNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := decimalText().Draw(t, "amount")
		q := rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,12})?`).Draw(t, "percent")
		got, err := money.Percent(money.MustParse(s), money.MustPrice(q))
		require.NoError(t, err)
		exact := new(big.Rat).Mul(ratOf(t, s), ratOf(t, q))
		exact.Quo(exact, big.NewRat(100, 1))
		difference := new(big.Rat).Sub(exact, ratOf(t, got.String()))
		half := big.NewRat(1, 2_000_000_000_000)
		side := difference.Abs(difference).Cmp(half)
		require.LessOrEqual(t, side, 0, "%s percent of %s is %s, not %s", q, s, exact.FloatString(20), got)
		if side == 0 {
			last := new(big.Rat).Mul(ratOf(t, got.String()), big.NewRat(1_000_000_000_000, 1))
			require.True(t, last.IsInt())
			require.Zero(t, last.Num().Bit(0), "a half goes to the even digit")
		}
	})
}

func TestEntriesBalanceExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var legs []money.Leg
		sum := new(big.Rat)
		for i, s := range rapid.SliceOfN(decimalText(), 0, 6).Draw(t, "amounts") {
			legs = append(legs, money.Leg{Account: money.Account(rune('a' + i)), Amount: money.MustParse(s)})
			sum.Add(sum, ratOf(t, s))
		}
		want := domain.Code("")
		if rest := money.Entry(legs).Sum().Neg(); rapid.Bool().Draw(t, "balanced") {
			legs = append(legs, money.Leg{Account: "rest", Amount: rest})
			want = domain.CodeOf(rest.Check())
		} else if sum.Sign() != 0 {
			want = domain.CodeUnbalanced
		}
		entry, err := money.NewEntry(legs...)
		require.Equal(t, want, domain.CodeOf(err))
		require.True(t, entry.Sum().IsZero())
	})
}
