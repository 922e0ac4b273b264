package gateway

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/routing"
)

// run is one call under way. Its methods are called by the goroutine that runs it, but for those of sender and watch.
type run struct {
	g        *Gateway
	call     Call
	asked    exchange.Incoming // the call without its preset
	id       uuid.UUID         // of the generation: of the hold
	name     string            // the id's public form, once there is a hold
	admitted uuid.UUID         // the id of the last one that had a hold
	req      *exchange.Request
	x        exchange.Exchange // once it is known who serves the call
	route    route
	offers   []route // all who can serve the call
	at       int     // of them, the one whose hold is placed
	attempts *routing.Attempts
	hold     *hold
	grant    *limit.Grant   // nil when nothing limits the rate of the call
	used     int64          // tokens that were charged
	claim    *answers.Claim // of the Idempotency-Key
	caching  caching
	using    using // who the platform is at the vendor that is called
	inlined  bool  // the call's media stand in it
	out      sender
	watch    watch
	stays    atomic.Bool // when the caller goes away, the vendor is heard to its end
	renewal  *renewal    // of the hold and the claim

	produced meter.Produced
	facts    wallet.Call
	outcome  string // how the call ended, for metrics
}

func (g *Gateway) newRun(c Call, client Client) *run {
	r := &run{g: g, call: c, asked: c.Incoming, hold: new(hold), renewal: new(renewal)}
	r.facts.StartedAt = g.o.Now().UTC().Truncate(time.Microsecond)
	c.app(&r.facts)
	r.out.init(client, r.leave)
	return r
}

// end gives back what the call used.
func (r *run) end() {
	r.renewal.stop()
	r.watch.close()
	r.storeContent()
	if r.attempts != nil {
		r.attempts.Ended(routing.Outcome{Result: routing.GaveUp}, r.g.o.Now())
	}
	r.out.close()
	r.produced.Drop()
	r.grant.Done(r.used)
	r.using.grant.Done(r.used)
	if r.req != nil {
		r.req.Close()
	}
	r.g.o.OnEnd(End{
		Model: r.route.model.ID, Vendor: r.route.vendor.ID, Streamed: r.facts.Streamed, Code: r.outcome,
		Attempts: r.facts.Attempts, FirstToken: time.Duration(r.facts.FirstTokenMS) * time.Millisecond, Took: r.elapsed(),
	})
}

func (r *run) elapsed() time.Duration { return max(r.g.o.Now().Sub(r.facts.StartedAt), 0) }

// do is the whole way of a call.
func (r *run) do(ctx context.Context) error {
	err := r.applyPreset(ctx)
	if err != nil {
		return r.refuse(err)
	}
	if r.req, err = r.g.calling.Read(r.call.Incoming); err != nil {
		return r.refuse(err)
	}
	r.facts.Streamed, r.facts.Operation, r.out.media = r.req.Stream, string(r.req.Operation), r.req.Media
	if r.id, err = newID(); err != nil {
		return r.refuse(err)
	}
	// From here on everything comes to its end, whether or not the caller still waits.
	work := context.WithoutCancel(ctx)
	if replayed, err := r.claimToken(work); replayed || err != nil {
		return r.refuse(err)
	}
	served := false // from the cache
	if err = r.plan(work); err == nil {
		served, err = r.cached(work)
	}
	if err == nil && !served {
		err = r.admit(work)
	}
	if err != nil || served {
		r.freeToken(work)
		return r.refuse(err)
	}
	r.begin(ctx, work)
	switch {
	case r.req.Stream:
		return r.relay(work)
	case r.req.Operation == exchange.Speech:
		return r.speak(work)
	}
	return r.whole(work)
}

// refuse notes how a call ended that was not admitted.
func (r *run) refuse(err error) error {
	if err != nil {
		r.outcome = string(domain.CodeOf(err))
	}
	return err
}

// begin starts what goes on beside the call: the clocks, and the watch for the caller, whose context is ctx, going away.
func (r *run) begin(ctx, work context.Context) {
	o := &r.g.o
	total, first := o.RequestTimeout, o.RequestTimeout
	if r.req.Stream {
		total, first = o.StreamTimeout, o.FirstByteTimeout
		r.out.keepAlive(o.KeepAlive, exchange.KeepAlive(r.call.Dialect))
		r.produced = meter.NewProduced(r.g.budget, o.KeepText)
	}
	if r.claim != nil {
		r.out.record(answers.MaxBody)
	}
	if r.call.Retention > 0 && o.Contents != nil {
		r.out.startTape()
	}
	r.watch.start(r.g.base, ctx, total, first, r.onGone)
	r.renewal.start(work, r)
}

// onGone is what happens when the caller goes away.
func (r *run) onGone() {
	r.out.abandon()
	r.leave()
}

// leave ends the call at the vendor where that stops the bill; otherwise it is read to its end, within limits. A caller with
// an Idempotency-Key may come back for the answer.
func (r *run) leave() {
	if !r.stays.Load() {
		r.watch.cancel(errGone)
		return
	}
	r.watch.limit(r.g.o.DrainTimeout)
}
