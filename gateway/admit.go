package gateway

import (
	"context"
	"slices"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
)

// bounds are the most that the call can use.
type bounds struct {
	prompt int64
	output int64 // of one choice
	extra  usage.Usage
	tier   string // the service tier that is asked for
}

// usualSearches is how often a vendor is taken to search the web for one call that lets it and does not say how often, and mostSearches where it
// says so. A call of which the vendor reports more is charged for all of them, and looked at.
const (
	usualSearches = 10
	mostSearches  = 100
)

// searches is how many of them are held for a choice.
func searches(x *chat.Extras) int64 {
	if x.MaxSearches == 0 {
		return usualSearches
	}
	return min(x.MaxSearches, mostSearches)
}

// bounds of the call, or why its output cap cannot be.
func (r *run) bounds() (bounds, error) {
	b := bounds{prompt: r.req.PromptBound(r.route.context, r.g.o.ImageTokens), output: r.req.Cap}
	switch {
	case r.req.Operation.Unbounded():
		b.output = r.route.output
	case !r.req.Operation.Generates():
		b.output = 0
	case b.output == 0:
		b.output = min(r.g.o.DefaultCap, r.route.output)
	case b.output > r.route.output:
		return b, domain.Errorf(domain.CodeInvalid, "the model %q puts out at most %d tokens", r.route.model.ID, r.route.output).
			With("param", r.req.CapName)
	}
	x, err := r.req.Extras()
	b.tier = catalog.TierOf(x.Tier)
	b.extra = r.extra(&x, &b)
	return b, err
}

// extra bounds what is priced apart from text. The models that put out sound or pictures may put out nothing else.
func (r *run) extra(x *chat.Extras, b *bounds) usage.Usage {
	var extra usage.Usage
	may := func(is bool, class usage.Class, most int64) {
		if is && most > 0 {
			if extra == nil {
				extra = make(usage.Usage, 2)
			}
			extra[class] = most
		}
	}
	may(x.Sound, usage.AudioInput, b.prompt)
	may(x.Pictures, usage.ImageInput, b.prompt)
	outputs := r.route.model.OutputModalities // none: not known, so that it may be any
	may(x.Speaks || len(outputs) == 0 || slices.Contains(outputs, "audio"), usage.AudioOutput, b.output*r.req.Choices)
	may(len(outputs) == 0 || slices.Contains(outputs, "image"), usage.ImageOutput, b.output*r.req.Choices)
	may(x.Searches, usage.Search, searches(x)*r.req.Choices)
	for class, n := range x.Pieces {
		may(true, class, n)
	}
	return extra
}

// admit places the hold for who is to serve the call.
func (r *run) admit(ctx context.Context) error {
	b, err := r.bounds()
	if err != nil {
		return err
	}
	if r.x, err = r.exchange(r.req); err != nil {
		return err
	}
	if err := r.limit(ctx, b); err != nil {
		return err
	}
	r.hold = r.newHold()
	if err := r.hold.place(ctx, r, b); err != nil {
		return err
	}
	r.name, r.admitted = domain.GenerationID(r.id), r.id
	r.stays.Store(r.claim != nil || !r.route.cancels())
	r.out.admitted(r.name)
	return nil
}

// exchange is a request's way to the vendor of the route and back.
func (r *run) exchange(req *exchange.Request) (exchange.Exchange, error) {
	return req.With(chat.Dialect(r.route.vendor.Dialect), &chat.Told{
		ID: domain.GenerationID(r.id), Model: r.route.model.ID, Provider: r.route.vendor.Name, Created: r.facts.StartedAt.Unix(),
	})
}

// limit takes the most that the call can use from the limits of its rate, once for all who are asked; the end of the call gives the
// rest back.
func (r *run) limit(ctx context.Context, b bounds) (err error) {
	if r.g.o.Limits == nil || len(r.call.Scopes) == 0 || r.grant != nil {
		return nil
	}
	r.grant, err = r.g.o.Limits.Take(ctx, b.prompt+b.output*r.req.Choices, r.call.Scopes...)
	return err
}

// moveTo goes to another one who can serve the call, after a failure of which the caller has seen nothing. It is a generation of its
// own, at its own price: the one that failed is released, and stays on record. false: it cannot be.
func (r *run) moveTo(ctx context.Context, offer int, failure *domain.Error) bool {
	if r.produced.Any() || r.out.hasBegun() {
		return false
	}
	r.renewal.stop()
	if r.hold.placed {
		e := ending{err: failure}
		r.note(&e)
		r.charge(ctx, r.settlement(nil, "").released(string(failure.Code)))
	}
	if r.claim != nil {
		r.freeToken(ctx)
		r.claim = nil
	}
	r.facts.Error, r.facts.Attempts, r.facts.Credential = "", 0, ""
	r.at, r.route = offer, r.offers[offer]
	var err error
	if r.id, err = newID(); err != nil {
		return false
	}
	if _, kept, err := r.takeToken(ctx); kept != nil || err != nil {
		return false // somebody else took it in between: the answer is there when the caller asks again
	}
	if r.admit(ctx) != nil {
		r.freeToken(ctx)
		r.claim = nil
		return false
	}
	r.renewal = new(renewal)
	r.renewal.start(ctx, r)
	return true
}

// meterBounds are what a report of the vendor is held against.
func (r *run) meterBounds() meter.Bounds {
	return meter.Bounds{Context: r.route.context * r.req.Prompts, Prompt: r.hold.PromptTokens, Completion: r.hold.CompletionTokens, Extra: r.hold.extra}
}
