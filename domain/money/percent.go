package money

import (
	"encoding/binary"
	"math/big"

	"github.com/shopspring/decimal"
)

// Percent is the only function of the ledger that rounds: amount × percent / 100, half-even to 12 decimals. The
// event that uses it records base, rate and result.
func Percent(a Amount, percent Price) (Amount, error) {
	if a.n.overflown() {
		return a, a.Check()
	}
	r := Amount{fromDecimal(a.n.decimal().Mul(percent.n.decimal()).Shift(-2).RoundBank(maxScale))}
	return r, r.Check()
}

// Part is what a part of the price costs, for rates such as 0.05: price × rate, half-even to 12 decimals. Prices that are derived so are as
// exact as any other: what is charged at them is not rounded again.
func (p Price) Part(rate Price) Price {
	return Price{fromDecimal(p.n.decimal().Mul(rate.n.decimal()).RoundBank(maxScale))}
}

func (a fixed) decimal() decimal.Decimal {
	var b [16]byte
	hi, lo := a.magnitude()
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	d := decimal.NewFromBigInt(new(big.Int).SetBytes(b[:]), -maxScale)
	if a.negative() {
		return d.Neg()
	}
	return d
}

// fromDecimal takes a number of at most maxScale decimals.
func fromDecimal(d decimal.Decimal) fixed {
	units := d.Abs().Shift(maxScale).BigInt()
	if units.BitLen() >= 2*wordBits {
		return overflow(d.Sign() < 0)
	}
	var b [16]byte
	units.FillBytes(b[:])
	return signed(d.Sign() < 0, binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]))
}
