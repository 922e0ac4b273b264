package routing

import "time"

// backoff is the pause before the n-th return to a vendor, from 1: doubled each time up to most, of which a random half counts, so that calls
// that failed together do not come back together.
//
// cenkalti/backoff is not used: it draws from the process's own randomness, and without that only the doubling is left of it.
func backoff(base, most time.Duration, n int, random Random) time.Duration {
	d := base
	for i := 1; i < n && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	return d/2 + time.Duration(random()*float64(d-d/2))
}
