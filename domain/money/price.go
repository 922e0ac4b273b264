package money

import "github.com/massrouter/massrouter/domain"

// Price is money per unit (token, request, image, second). Never negative, always in range;
// prices are equal when they are ==.
type Price struct{ n fixed }

// ParsePrice reads a price in the format of Parse; negative prices are amount_invalid.
func ParsePrice(s string) (Price, error) {
	n, err := parse(s)
	if err != nil {
		return Price{}, err
	}
	if n.negative() {
		return Price{}, domain.Errorf(domain.CodeAmountInvalid, "a price is not negative")
	}
	return Price{n}, nil
}

// MustPrice is ParsePrice for constants; it panics on bad input.
func MustPrice(s string) Price {
	p, err := ParsePrice(s)
	if err != nil {
		panic(err)
	}
	return p
}

// Times is quantity × price, exact: no rounding. What is beyond some 10^26 is overflow.
func (p Price) Times(quantity int64) Amount { return Amount{p.n.mul(quantity)} }

// Units is how many whole units an amount buys, at most 2^53; ok is false when the price is zero (any number). Nothing
// is bought for less than nothing, and nothing for overflow.
func (p Price) Units(a Amount) (n int64, ok bool) {
	if p.IsZero() {
		return 0, false
	}
	if a.Sign() <= 0 || a.n.overflown() {
		return 0, true
	}
	const most = 1 << 53
	return int64(a.n.quo(p.n, most)), true //nolint:gosec // at most 2^53
}

// Cmp is -1, 0 or +1.
func (p Price) Cmp(q Price) int { return p.n.cmp(q.n) }

// MaxPrice is the larger of both.
func MaxPrice(p, q Price) Price {
	if p.n.cmp(q.n) < 0 {
		return q
	}
	return p
}

// IsZero says whether the price is zero.
func (p Price) IsZero() bool { return p.n == fixed{} }

// String is the canonical decimal form.
func (p Price) String() string { return p.n.String() }

// AppendJSON appends the canonical decimal string, quoted.
func (p Price) AppendJSON(dst []byte) ([]byte, error) { return p.n.appendQuoted(dst), nil }

// MarshalJSON writes the canonical decimal string, quoted.
func (p Price) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil) }

// ReadJSON reads a quoted, non-negative plain decimal at the beginning of b and returns what follows it.
func (p *Price) ReadJSON(b []byte) (rest []byte, ok bool) {
	p.n, rest, ok = read(b)
	return rest, ok && !p.n.negative()
}

// UnmarshalJSON accepts a quoted, non-negative plain decimal.
func (p *Price) UnmarshalJSON(b []byte) error {
	n, err := unmarshal(b)
	if err != nil {
		return err
	}
	if n.negative() {
		return domain.Errorf(domain.CodeAmountInvalid, "a price is not negative")
	}
	p.n = n
	return nil
}
