// Package gateway is the way of an inference call: the request is read, a vendor is chosen, the most that the call can cost
// is held, the vendor is called, its answer is relayed, and what was used is charged before the last byte leaves.
//
//	exchange/ the bytes of a call, between the dialects of its caller and its vendor: openai/, anthropic/, gemini/, responses/
//	          read and write one dialect each, chat/ is what they have in common; jsonscan/ goes through JSON and changes it
//	          embedding/, completion/, rerank/, media/: what is asked for and is no conversation
//	route.go  model → endpoint, vendor; target.go  vendor → address, accounts
//	credential/ the platform's keys at vendors; account.go  one of them in use
//	ownkey.go keys of customers at vendors: ownkey/
//	admit.go  bounds of the call → hold
//	send.go   attempts at the vendor; fault.go says what went wrong
//	whole.go  an answer in one piece; relay.go a stream; speak.go sound
//	meter/    what was used
//	settle.go the charge; sweep.go sends what could not be sent
//	keep.go   first answers for callers with an Idempotency-Key
//	preset.go what a call leaves unsaid: preset/
//	tape.go   what is stored for owners who want that: content/
//	cached.go answers that cost nothing, for callers who asked for that: cache/, counted by hits/
//
// The call to the vendor belongs to the server: a caller who goes away ends it only where ending it stops the bill. Every
// hold ends in one of three ways: settled, released, or, when the process dies, by its expiry.
package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/routing"
)

// Gateway runs calls. It is safe for concurrent use.
type Gateway struct {
	o       Options
	counter meter.Counter
	budget  *meter.Budget
	health  health
	calling exchange.Set
	buffers sync.Pool

	targetsMu sync.RWMutex
	targets   map[string]*target // by vendor
	// ownTargets are those with keys of customers, by vendor and key.
	ownTargets map[string]*target

	base context.Context // of all calls to vendors; ends when the process cannot wait any longer
	kill context.CancelCauseFunc

	mu       sync.Mutex
	stopped  bool
	stopping chan struct{} // closed when no new calls are taken
	running  sync.WaitGroup
	calls    atomic.Int64
	swept    chan struct{} // one token: something is in the journal

	takingBack atomic.Int64
	storing    atomic.Int64 // answers that are put into the cache now
}

// New makes a Gateway. Run it, and stop it when the surfaces take no more requests.
func New(o Options) (*Gateway, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	g := &Gateway{
		o: o, budget: meter.NewBudget(o.KeepTextTotal), health: newHealth(), stopping: make(chan struct{}), swept: make(chan struct{}, 1),
		targets: make(map[string]*target), ownTargets: make(map[string]*target),
	}
	g.base, g.kill = context.WithCancelCause(context.Background())
	return g, nil
}

// Health is what was measured of endpoints, and which credentials do not work now: to be shared with other processes (routing.Shared).
func (g *Gateway) Health() *routing.Health { return g.health.platform }

// Running is how many calls are under way.
func (g *Gateway) Running() int64 { return g.calls.Load() }

// Unsent is how many settlements and releases wait in the journal for the ledger.
func (g *Gateway) Unsent() int { return g.o.Journal.Len() }

// enter counts something in that Stop waits for.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return false
	}
	g.running.Add(1)
	return true
}

// Stop takes no more calls and waits until those under way are settled. When ctx ends first, they are cut off at the
// vendor, and what they produced until then is settled, in the journal if need be. The journal stays open.
func (g *Gateway) Stop(ctx context.Context) {
	g.mu.Lock()
	if !g.stopped {
		g.stopped = true
		close(g.stopping)
	}
	g.mu.Unlock()
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		g.kill(errStopping)
		<-done
	}
	g.kill(errStopping)
}

// Complete runs one call and answers the client. An error that it returns was not told to the client yet: it is
// a *domain.Error, and nothing was sent. ctx is the caller's: its end means that the caller went away.
func (g *Gateway) Complete(ctx context.Context, c Call, client Client) (err error) {
	if !g.enter() {
		return stopping()
	}
	defer g.running.Done()
	g.calls.Add(1)
	defer g.calls.Add(-1)
	r := g.newRun(c, client)
	defer r.end()
	defer func() {
		if p := recover(); p != nil {
			err = r.panicked(context.WithoutCancel(ctx), p, debug.Stack())
		}
	}()
	return r.do(ctx)
}

// panicked ends a call that a fault of ours broke: what was produced is charged, nothing else.
func (r *run) panicked(ctx context.Context, p any, stack []byte) (err error) {
	r.g.o.Logger.Error().Str("generation", r.name).Str("panic", fmt.Sprint(p)).Bytes("stack", stack).Msg("a call panicked")
	failure := domain.Errorf(domain.CodeInternal, "something went wrong on our side")
	defer func() {
		if again := recover(); again != nil {
			r.g.o.Logger.Error().Str("generation", r.name).Str("panic", fmt.Sprint(again)).Msg("a call panicked again; its hold will expire")
			err = failure
		}
	}()
	return r.fail(ctx, failure)
}
