package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/answers"
)

// renewal keeps the hold of a long call alive, and its lease of an idempotency key.
type renewal struct {
	mu     sync.Mutex
	holds  *time.Timer
	leases *time.Timer
	ended  bool
}

// start sets the clocks: half of a hold's life, a third of a lease.
func (n *renewal) start(ctx context.Context, r *run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, h, name := r.g, r.hold, r.name
	half := g.o.holdTTL() / 2
	extend := func(ctx context.Context) error { return h.extend(ctx, g) }
	n.holds = time.AfterFunc(half, func() { n.again(ctx, g, name, &n.holds, half, extend) })
	if r.claim != nil {
		claim, third := *r.claim, g.o.Lease/3
		renew := func(ctx context.Context) error { return g.renewLease(ctx, claim) }
		n.leases = time.AfterFunc(third, func() { n.again(ctx, g, name, &n.leases, third, renew) })
	}
}

// again renews once and sets the clock anew: sooner, when the database is away; not at all, when there is nothing left to
// renew.
func (n *renewal) again(ctx context.Context, g *Gateway, name string, timer **time.Timer, every time.Duration, renew func(context.Context) error) {
	if n.over() || !g.enter() {
		return
	}
	defer g.running.Done()
	ctx, cancel := context.WithTimeout(ctx, g.o.LedgerTimeout)
	defer cancel()
	err := renew(ctx)
	const sooner = 8
	switch {
	case passing(err):
		every /= sooner
	case err != nil && !n.over():
		g.o.Logger.Warn().Err(err).Str("generation", name).Msg("a running call cannot be renewed")
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ended {
		(*timer).Reset(every)
	}
}

func (n *renewal) over() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

// stop ends the renewing. One that is under way does no harm: a hold that has ended is not extended.
func (n *renewal) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	for _, timer := range []*time.Timer{n.holds, n.leases} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func (g *Gateway) renewLease(ctx context.Context, claim answers.Claim) error {
	err := g.o.Answers.Renew(ctx, claim, g.o.Lease)
	if domain.CodeOf(err) == domain.CodeInternal { // not ours any more: nothing to renew
		return domain.Errorf(domain.CodeConflict, "the idempotency key belongs to another call").Wrap(err)
	}
	return err
}
