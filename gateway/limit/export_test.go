package limit

import "context"

// Bucket is a meter for tests.
type Bucket = bucket

// Owed, Fits, Take and GiveBack are the meter's arithmetic.
func (b bucket) Owed(limit, now int64) int64 { return b.owed(limit, now) }

func (b bucket) Fits(n, limit, burst, now int64) (remaining, reset, wait int64, ok bool) {
	v, ok := b.fits(n, limit, burst, now)
	return v.remaining, v.reset, v.wait, ok
}

func (b *bucket) Take(n, limit, now int64)     { b.take(n, limit, now) }
func (b *bucket) GiveBack(n, limit, now int64) { b.giveBack(n, limit, now) }

// Unit is the meters' smallest part.
const Unit = unit

// Failures open the link.
const Failures = failures

// Flush sends the corrections that wait, in the test's own goroutine.
func (l *Limiter) Flush(ctx context.Context) {
	for {
		select {
		case c := <-l.queue:
			l.correct(ctx, l.more(c))
		default:
			return
		}
	}
}

// Renew renews the leases, in the test's own goroutine.
func (l *Limiter) Renew(ctx context.Context) { l.renew(ctx) }

// Name is the scope's name in Redis.
func (s Scope) Name() string { return s.name() }

// Cells is the memory of the local shares.
func (l *Limiter) Cells() int {
	l.local.mu.Lock()
	defer l.local.mu.Unlock()
	return len(l.local.cells)
}

// Sweep forgets idle shares as of a time of this process' clock, in ms.
func (l *Limiter) Sweep(now int64) { l.local.sweep(now) }
