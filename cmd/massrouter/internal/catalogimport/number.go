package catalogimport

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

const (
	maxNumber   = 100 // bytes of a number
	maxExponent = 100
	maxInteger  = 18 // digits before the point, as money has
	maxFraction = 12 // digits after it
)

// parsePrice reads a JSON number, or the same as text, and moves its point to the left: by 6 when it is a price of a
// million. Only digits are moved, so the result is exact; one with more digits than money has is refused.
func parsePrice(text string, shift int) (money.Price, error) {
	digits, point, ok := split(text)
	if !ok {
		return money.Price{}, refuse(ReasonPriceInvalid, "%q is no number", clip(text))
	}
	if digits == "" {
		return money.MustPrice("0"), nil
	}
	if text[0] == '-' {
		return money.Price{}, refuse(ReasonPriceInvalid, "%s is negative", text)
	}
	if point -= shift; point > maxInteger || len(digits)-point > maxFraction {
		return money.Price{}, refuse(ReasonPriceDigits, "the price of one unit has more than %d digits before or %d after the point (%s for 10^%d)",
			maxInteger, maxFraction, text, shift)
	}
	switch {
	case point <= 0:
		digits = "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		digits += strings.Repeat("0", point-len(digits))
	default:
		digits = digits[:point] + "." + digits[point:]
	}
	price, err := money.ParsePrice(digits)
	if err != nil {
		return money.Price{}, refuse(ReasonPriceDigits, "%s: %v", text, err)
	}
	return price, nil
}

// split takes a JSON number apart: its digits without zeros at either end, and where the point is among them. No digits
// are left of zero.
func split(text string) (digits string, point int, ok bool) {
	if len(text) > maxNumber {
		return "", 0, false
	}
	mantissa, exponent := strings.TrimPrefix(text, "-"), 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		n, err := strconv.Atoi(mantissa[i+1:])
		if err != nil || n > maxExponent || n < -maxExponent {
			return "", 0, false
		}
		mantissa, exponent = mantissa[:i], n
	}
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if whole == "" || (dotted && fraction == "") || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", 0, false
	}
	digits = strings.TrimLeft(whole+fraction, "0")
	point = len(whole) + exponent - (len(whole+fraction) - len(digits))
	return strings.TrimRight(digits, "0"), point, true
}

// clip shortens what stands in a file, for a message.
func clip(text string) string {
	const longest = 60
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}
