package routing

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// What a circuit breaker is told of a call.
var (
	errBadly   = errors.New("the endpoint failed")
	errNeither = errors.New("the call says nothing about the endpoint")
)

// BreakerOptions are when a circuit opens: after so many failures in a row, or when failures are such a share of the calls of a window.
// Zero values take the defaults named here.
type BreakerOptions struct {
	Row      uint32        // failures one after the other; 8. The share alone would notice the outage of a busy endpoint late.
	Window   time.Duration // of the calls that count; 30 s
	Failures uint32        // in it at least; 5
	Share    float64       // of the calls in it at least; 0.5
	Open     time.Duration // before a few calls are let through; 30 s
	Probes   uint32        // that have to come out well, one after the other, to close it, and are let through until then; 3
}

func (o *BreakerOptions) setDefaults() {
	set(&o.Row, 8)
	set(&o.Window, 30*time.Second)
	set(&o.Failures, 5)
	set(&o.Share, 0.5)
	set(&o.Open, 30*time.Second)
	set(&o.Probes, 3)
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// breaker is the circuit of one endpoint, in this process: what others see of the endpoint reaches its uptime, see Condition.
type breaker struct {
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}]
	open    time.Duration
	since   atomic.Int64 // Unix nanoseconds of the last opening
}

func newBreaker(o *BreakerOptions) *breaker {
	b := &breaker{open: o.Open}
	row, failures, share := o.Row, o.Failures, o.Share
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: o.Probes, Interval: o.Window, BucketPeriod: o.Window / 6, Timeout: o.Open,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= row || c.TotalFailures >= failures && float64(c.TotalFailures) >= share*float64(c.TotalFailures+c.TotalSuccesses)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNeither) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.since.Store(time.Now().UnixNano())
			}
		},
	})
	return b
}

// closed says whether calls may be let through, and if not, when that is looked at again.
func (b *breaker) closed(now time.Time) (ok bool, retry time.Duration) {
	if b.circuit.State() != gobreaker.StateOpen {
		return true, 0
	}
	return false, max(b.open-now.Sub(time.Unix(0, b.since.Load())), time.Second)
}

// enter asks for a call. done must be called once, whatever comes: what is not told counts as under way, and a half open circuit
// waits for it.
func (b *breaker) enter() (done func(error), ok bool) {
	done, err := b.circuit.Allow()
	return done, err == nil
}
