package column

import (
	"encoding/binary"
	"math/bits"

	"github.com/massrouter/massrouter/domain/money"
)

// PostgreSQL sends and receives a numeric (numeric_recv in src/backend/utils/adt/numeric.c) as four numbers of two bytes, and then
// its digits to base 10,000, two bytes each: how many digits there are, the weight of the first (a power of the base), the sign,
// and how many decimals are shown.
const (
	numericHead     = 8
	numericNegative = 0x4000
	base            = 10_000
	decimals        = 12 // of an amount: three digits to the base
	maxDigits       = 10 // 2^127 has 39 decimal digits
)

// numericDigits are the digits of an amount, the last n of the array.
func numericDigits(a money.Amount) (digits [maxDigits]uint16, n int) {
	_, hi, lo := a.Units()
	for ; hi != 0; n++ {
		var rest uint64
		hi, rest = hi/base, hi%base
		lo, rest = bits.Div64(rest, lo, base)
		digits[maxDigits-1-n] = uint16(rest) //nolint:gosec // below the base
	}
	for ; lo != 0; n++ { // nearly all amounts are so small, and a division by a constant costs a fraction
		digits[maxDigits-1-n] = uint16(lo % base)
		lo /= base
	}
	return digits, n
}

// amount appends an amount with its length before it.
func (a *array) amount(v money.Amount) {
	digits, n := numericDigits(v)
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(numericHead+2*n)) //nolint:gosec // at most maxDigits
	negative, _, _ := v.Units()
	a.b = appendNumeric(a.b, negative, digits[len(digits)-n:])
}

func appendNumeric(b []byte, negative bool, digits []uint16) []byte {
	sign := uint16(0)
	if negative {
		sign = numericNegative
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(digits)))              //nolint:gosec // at most maxDigits
	b = binary.BigEndian.AppendUint16(b, uint16(len(digits)-1-decimals/4)) //nolint:gosec // two's complement is the format
	b = binary.BigEndian.AppendUint16(b, sign)
	b = binary.BigEndian.AppendUint16(b, decimals)
	for _, d := range digits {
		b = binary.BigEndian.AppendUint16(b, d)
	}
	return b
}
