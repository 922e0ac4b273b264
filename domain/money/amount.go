// Package money has the two exact quantities of the ledger: Amount (money of one currency) and Price (money per
// unit), and balanced Entries of them. Everything is a decimal with at most 12 places after the point and 18 digits
// before it; more is an error, never a wrap and never a rounding. The only function that rounds is Percent.
//
// A result can be larger than that. It stays exact up to some 10^26; beyond, it is overflow, which Check and
// MarshalJSON refuse like every amount out of range. Overflow is kept by every later operation, is never zero and
// never equal to an exact amount; it is above all of them, or below all of them if the result was negative: a cost that
// cannot be counted is above every budget, and a budget less that cost is below zero.
package money

import (
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// Currency is an ISO 4217 code in upper case.
type Currency string

// USD is the platform's first currency.
const USD Currency = "USD"

// ParseCurrency accepts three upper-case letters.
func ParseCurrency(s string) (Currency, error) {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", domain.Errorf(domain.CodeAmountInvalid, "a currency is three upper-case letters")
	}
	return Currency(s), nil
}

// Amount is an exact sum of money. Its currency is carried by what it belongs to (a wallet, an event), which keeps
// it one decimal string in JSON. The zero value is zero; amounts are equal when they are ==.
type Amount struct{ n fixed }

// Zero is no money.
func Zero() Amount { return Amount{} }

// Largest is the largest amount that the ledger can write.
func Largest() Amount { return MustParse("999999999999999999.999999999999") }

// Parse reads a plain decimal string such as "-12.345": no exponent, no sign "+", no spaces, no thousands marks, at
// most 18 digits before and 12 after the point. Errors have code amount_invalid or amount_out_of_range.
func Parse(s string) (Amount, error) {
	n, err := parse(s)
	return Amount{n}, err
}

// MustParse is Parse for constants in tests and demo data; it panics on bad input.
func MustParse(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// Add is the exact sum. Sums of amounts in range can leave the range only after some 10^18 units, and are exact for
// 10^8 times as many; callers that store the result call Check.
func (a Amount) Add(b Amount) Amount { return Amount{a.n.add(b.n)} }

// Sub is the exact difference.
func (a Amount) Sub(b Amount) Amount { return Amount{a.n.sub(b.n)} }

// Neg is the amount with the other sign.
func (a Amount) Neg() Amount { return Amount{a.n.neg()} }

// Cmp is -1, 0 or +1.
func (a Amount) Cmp(b Amount) int { return a.n.cmp(b.n) }

// Equal compares values: 1.0 equals 1.00.
func (a Amount) Equal(b Amount) bool { return a.n == b.n }

// LessThan says whether a < b.
func (a Amount) LessThan(b Amount) bool { return a.n.cmp(b.n) < 0 }

// Sign is -1, 0 or +1.
func (a Amount) Sign() int { return a.n.sign() }

// IsZero says whether the amount is zero.
func (a Amount) IsZero() bool { return a.n == fixed{} }

// Check returns amount_out_of_range when the value does not fit the ledger's format.
func (a Amount) Check() error {
	if !a.n.inRange() {
		return domain.Errorf(domain.CodeAmountOutOfRange, "the result has more than %d digits before the point", maxInteger)
	}
	return nil
}

// Min is the smaller of both.
func Min(a, b Amount) Amount {
	if b.LessThan(a) {
		return b
	}
	return a
}

// Max is the larger of both.
func Max(a, b Amount) Amount {
	if a.LessThan(b) {
		return b
	}
	return a
}

// Units is the amount as a count of units of 10^-12: its sign and the two halves of its magnitude.
func (a Amount) Units() (negative bool, hi, lo uint64) {
	hi, lo = a.n.magnitude()
	return a.n.negative(), hi, lo
}

// String is the canonical form: no exponent, no trailing zeros, "0" for zero. That of overflow is no decimal.
func (a Amount) String() string { return a.n.String() }

// AppendJSON appends the canonical decimal string, quoted. An amount out of range is refused.
func (a Amount) AppendJSON(dst []byte) ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	return a.n.appendQuoted(dst), nil
}

// MarshalJSON writes the canonical decimal string, quoted. An amount out of range is refused.
func (a Amount) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil) }

// UnmarshalJSON accepts a quoted plain decimal only: JSON numbers are refused because readers turn them into floats.
func (a *Amount) UnmarshalJSON(b []byte) error {
	n, err := unmarshal(b)
	if err != nil {
		return err
	}
	a.n = n
	return nil
}

// ReadJSON reads a quoted plain decimal at the beginning of b and returns what follows it.
func (a *Amount) ReadJSON(b []byte) (rest []byte, ok bool) {
	a.n, rest, ok = read(b)
	return rest, ok
}
