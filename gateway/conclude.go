package gateway

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/routing"
)

// conclude charges a call whose answer came to its proper end, and returns what is to be sent last, which build makes from
// the usage that the caller is told. An answer that is kept is written down before its charge is sent, with the cost that
// the ledger will find too: both compute it at the pinned price.
func (r *run) conclude(ctx context.Context, e *ending, build func(*chat.Bill) []byte) ([]byte, *domain.Error) {
	s := r.verdict(ctx, e)
	r.attempts.Ended(routing.Outcome{Result: routing.Answered, Tokens: s.Usage.Completion()}, r.g.o.Now())
	var final []byte
	made := false
	if r.claim != nil {
		if cost, ok := r.cost(ctx, &s); ok {
			final, made = build(&chat.Bill{Usage: s.Usage, Cost: cost}), true
			r.keep(ctx, &s, final)
		}
	}
	cost, state := r.charge(ctx, s)
	if state == stranded && s.Release == "" {
		return nil, domain.Errorf(domain.CodeUnavailable, "the charge of this call could not be recorded")
	}
	if !made {
		final = build(&chat.Bill{Usage: s.Usage, Cost: cost})
		if r.claim != nil {
			r.keep(ctx, &s, final)
		}
	}
	if r.claim != nil && (state == recorded || state == refused) {
		r.g.noteSettled(ctx, *r.claim)
	}
	r.store(ctx, e, &s, cost.Total)
	return final, nil
}

// charge sends the settlement and says what the call costs.
func (r *run) charge(ctx context.Context, s settlement) (chat.Cost, state) {
	r.hold.placed = false // it ends here, whatever comes
	r.used = s.Usage.Prompt() + s.Usage.Completion()
	wait := r.g.o.SettleWait
	if s.Release != "" {
		wait = r.g.o.ReleaseWait
	}
	charged, state := r.g.settle(ctx, s, wait)
	switch state {
	case recorded:
		return chat.Cost{
			Total: charged.Charge, Prompt: charged.PromptCost, Completion: charged.CompletionCost, Own: r.hold.own != nil, Upstream: charged.UpstreamCost,
		}, state
	case journaled, stranded:
		cost, _ := r.cost(ctx, &s)
		return cost, state
	case refused:
	}
	return chat.Cost{}, state
}

// cost is what the ledger will charge: the usage at the price that the hold pinned.
func (r *run) cost(ctx context.Context, s *settlement) (chat.Cost, bool) {
	cost := chat.Cost{Own: r.hold.own != nil}
	if s.Release != "" {
		return cost, true
	}
	version, ok := r.g.price(ctx, r.hold.endpoint, r.hold.PriceVersion)
	if !ok {
		return cost, false
	}
	price := version.Price
	if r.hold.own != nil {
		cost.Upstream = usage.Total(version.CostSchedule().For(s.Tier).LineItems(s.Usage, r.hold.PlacedAt))
		price = price.Part(r.hold.own.Rate)
	}
	for _, item := range price.For(s.Tier).LineItems(s.Usage, r.hold.PlacedAt) {
		cost.Total = cost.Total.Add(item.Amount)
		switch item.Class.Side() {
		case usage.Prompt:
			cost.Prompt = cost.Prompt.Add(item.Amount)
		case usage.Completion:
			cost.Completion = cost.Completion.Add(item.Amount)
		case usage.Neither:
		}
	}
	return cost, true
}

// fail ends a call before its proper end: what was produced of a stream is charged, anything else costs nothing.
func (r *run) fail(ctx context.Context, err *domain.Error) error {
	e := ending{err: err, text: func() *meter.Produced { return &r.produced }}
	return r.breakOff(ctx, &e)
}

// breakOff is fail for a stream of which something is known. The error is returned if it can still be told with a status;
// otherwise it goes into the stream, with the usage that was charged.
func (r *run) breakOff(ctx context.Context, e *ending) error {
	r.outcome = string(e.err.Code)
	if r.attempts != nil {
		r.attempts.Ended(routing.Outcome{Result: resultOf(e.err), FirstByte: true}, r.g.o.Now())
	}
	var bill *chat.Bill
	if r.hold.placed {
		if !r.seen(e.err) {
			r.produced = meter.Produced{} // the caller has seen nothing of it
		}
		s := r.verdict(ctx, e)
		cost, _ := r.charge(ctx, s)
		if s.Release == "" {
			bill = &chat.Bill{Usage: s.Usage, Cost: cost}
		}
		r.freeToken(ctx)
	}
	if !r.out.begun() {
		return e.err
	}
	r.out.sendLast(r.x.AppendFailure(make([]byte, 0, spliceRoom), r.out.failure(e.err), bill))
	return nil
}

// resultOf is what the end of an answer that had begun says about its vendor.
func resultOf(err *domain.Error) routing.Result {
	switch err.Code {
	case CodeClientGone, CodeStopping, domain.CodeInternal, domain.CodeUnavailable:
		return routing.GaveUp
	default:
		return routing.Failed
	}
}
