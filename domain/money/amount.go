// Package money has the two exact quantities of the ledger: Amount (money of one currency) and Price (money per
// unit), and balanced Entries of them. Everything is a decimal with at most 12 places after the point and 18 digits
// before it; more is an error, never a wrap and never a rounding. The only function that rounds is Percent.
package money

import (
	"strings"

	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxScale   = 12 // digits after the point
	maxInteger = 18 // digits before the point
	maxText    = 1 + maxInteger + 1 + maxScale
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
// it one decimal string in JSON. The zero value is zero.
type Amount struct{ d decimal.Decimal }

// Zero is no money.
func Zero() Amount { return Amount{} }

// Largest is the largest amount that the ledger can write.
func Largest() Amount { return MustParse("999999999999999999.999999999999") }

// Parse reads a plain decimal string such as "-12.345": no exponent, no sign "+", no spaces, no thousands marks, at
// most 18 digits before and 12 after the point. Errors have code amount_invalid or amount_out_of_range.
func Parse(s string) (Amount, error) {
	d, err := parseDecimal(s)
	return Amount{d}, err
}

// MustParse is Parse for constants in tests and demo data; it panics on bad input.
func MustParse(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// inRange refuses results that no longer fit.
func inRange(d decimal.Decimal) error {
	if d.Exponent() < -maxScale {
		if !d.Equal(d.Truncate(maxScale)) {
			return domain.Errorf(domain.CodeAmountOutOfRange, "the result has more than %d decimals", maxScale)
		}
	}
	if d.NumDigits()+int(d.Exponent()) > maxInteger {
		return domain.Errorf(domain.CodeAmountOutOfRange, "the result has more than %d digits before the point", maxInteger)
	}
	return nil
}

// Add is the exact sum. Sums of amounts in range can leave the range only after some 10^18 units; callers that store
// the result call Check.
func (a Amount) Add(b Amount) Amount { return Amount{a.d.Add(b.d)} }

// Sub is the exact difference.
func (a Amount) Sub(b Amount) Amount { return Amount{a.d.Sub(b.d)} }

// Neg is the amount with the other sign.
func (a Amount) Neg() Amount { return Amount{a.d.Neg()} }

// Cmp is -1, 0 or +1.
func (a Amount) Cmp(b Amount) int { return a.d.Cmp(b.d) }

// Equal compares values: 1.0 equals 1.00.
func (a Amount) Equal(b Amount) bool { return a.d.Cmp(b.d) == 0 }

// LessThan says whether a < b.
func (a Amount) LessThan(b Amount) bool { return a.d.Cmp(b.d) < 0 }

// Sign is -1, 0 or +1.
func (a Amount) Sign() int { return a.d.Sign() }

// IsZero says whether the amount is zero.
func (a Amount) IsZero() bool { return a.d.Sign() == 0 }

// Check returns amount_out_of_range when the value does not fit the ledger's format.
func (a Amount) Check() error { return inRange(a.d) }

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

// String is the canonical form: no exponent, no trailing zeros, "0" for zero.
func (a Amount) String() string { return string(appendDecimal(nil, a.d)) }

// AppendJSON appends the canonical decimal string, quoted. An amount out of range is refused.
func (a Amount) AppendJSON(dst []byte) ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	return appendQuoted(dst, a.d), nil
}

// MarshalJSON writes the canonical decimal string, quoted. An amount out of range is refused.
func (a Amount) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil) }

// UnmarshalJSON accepts a quoted plain decimal only: JSON numbers are refused because readers turn them into floats.
func (a *Amount) UnmarshalJSON(b []byte) error {
	d, err := unmarshalDecimal(b)
	if err != nil {
		return err
	}
	a.d = d
	return nil
}

// ReadJSON reads a quoted plain decimal at the beginning of b and returns what follows it.
func (a *Amount) ReadJSON(b []byte) (rest []byte, ok bool) {
	a.d, rest, ok = readDecimal(b)
	return rest, ok
}
