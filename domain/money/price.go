package money

import (
	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain"
)

// Price is money per unit (token, request, image, second). Never negative.
type Price struct{ d decimal.Decimal }

// ParsePrice reads a price in the format of Parse; negative prices are amount_invalid.
func ParsePrice(s string) (Price, error) {
	d, err := parseDecimal(s)
	if err != nil {
		return Price{}, err
	}
	if d.Sign() < 0 {
		return Price{}, domain.Errorf(domain.CodeAmountInvalid, "a price is not negative")
	}
	return Price{d}, nil
}

// MustPrice is ParsePrice for constants; it panics on bad input.
func MustPrice(s string) Price {
	p, err := ParsePrice(s)
	if err != nil {
		panic(err)
	}
	return p
}

// Times is quantity × price, exact: no rounding.
func (p Price) Times(quantity int64) Amount {
	return Amount{p.d.Mul(decimal.NewFromInt(quantity))}
}

// Units is how many whole units an amount buys; ok is false when the price is zero (any number).
func (p Price) Units(a Amount) (n int64, ok bool) {
	if p.d.Sign() == 0 {
		return 0, false
	}
	if a.d.Sign() <= 0 {
		return 0, true
	}
	q, _ := a.d.QuoRem(p.d, 0)
	const most = int64(1) << 53
	if q.Cmp(decimal.NewFromInt(most)) > 0 {
		return most, true
	}
	return q.IntPart(), true
}

// Cmp is -1, 0 or +1.
func (p Price) Cmp(q Price) int { return p.d.Cmp(q.d) }

// MaxPrice is the larger of both.
func MaxPrice(p, q Price) Price {
	if p.d.Cmp(q.d) < 0 {
		return q
	}
	return p
}

// IsZero says whether the price is zero.
func (p Price) IsZero() bool { return p.d.Sign() == 0 }

// String is the canonical decimal form.
func (p Price) String() string { return string(appendDecimal(nil, p.d)) }

// AppendJSON appends the canonical decimal string, quoted.
func (p Price) AppendJSON(dst []byte) ([]byte, error) { return appendQuoted(dst, p.d), nil }

// MarshalJSON writes the canonical decimal string, quoted.
func (p Price) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil) }

// ReadJSON reads a quoted, non-negative plain decimal at the beginning of b and returns what follows it.
func (p *Price) ReadJSON(b []byte) (rest []byte, ok bool) {
	p.d, rest, ok = readDecimal(b)
	return rest, ok && p.d.Sign() >= 0
}

// UnmarshalJSON accepts a quoted, non-negative plain decimal.
func (p *Price) UnmarshalJSON(b []byte) error {
	d, err := unmarshalDecimal(b)
	if err != nil {
		return err
	}
	if d.Sign() < 0 {
		return domain.Errorf(domain.CodeAmountInvalid, "a price is not negative")
	}
	p.d = d
	return nil
}

// Percent is the only function of the ledger that rounds: amount × percent / 100, half-even to 12 decimals. The
// event that uses it records base, rate and result.
func Percent(a Amount, percent Price) (Amount, error) {
	r := Amount{a.d.Mul(percent.d).Shift(-2).RoundBank(maxScale)}
	return r, r.Check()
}
