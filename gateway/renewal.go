package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/massrouter/massrouter/domain"
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
	half := r.g.o.holdTTL() / 2
	n.holds = time.AfterFunc(half, func() { n.again(ctx, r, &n.holds, half, r.extendHold) })
	if r.claim != nil {
		third := r.g.o.Lease / 3
		n.leases = time.AfterFunc(third, func() { n.again(ctx, r, &n.leases, third, r.renewLease) })
	}
}

// again renews once and sets the clock anew: sooner, when the database is away; not at all, when there is nothing left to
// renew.
func (n *renewal) again(ctx context.Context, r *run, timer **time.Timer, every time.Duration, renew func(context.Context) error) {
	if n.over() || !r.g.enter() {
		return
	}
	defer r.g.running.Done()
	ctx, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
	defer cancel()
	err := renew(ctx)
	const sooner = 8
	switch {
	case passing(err):
		every /= sooner
	case err != nil && !n.over():
		r.g.o.Logger.Warn().Err(err).Str("generation", r.name).Msg("a running call cannot be renewed")
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

func (r *run) extendHold(ctx context.Context) error { return r.hold.extend(ctx, r.g) }

func (r *run) renewLease(ctx context.Context) error {
	err := r.g.o.Answers.Renew(ctx, *r.claim, r.g.o.Lease)
	if domain.CodeOf(err) == domain.CodeInternal { // not ours any more: nothing to renew
		return domain.Errorf(domain.CodeConflict, "the idempotency key belongs to another call").Wrap(err)
	}
	return err
}
