package money

import (
	"bytes"
	"math/bits"
	"strconv"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxScale   = 12 // digits after the point
	maxInteger = 18 // digits before the point
	maxText    = 1 + maxInteger + 1 + maxScale
)

// overflowText is no decimal: whoever expects one refuses it.
const overflowText = "out of range"

// parse reads a plain decimal. Digits beyond the format are an error only if they are not zeros.
func parse[T string | []byte](s T) (fixed, error) {
	if len(s) > maxInput {
		return fixed{}, errTooLong()
	}
	a, end, fits := scan(s)
	if end == 0 || end < len(s) {
		return fixed{}, errMalformed()
	}
	if !fits {
		return fixed{}, errTooLong()
	}
	return a, nil
}

// maxInput leaves room for some zeros too many.
const maxInput = maxText + 8

// scan reads the plain decimal that s begins with, and returns where it ends: 0 when there is none.
func scan[T string | []byte](s T) (a fixed, end int, fits bool) {
	begin := 0
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		begin = 1
	}
	whole, at, fits := readWhole(s, begin)
	if at == begin {
		return fixed{}, 0, false
	}
	frac := uint64(0)
	if at < len(s) && s[at] == '.' {
		var fracFits bool
		begin = at + 1
		if frac, at, fracFits = readFrac(s, begin); at == begin {
			return fixed{}, 0, false
		}
		fits = fits && fracFits
	}
	hi, lo := bits.Mul64(whole, unitsPerOne)
	lo, carry := bits.Add64(lo, frac, 0)
	return signed(negative, hi+carry, lo), at, fits
}

// readWhole reads the digits at i and returns where they end.
func readWhole[T string | []byte](s T, i int) (n uint64, end int, fits bool) {
	const almost = limit / unitsPerOne / 10 // no digit fits after so many
	for fits = true; i < len(s) && isDigit(s[i]); i++ {
		if n >= almost {
			fits = false
			continue
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, i, fits
}

// readFrac reads the digits at i as units and returns where they end.
func readFrac[T string | []byte](s T, i int) (n uint64, end int, fits bool) {
	places := 0
	for fits = true; i < len(s) && isDigit(s[i]); i++ {
		if places == maxScale {
			fits = fits && s[i] == '0'
			continue
		}
		n, places = n*10+uint64(s[i]-'0'), places+1
	}
	for ; places < maxScale; places++ {
		n *= 10
	}
	return n, i, fits
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func errTooLong() *domain.Error {
	return domain.Errorf(domain.CodeAmountOutOfRange, "an amount has at most %d digits before and %d after the point", maxInteger, maxScale)
}

func errMalformed() *domain.Error {
	return domain.Errorf(domain.CodeAmountInvalid, "an amount is a plain decimal such as 12.50")
}

// append appends the canonical text. It has no trailing zeros, so equal values have equal text and equal hashes.
func (a fixed) append(b []byte) []byte {
	if a.overflown() {
		return append(b, overflowText...)
	}
	if a.negative() {
		b = append(b, '-')
	}
	hi, lo := a.magnitude()
	upper := hi / unitsPerOne // zero for all that is in range
	whole, frac := bits.Div64(hi%unitsPerOne, lo, unitsPerOne)
	if upper == 0 {
		b = strconv.AppendUint(b, whole, 10)
	} else {
		most, rest := bits.Div64(upper, whole, limit/unitsPerOne)
		b = appendPadded(strconv.AppendUint(b, most, 10), rest, maxInteger)
	}
	if frac == 0 {
		return b
	}
	places := maxScale
	for frac%10 == 0 {
		frac, places = frac/10, places-1
	}
	return appendPadded(append(b, '.'), frac, places)
}

// appendPadded appends n with zeros before it, width digits in all.
func appendPadded(b []byte, n uint64, width int) []byte {
	b = append(b, "000000000000000000"[:width]...)
	for i := len(b) - 1; n > 0; i, n = i-1, n/10 {
		b[i] += byte(n % 10)
	}
	return b
}

func (a fixed) String() string {
	var b [2 * maxText]byte
	return string(a.append(b[:0]))
}

func (a fixed) appendQuoted(b []byte) []byte {
	b = append(b, '"')
	b = a.append(b)
	return append(b, '"')
}

// unmarshal reads a quoted plain decimal. No character of one needs an escape, so none is understood.
func unmarshal(b []byte) (fixed, error) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' || bytes.IndexByte(b, '\\') >= 0 {
		return fixed{}, domain.Errorf(domain.CodeAmountInvalid, "an amount is a decimal string in quotes")
	}
	return parse(b[1 : len(b)-1])
}

// read reads a quoted plain decimal at the beginning of b.
func read(b []byte) (a fixed, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return a, nil, false
	}
	a, end, fits := scan(b[1:min(len(b), maxInput+2)])
	if end == 0 || !fits || end > maxInput || end+1 >= len(b) || b[end+1] != '"' {
		return fixed{}, nil, false
	}
	return a, b[end+2:], true
}
