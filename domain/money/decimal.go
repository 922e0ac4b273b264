package money

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain"
)

// maxFast is the number of digits that always fit an int64.
const maxFast = 18

func parseDecimal(s string) (decimal.Decimal, error) {
	if len(s) > maxText+8 {
		return decimal.Decimal{}, errTooLong()
	}
	digits := strings.TrimPrefix(s, "-")
	whole, frac, hasPoint := strings.Cut(digits, ".")
	if whole == "" || (hasPoint && frac == "") || !allDigits(whole) || !allDigits(frac) {
		return decimal.Decimal{}, errMalformed()
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if len(whole) > maxInteger || len(frac) > maxScale {
		return decimal.Decimal{}, errTooLong()
	}
	if len(whole)+len(frac) <= maxFast {
		return decimal.New(coefficient(whole, frac, len(digits) < len(s)), -int32(len(frac))), nil //nolint:gosec // at most maxScale
	}
	d, err := decimal.NewFromString(strings.Clone(s)) // a copy, so that the text of a short one stays on the stack
	if err != nil {
		return decimal.Decimal{}, errMalformed().Wrap(err)
	}
	return d, nil
}

func errTooLong() *domain.Error {
	return domain.Errorf(domain.CodeAmountOutOfRange, "an amount has at most %d digits before and %d after the point", maxInteger, maxScale)
}

func errMalformed() *domain.Error {
	return domain.Errorf(domain.CodeAmountInvalid, "an amount is a plain decimal such as 12.50")
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// coefficient reads at most maxFast digits as one integer.
func coefficient(whole, frac string, negative bool) int64 {
	var n int64
	for _, part := range [2]string{whole, frac} {
		for i := range len(part) {
			n = n*10 + int64(part[i]-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}

// appendDecimal appends the canonical text. It drops trailing zeros, so equal values have equal text and equal hashes.
func appendDecimal(b []byte, d decimal.Decimal) []byte {
	if d.Exponent() > 0 || d.Exponent() < -maxFast || d.NumDigits() > maxFast {
		return append(b, d.String()...) // never an exponent, no trailing zeros after a point
	}
	n, scale := d.CoefficientInt64(), int(-d.Exponent())
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	start := len(b)
	b = strconv.AppendInt(b, n, 10)
	if scale == 0 {
		return b
	}
	if missing := scale + 1 - (len(b) - start); missing > 0 {
		b = append(b, "0000000000000000000"[:missing]...)
		copy(b[start+missing:], b[start:])
		copy(b[start:], "0000000000000000000"[:missing])
	}
	point := len(b) - scale
	b = append(b, 0)
	copy(b[point+1:], b[point:])
	b[point] = '.'
	return b
}

func appendQuoted(b []byte, d decimal.Decimal) []byte {
	b = append(b, '"')
	b = appendDecimal(b, d)
	return append(b, '"')
}

// unmarshalDecimal reads a quoted plain decimal. No character of one needs an escape, so none is understood.
func unmarshalDecimal(b []byte) (decimal.Decimal, error) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' || bytes.IndexByte(b, '\\') >= 0 {
		return decimal.Decimal{}, domain.Errorf(domain.CodeAmountInvalid, "an amount is a decimal string in quotes")
	}
	return parseDecimal(string(b[1 : len(b)-1]))
}

func readDecimal(b []byte) (d decimal.Decimal, rest []byte, ok bool) {
	text, rest, ok := domain.ReadString(b)
	if !ok {
		return d, nil, false
	}
	d, err := parseDecimal(string(text))
	return d, rest, err == nil
}
