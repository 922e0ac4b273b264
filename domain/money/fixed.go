package money

import (
	"cmp"
	"math/bits"
)

// fixed is a count of units of 10^-12 in 128 bits, two's complement. The zero value is zero; equal values are ==.
//
// Nothing wraps. The two ends, ±(2^127-1), are not values but overflow: a result that reaches one stays there through
// every later operation. Overflow is above every value, or below all of them if it is negative, so a cost that cannot be
// counted is above every budget, and what it leaves of a budget is less than nothing. Of the sum of both ends nothing is
// known; it is the upper one.
type fixed struct{ hi, lo uint64 }

const (
	unitsPerOne = 1_000_000_000_000
	limit       = 1_000_000_000_000_000_000 * unitsPerOne // the first count with more than maxInteger digits
	limitHi     = limit >> wordBits
	limitLo     = limit & maxWord

	wordBits = 64
	maxWord  = 1<<wordBits - 1
	signBit  = 1 << (wordBits - 1)
)

func overflow(negative bool) fixed {
	if negative {
		return fixed{signBit, 1}
	}
	return fixed{signBit - 1, maxWord}
}

// signed is the value of a sign and a magnitude.
func signed(negative bool, hi, lo uint64) fixed {
	if hi >= signBit {
		return overflow(negative)
	}
	if negative {
		return fixed{hi, lo}.neg()
	}
	return fixed{hi, lo}
}

func (a fixed) negative() bool { return a.hi >= signBit }

func (a fixed) overflown() bool { return a == overflow(false) || a == overflow(true) }

// inRange says whether the value has at most maxInteger digits before the point.
func (a fixed) inRange() bool {
	hi, lo := a.magnitude()
	return hi < limitHi || hi == limitHi && lo < limitLo
}

func (a fixed) magnitude() (hi, lo uint64) {
	if a.negative() {
		a = a.neg()
	}
	return a.hi, a.lo
}

func (a fixed) sign() int {
	switch {
	case a.negative():
		return -1
	case a == fixed{}:
		return 0
	default:
		return 1
	}
}

func (a fixed) cmp(b fixed) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi^signBit, b.hi^signBit)
	}
	return cmp.Compare(a.lo, b.lo)
}

func (a fixed) neg() fixed {
	lo, borrow := bits.Sub64(0, a.lo, 0)
	hi, _ := bits.Sub64(0, a.hi, borrow)
	return fixed{hi, lo}
}

func (a fixed) add(b fixed) fixed {
	if a.overflown() || b.overflown() {
		return overflow(a != overflow(false) && b != overflow(false))
	}
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	wrapped := (a.hi^hi)&(b.hi^hi) >= signBit // both had the other sign
	if wrapped || hi == signBit && lo == 0 {  // -2^127 is beyond the lower end
		return overflow(a.negative())
	}
	return fixed{hi, lo}
}

func (a fixed) sub(b fixed) fixed { return a.add(b.neg()) }

func (a fixed) mul(n int64) fixed {
	if a.overflown() {
		return overflow(a.negative() != (n < 0))
	}
	by := uint64(n) //nolint:gosec // two's complement: the next line makes it the magnitude, also of the smallest n
	if n < 0 {
		by = -by
	}
	ahi, alo := a.magnitude()
	carry, lo := bits.Mul64(alo, by)
	over, hi := bits.Mul64(ahi, by)
	hi, more := bits.Add64(hi, carry, 0)
	if over != 0 || more != 0 {
		return overflow(a.negative() != (n < 0))
	}
	return signed(a.negative() != (n < 0), hi, lo)
}

// quo is how many whole times b, above zero, is in a, not below zero; or most when it is more often.
func (a fixed) quo(b fixed, most uint64) uint64 {
	if b.hi != 0 {
		return min(a.quoWide(b), most)
	}
	if a.hi >= b.lo {
		return most
	}
	q, _ := bits.Div64(a.hi, a.lo, b.lo)
	return min(q, most)
}

// quoWide divides by more than one word, so the quotient fits one. It is estimated from the divisor's leading 64 bits
// (Knuth, The Art of Computer Programming, volume 2, 4.3.1): the estimate is the quotient or one more.
func (a fixed) quoWide(b fixed) uint64 {
	shift := bits.LeadingZeros64(b.hi)
	leading := b.hi<<shift | b.lo>>(wordBits-shift)
	estimate, _ := bits.Div64(a.hi>>1, a.hi<<(wordBits-1)|a.lo>>1, leading) // halved, so that it fits
	estimate >>= wordBits - 1 - shift
	carry, lo := bits.Mul64(b.lo, estimate)
	hi := b.hi*estimate + carry
	if hi > a.hi || hi == a.hi && lo > a.lo {
		estimate--
	}
	return estimate
}
