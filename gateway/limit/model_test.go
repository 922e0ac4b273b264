package limit_test

import "math/big"

// arrival is the plain model: the generic cell rate algorithm as a theoretical arrival time (the other form of ITU-T I.371, annex A), in
// fractions, with nothing clever. One minute's worth may come at once.
type arrival struct{ next *big.Rat } // when nothing of what was taken is left, in ms

const minute = 60_000

func rat(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// cost is how long n take at a limit a minute.
func cost(n, limit int64) *big.Rat { return new(big.Rat).Mul(rat(n), big.NewRat(minute, limit)) }

func later(a, b *big.Rat) *big.Rat {
	if a == nil || a.Cmp(b) < 0 {
		return b
	}
	return a
}

// wait is how long until n fit, 0 or less when they fit now.
func (a *arrival) wait(n, limit, now int64) *big.Rat {
	end := new(big.Rat).Add(later(a.next, rat(now)), cost(n, limit))
	return end.Sub(end, rat(now+minute))
}

func (a *arrival) take(n, limit, now int64) {
	a.next = new(big.Rat).Add(later(a.next, rat(now)), cost(n, limit))
}

func (a *arrival) giveBack(n, limit, now int64) {
	a.next = later(new(big.Rat).Sub(later(a.next, rat(now)), cost(n, limit)), rat(now))
}

// left is how long until nothing of what was taken is left.
func (a *arrival) left(now int64) *big.Rat {
	d := new(big.Rat).Sub(later(a.next, rat(now)), rat(now))
	return d
}

// remaining is how many fit now.
func (a *arrival) remaining(limit, now int64) int64 {
	free := new(big.Rat).Sub(rat(minute), a.left(now))
	if free.Sign() <= 0 {
		return 0
	}
	free.Mul(free, big.NewRat(limit, minute))
	return new(big.Int).Quo(free.Num(), free.Denom()).Int64()
}

// up is the next whole number.
func up(r *big.Rat) int64 {
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if m.Sign() > 0 {
		return q.Int64() + 1
	}
	return q.Int64()
}
