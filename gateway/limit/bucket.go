package limit

// unit is one request or token: its limit's worth flows off each millisecond.
const unit = 60_000

// mostDebt bounds what can be owed, so that all sums are exact also as the doubles of Lua.
const mostDebt = int64(1e15)

// bucket is one meter: what was taken and has not flowed off, in 1/unit, as of a time in ms.
type bucket struct{ debt, at int64 }

// owed is the debt now. A clock that went back lets nothing flow off.
func (b bucket) owed(limit, now int64) int64 {
	gone := now - b.at
	switch {
	case b.debt == 0 || gone <= 0:
		return b.debt
	case gone > b.debt/limit:
		return 0
	}
	return b.debt - gone*limit
}

// verdict of a meter: what remains, and in ms until nothing is taken and until what was asked for fits.
type verdict struct{ remaining, reset, wait int64 }

// fits says whether n more can be taken when burst may come at once; if not, the verdict says more.
func (b bucket) fits(n, limit, burst, now int64) (verdict, bool) {
	owed := b.owed(limit, now)
	over := owed + n*unit - burst*unit
	if over <= 0 {
		return verdict{}, true
	}
	return verdict{remaining: max(0, (burst*unit-owed)/unit), reset: ceil(owed, limit), wait: ceil(over, limit)}, false
}

// take adds n, which fits.
func (b *bucket) take(n, limit, now int64) { *b = bucket{debt: b.owed(limit, now) + n*unit, at: now} }

// giveBack takes n off again, or adds to what was taken when n is negative.
func (b *bucket) giveBack(n, limit, now int64) {
	*b = bucket{debt: min(mostDebt, max(0, b.owed(limit, now)-n*unit)), at: now}
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
