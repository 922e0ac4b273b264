package gateway

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
)

// bounds are the most that the call can use.
type bounds struct {
	prompt int64
	output int64 // of one choice
}

// bounds of the call, or why its output cap cannot be.
func (r *run) bounds() (bounds, error) {
	b := bounds{prompt: r.req.PromptBound(r.route.context, r.g.o.ImageTokens), output: r.req.Cap}
	switch {
	case b.output == 0:
		b.output = min(r.g.o.DefaultCap, r.route.output)
	case b.output > r.route.output:
		return b, domain.Errorf(domain.CodeInvalid, "the model %q puts out at most %d tokens", r.route.model.ID, r.route.output).
			With("param", r.req.CapName)
	}
	return b, nil
}

// admit chooses who serves the call and places the hold.
func (r *run) admit(ctx context.Context) (err error) {
	if r.route, err = r.g.route(ctx, r.req.Model); err != nil {
		return err
	}
	b, err := r.bounds()
	if err != nil {
		return err
	}
	r.x, err = r.req.With(chat.Dialect(r.route.vendor.Dialect), chat.Told{
		ID: domain.GenerationID(r.id), Model: r.route.model.ID, Provider: r.route.vendor.Name, Created: r.facts.StartedAt.Unix(),
	})
	if err != nil {
		return err
	}
	return r.hold.place(ctx, r, b)
}

// meterBounds are what a report of the vendor is held against.
func (r *run) meterBounds() meter.Bounds {
	return meter.Bounds{Context: r.route.context, Prompt: r.hold.PromptTokens, Completion: r.hold.CompletionTokens}
}
