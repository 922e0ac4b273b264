package usage

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A place has three of the digits to base 10,000 of which PostgreSQL makes numbers.
const (
	base        = 10_000
	placeDigits = 3
)

// number is the stored form: digits to base 10,000, the weight of the first and how many decimals are shown.
func (h Histogram) number() (weight, decimals int, digits []uint16) {
	if len(h) == 0 {
		return 0, 0, nil
	}
	low, high := int(h[0]>>countBits), int(h[len(h)-1]>>countBits)
	digits = make([]uint16, placeDigits*(high-low+1))
	for _, e := range h {
		at := placeDigits * (high - int(e>>countBits))
		n := e & countMask // below 10^12
		digits[at], digits[at+1], digits[at+2] = uint16(n/base/base), uint16(n/base%base), uint16(n%base)
	}
	return placeDigits*(high-ones+1) - 1, max(ones-low, 0) * 4 * placeDigits, digits
}

// text is the same number as people write it.
func (h Histogram) text() string {
	var s strings.Builder
	s.WriteByte('0')
	low, high := int64(ones), int64(ones)
	if len(h) > 0 {
		low, high = min(low, h[0]>>countBits), max(high, h[len(h)-1]>>countBits)
	}
	for place := high; place >= low; place-- {
		if place == ones-1 {
			s.WriteByte('.')
		}
		n := int64(0)
		if last := len(h) - 1; last >= 0 && h[last]>>countBits == place {
			n, h = h[last]&countMask, h[:last]
		}
		digits := strconv.FormatInt(n, 10)
		s.WriteString("000000000000"[len(digits):] + digits)
	}
	return s.String()
}

// histogramOf reads a number as the server sends it (numeric_send in src/backend/utils/adt/numeric.c): how many digits there are, the
// weight of the first, the sign and the decimals, then the digits, two bytes each. Nothing is an empty histogram.
func histogramOf(sent []byte) (Histogram, error) {
	const head = 8
	if len(sent) == 0 {
		return nil, nil
	}
	if len(sent) < head || len(sent) != head+2*int(binary.BigEndian.Uint16(sent)) || binary.BigEndian.Uint16(sent[4:]) != 0 {
		return nil, errNoHistogram
	}
	weight := int(int16(binary.BigEndian.Uint16(sent[2:]))) + placeDigits*ones //nolint:gosec // two's complement is the format
	var h Histogram
	for digits := sent[head:]; len(digits) > 0; digits, weight = digits[2:], weight-1 {
		n, place := int64(binary.BigEndian.Uint16(digits)), int64(weight/placeDigits)
		if n == 0 {
			continue
		}
		if weight < placeDigits || place > places || n >= base {
			return nil, errNoHistogram
		}
		for range weight % placeDigits {
			n *= base
		}
		if last := len(h) - 1; last >= 0 && h[last]>>countBits == place {
			h[last] += n
		} else {
			h = append(h, place<<countBits+n)
		}
	}
	slices.Reverse(h)
	return h, nil
}

var errNoHistogram = errors.New("the view has something that is no histogram")
