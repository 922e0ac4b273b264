// Package load generates calls of models and measures them: at a fixed rate, each from the moment at which it was due (so that
// a stall counts for everybody who had to wait), or with a number of callers as fast as they can.
package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Target is where calls go: ready-made requests, used in turn. See Dialect.Target.
type Target struct {
	Address  string // host:port
	requests []request
	end      []byte // of a whole stream
}

// At is the same calls at another server that answers them, such as a proxy.
func (t Target) At(address string) Target {
	t.Address = address
	return t
}

// request is what goes over the wire; the body is shared.
type request struct{ head, body []byte }

// Result is what one or more phases measured.
type Result struct {
	Calls     int64
	Failed    int64
	Took      time.Duration
	Failures  map[string]int64 // by text
	latencies []time.Duration
	first     []time.Duration // to a stream's first token
	tokens    []time.Duration // from the moment at which the vendor made a token to its arrival
}

// Add joins another phase of the same target.
func (r *Result) Add(o Result) {
	r.Calls += o.Calls
	r.Failed += o.Failed
	r.Took += o.Took
	r.latencies = append(r.latencies, o.latencies...)
	r.first = append(r.first, o.first...)
	r.tokens = append(r.tokens, o.tokens...)
	for text, n := range o.Failures {
		r.fail(text, n)
	}
}

func (r *Result) fail(text string, n int64) {
	const kinds = 20
	if r.Failures == nil {
		r.Failures = map[string]int64{}
	}
	if _, known := r.Failures[text]; !known && len(r.Failures) >= kinds {
		text = "other"
	}
	r.Failures[text] += n
}

// Quantiles are the latencies at the given thousandths, by nearest rank; zero when nothing succeeded.
func (r *Result) Quantiles(thousandths ...int) []time.Duration {
	return Quantiles(r.latencies, thousandths...)
}

// FirstToken is Quantiles of the times to the first token of a stamped stream.
func (r *Result) FirstToken(thousandths ...int) []time.Duration {
	return Quantiles(r.first, thousandths...)
}

// Token is Quantiles of how long each token of stamped streams was under way from the vendor.
func (r *Result) Token(thousandths ...int) []time.Duration {
	return Quantiles(r.tokens, thousandths...)
}

// Tokens is how many tokens of stamped streams arrived.
func (r *Result) Tokens() int64 { return int64(len(r.tokens)) }

// Quantiles sorts latencies and tells those at the given thousandths, by nearest rank; zero when there are none.
func Quantiles(latencies []time.Duration, thousandths ...int) []time.Duration {
	slices.Sort(latencies)
	out := make([]time.Duration, len(thousandths))
	n := len(latencies)
	for i, q := range thousandths {
		if n > 0 {
			out[i] = latencies[min(n-1, max(0, (n*q+999)/1000-1))]
		}
	}
	return out
}

// PerSecond is the rate of successful calls.
func (r *Result) PerSecond() int64 {
	if r.Took <= 0 {
		return 0
	}
	return (r.Calls - r.Failed) * int64(time.Second) / int64(r.Took)
}

// worker is one connection's share.
type worker struct {
	conn   conn
	result Result
}

func (w *worker) call(ctx context.Context, c request, since time.Time) {
	first, tokens := len(w.result.first), len(w.result.tokens)
	err := w.conn.do(ctx, c, w.heard(since))
	took := time.Since(since)
	if err != nil {
		w.result.first, w.result.tokens = w.result.first[:first], w.result.tokens[:tokens]
	}
	if err != nil && ctx.Err() != nil {
		return // given up by us
	}
	w.note(err, took)
}

// heard notes the tokens of a call.
func (w *worker) heard(since time.Time) func(made int64) {
	begun := false
	return func(made int64) {
		now := time.Now()
		if !begun {
			begun = true
			w.result.first = append(w.result.first, now.Sub(since))
		}
		w.result.tokens = append(w.result.tokens, time.Duration(now.UnixNano()-made))
	}
}

func (w *worker) note(err error, took time.Duration) {
	w.result.Calls++
	if err != nil {
		w.result.Failed++
		w.result.fail(err.Error(), 1)
		return
	}
	w.result.latencies = append(w.result.latencies, took)
}

// Crew is connections that stay open between phases.
type Crew struct {
	target  Target
	workers []*worker
	next    atomic.Int64 // which request comes next
}

// NewCrew makes n connections to a target; they open when they are first used.
func NewCrew(target Target, n int) *Crew {
	c := &Crew{target: target}
	for range n {
		c.workers = append(c.workers, &worker{conn: conn{address: target.Address, end: target.end}})
	}
	return c
}

// Close closes the connections.
func (c *Crew) Close() {
	for _, w := range c.workers {
		w.conn.close()
	}
}

func (c *Crew) request() request {
	return c.target.requests[int(c.next.Add(1)-1)%len(c.target.requests)]
}

// AtRate sends rate calls a second for a time. Call i is due at start + i/rate whatever became of the others, and its
// latency counts from then.
func (c *Crew) AtRate(ctx context.Context, rate int, d time.Duration) Result {
	start := time.Now()
	total := int64(d) * int64(rate) / int64(time.Second)
	var due atomic.Int64
	return c.run(func(w *worker) {
		for ctx.Err() == nil {
			i := due.Add(1) - 1
			if i >= total {
				return
			}
			at := start.Add(time.Duration(i * int64(time.Second) / int64(rate)))
			if !sleepUntil(ctx, at) {
				return
			}
			w.call(ctx, c.request(), at)
		}
	})
}

// Flat lets every connection call again as soon as it has its answer.
func (c *Crew) Flat(ctx context.Context, d time.Duration) Result {
	end := time.Now().Add(d)
	return c.run(func(w *worker) {
		for ctx.Err() == nil && time.Now().Before(end) {
			w.call(ctx, c.request(), time.Now())
		}
	})
}

// run lets all workers work and adds up what they measured.
func (c *Crew) run(work func(*worker)) Result {
	start := time.Now()
	var all sync.WaitGroup
	for _, w := range c.workers {
		w.result = Result{}
		all.Go(func() { work(w) })
	}
	all.Wait()
	var sum Result
	for _, w := range c.workers {
		sum.Add(w.result)
	}
	sum.Took = time.Since(start)
	return sum
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errNotOpen says that streams ended before all were open.
var errNotOpen = errors.New("not all streams were open at the same time")

// HoldOpen opens one stamped stream on every connection, calls opened when all have begun, and reads them to their end.
func (c *Crew) HoldOpen(ctx context.Context, opened func()) (Result, error) {
	var waiting, ended atomic.Int64
	var early atomic.Bool
	waiting.Store(int64(len(c.workers)))
	result := c.run(func(w *worker) {
		start := time.Now()
		heard, begun := w.heard(start), false
		err := w.conn.do(ctx, c.request(), func(made int64) {
			if !begun {
				begun = true
				if waiting.Add(-1) == 0 {
					early.Store(ended.Load() > 0)
					opened()
				}
			}
			heard(made)
		})
		ended.Add(1)
		w.note(err, time.Since(start))
	})
	if early.Load() || waiting.Load() > 0 {
		return result, errNotOpen
	}
	return result, nil
}
