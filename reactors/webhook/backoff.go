package webhook

import (
	"math/rand/v2"
	"time"
)

// The waits between attempts: after the n-th one, a random time between 0 and firstWait × 2^(n-1), at most longestWait.
// Full jitter spreads what failed together.
const (
	firstWait   = 10 * time.Second
	longestWait = 4 * time.Hour
	// longestAsked bounds a receiver's Retry-After.
	longestAsked = 6 * time.Hour
)

// A receiver that failed restAfter times in a row gets a rest, and afterwards one attempt at a time: what waits for it
// waits as a whole, however much it is.
const (
	restAfter   = 5
	firstRest   = 5 * time.Second
	longestRest = 10 * time.Minute
)

// wait is how long to wait after the n-th attempt, from 1. random returns a number in [0, n).
func wait(tries int, asked time.Duration, random func(int64) int64) time.Duration {
	most := doubled(firstWait, longestWait, tries-1)
	return max(time.Duration(random(int64(most)+1)), min(asked, longestAsked))
}

// rest is how long a receiver is left alone after so many failures in a row; 0 before they are enough.
func rest(failures int, random func(int64) int64) time.Duration {
	if failures < restAfter {
		return 0
	}
	most := doubled(firstRest, longestRest, failures-restAfter)
	return most/2 + time.Duration(random(int64(most/2)+1))
}

func doubled(first, longest time.Duration, times int) time.Duration {
	for ; times > 0 && first < longest; times-- {
		first *= 2
	}
	return min(first, longest)
}

func random(n int64) int64 {
	return rand.Int64N(n) //nolint:gosec // it spreads load
}
