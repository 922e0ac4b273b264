package gateway

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// Count estimates how many tokens the prompt of a call has, by a vocabulary that stands in for every model's own. It asks no vendor and
// costs nothing. group is the caller's price group: what has a price for it can be called. Errors: invalid_request, model_not_found, ledger_unavailable.
func (g *Gateway) Count(ctx context.Context, in exchange.Incoming, group string) (int64, error) {
	q, err := g.calling.Read(in)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	r := run{g: g, req: q, call: Call{Incoming: in, PriceGroup: group}}
	if err := r.plan(ctx); err != nil {
		return 0, err
	}
	prompt, err := q.Prompt()
	if err != nil {
		return 0, err
	}
	n, err := g.counter.Prompt(prompt)
	if err != nil {
		return 0, domain.Errorf(domain.CodeInternal, "the prompt's tokens cannot be counted").Wrap(err)
	}
	return n, nil
}
