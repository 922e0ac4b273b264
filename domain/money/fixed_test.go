package money

import (
	"math"
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// end is the positive overflow as a number of units.
func end() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), 127)
	return n.Sub(n, big.NewInt(1))
}

// reference is the same number in the decimal library, from the words as two's complement says.
func reference(a fixed) decimal.Decimal {
	n := new(big.Int).SetUint64(a.hi)
	n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(a.lo))
	if a.hi>>63 == 1 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	return decimal.NewFromBigInt(n, -12)
}

func words(n *big.Int) fixed {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return fixed{new(big.Int).Rsh(n, 64).Uint64(), low.Uint64()}
}

// borders are the magnitudes next to which arithmetic goes wrong.
func borders() []*big.Int {
	out := []*big.Int{new(big.Int), end()}
	for _, bit := range []uint{32, 53, 63, 64, 65, 96, 126} {
		out = append(out, new(big.Int).Lsh(big.NewInt(1), bit))
	}
	for _, digits := range []int64{12, 18, 19, 24, 30, 36} {
		out = append(out, new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil))
	}
	return out
}

// values draws from all numbers of units that are not overflow: next to a border, or of any length.
func values() *rapid.Generator[fixed] {
	return rapid.Custom(func(t *rapid.T) fixed {
		var n *big.Int
		if rapid.Bool().Draw(t, "border") {
			n = new(big.Int).Add(rapid.SampledFrom(borders()).Draw(t, "near"), big.NewInt(rapid.Int64Range(-2, 2).Draw(t, "off")))
		} else {
			n = new(big.Int).SetUint64(rapid.Uint64().Draw(t, "hi"))
			n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(rapid.Uint64().Draw(t, "lo")))
			n.Rsh(n, rapid.UintRange(1, 127).Draw(t, "shorter"))
		}
		if n.CmpAbs(end()) >= 0 {
			n = new(big.Int).Sub(end(), big.NewInt(1))
		}
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		return words(n)
	})
}

// requireIs holds a result to the exact one: the same number, or overflow on the side where it is.
func requireIs(t require.TestingT, want decimal.Decimal, got fixed) {
	if units := want.Shift(12); units.Abs().Cmp(decimal.NewFromBigInt(end(), 0)) >= 0 {
		require.Equal(t, overflow(units.Sign() < 0), got, "%s has no count", want)
		require.True(t, got.overflown())
		return
	}
	require.True(t, want.Equal(reference(got)), "want %s, got %s", want, reference(got))
	require.False(t, got.overflown())
}

func TestFixedIsTheDecimalLibrarysArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := values().Draw(t, "a"), values().Draw(t, "b")
		x, y := reference(a), reference(b)
		requireIs(t, x.Add(y), a.add(b))
		requireIs(t, x.Sub(y), a.sub(b))
		requireIs(t, x.Neg(), a.neg())
		require.Equal(t, x.Cmp(y), a.cmp(b))
		require.Equal(t, x.Equal(y), a == b)
		require.Equal(t, x.Sign(), a.sign())
		require.Equal(t, x.IsNegative(), a.negative())
		require.Equal(t, x.Abs().LessThan(decimal.New(1, 18)), a.inRange())
		require.Equal(t, x.String(), a.String())
		requireIs(t, x, fromDecimal(a.decimal()))
		require.True(t, x.Equal(a.decimal()))
		product := x.Mul(y).Truncate(12)
		requireIs(t, product, fromDecimal(product))
	})
}

// TestFixedAtAllBorders takes every border and its neighbours with every other, which draws alone would not promise.
func TestFixedAtAllBorders(t *testing.T) {
	t.Parallel()
	var all []fixed
	for _, near := range borders() {
		for off := int64(-1); off <= 1; off++ {
			n := new(big.Int).Add(near, big.NewInt(off))
			if n.CmpAbs(end()) < 0 {
				all = append(all, words(n), words(new(big.Int).Neg(n)))
			}
		}
	}
	for _, a := range all {
		x := reference(a)
		require.Equal(t, x.String(), a.String())
		for _, b := range all {
			y := reference(b)
			requireIs(t, x.Add(y), a.add(b))
			requireIs(t, x.Sub(y), a.sub(b))
			require.Equal(t, x.Cmp(y), a.cmp(b))
			requireQuotient(t, a, b)
		}
		for _, n := range []int64{0, 1, -1, 2, -2, math.MaxInt32, math.MaxInt64, math.MinInt64, math.MinInt64 + 1} {
			requireIs(t, x.Mul(decimal.NewFromInt(n)), a.mul(n))
		}
	}
}

func TestFixedTimesAnInteger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, n := values().Draw(t, "a"), rapid.Int64().Draw(t, "n")
		requireIs(t, reference(a).Mul(decimal.NewFromInt(n)), a.mul(n))
	})
}

// requireQuotient holds quo to the library's division, where quo is defined.
func requireQuotient(t require.TestingT, a, b fixed) {
	if a.negative() || b.sign() <= 0 {
		return
	}
	want, _ := reference(a).QuoRem(reference(b), 0)
	for _, most := range []uint64{1, 1 << 53, math.MaxUint64} {
		limited := decimal.Min(want, decimal.NewFromUint64(most))
		require.Equal(t, limited.String(), decimal.NewFromUint64(a.quo(b, most)).String(), "%s / %s", reference(a), reference(b))
	}
}

func TestFixedQuotient(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := values().Draw(t, "a"), values().Draw(t, "b")
		if b == (fixed{}) {
			b.lo = 1
		}
		for _, f := range []*fixed{&a, &b} {
			*f = words(reference(*f).Abs().Shift(12).BigInt())
		}
		requireQuotient(t, a, b)
		n := rapid.Int64Range(1, 1<<20).Draw(t, "n")
		if product := b.mul(n); !product.overflown() { // where an estimate is one too large
			requireQuotient(t, product, b)
			requireQuotient(t, product.sub(fixed{lo: 1}), b)
		}
	})
}

func TestOverflowIsKept(t *testing.T) {
	t.Parallel()
	up, down := overflow(false), overflow(true)
	require.Equal(t, down, up.neg())
	require.Equal(t, up, down.neg())
	for _, row := range [][2]fixed{
		{up, up.add(up)},
		{down, down.add(down)},
		{up, up.sub(down)},
		{down, down.sub(up)},
		{up, up.add(down)},
		{up, down.add(up)},
		{up, up.sub(up)},
		{up, down.sub(down)},
		{up, up.mul(0)},
		{up, up.mul(1)},
		{down, up.mul(-1)},
		{down, up.mul(math.MinInt64)},
		{down, down.mul(0)},
		{down, down.mul(1)},
		{up, down.mul(-1)},
	} {
		require.Equal(t, row[0], row[1])
	}
	rapid.Check(t, func(t *rapid.T) {
		a := values().Draw(t, "a")
		require.Equal(t, []fixed{up, up, up, down}, []fixed{up.add(a), a.add(up), up.sub(a), a.sub(up)})
		require.Equal(t, []fixed{down, down, down, up}, []fixed{down.add(a), a.add(down), down.sub(a), a.sub(down)})
		require.Equal(t, []int{1, -1, -1, 1}, []int{up.cmp(a), a.cmp(up), down.cmp(a), a.cmp(down)})
	})
	for _, a := range []fixed{up, down} {
		require.False(t, a.inRange())
		require.Zero(t, a.cmp(a))
		require.Equal(t, "out of range", a.String())
	}
	require.Equal(t, []int{1, -1, 1}, []int{up.sign(), down.sign(), up.cmp(down)})
}
