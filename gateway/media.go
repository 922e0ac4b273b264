package gateway

import (
	"context"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// inline puts what the caller names by address into the call, once, if the vendor of the route does not fetch it. What it may cost has been
// held: an image counts the same whatever it is, and a document may fill the model's context.
func (r *run) inline(ctx context.Context) error {
	if r.inlined || r.g.o.Media == nil || r.req.Operation != exchange.Chat || !r.route.inlines() {
		return nil
	}
	body, err := r.g.o.Media.Inline(ctx, r.call.Dialect, r.call.Body)
	if err != nil {
		return err
	}
	r.inlined = true
	if body == nil {
		return nil
	}
	in := r.call.Incoming
	in.Body = body
	req, err := r.g.calling.Read(in)
	if err != nil {
		return err
	}
	x, err := r.exchange(req)
	if err != nil {
		req.Close()
		return err
	}
	r.req.Close()
	r.call.Incoming, r.req, r.x = in, req, x
	return nil
}

// inlines says whether the vendor wants media in the body.
func (r *route) inlines() bool {
	return chat.Dialect(r.vendor.Dialect) == chat.Bedrock || r.vendor.Wire != nil && r.vendor.Wire.InlineMedia
}
