package gateway

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/ownkey"
)

// route is who serves a call, and with what.
type route struct {
	vendor   catalog.Vendor
	model    catalog.Model
	endpoint catalog.Endpoint
	target   *target
	own      *ownkey.Usable // the customer's key, with which alone the vendor is called; nil for the platform's
	turn     int            // its place among the customer's keys of the vendor, from 1
	context  int64          // tokens, prompt and completion together
	output   int64          // tokens of one completion at most
}

// cancels says whether ending the call at the vendor stops the bill.
func (r *route) cancels() bool { return r.vendor.CancelPolicy == catalog.Cancel }

// offer is the route by one endpoint with a key of the customer's, or without one the platform's; or why there is none.
func (g *Gateway) offer(picture *Picture, model catalog.Model, endpoint catalog.Endpoint, group string, own *ownkey.Usable) (route, *catalog.PriceVersion, error) {
	price, ok := catalog.InForceFor(picture.Prices[endpoint.ID], picture.GroupPrices[endpoint.ID], group, g.o.Now())
	if !ok {
		return route{}, nil, domain.Errorf(domain.CodePriceNotInForce, "the model %q has no price in force", model.ID).With("param", "model")
	}
	vendor, ok := picture.Vendors[endpoint.Vendor]
	if !ok || vendor.Status != catalog.Active || !exchange.Speaks(chat.Dialect(vendor.Dialect)) {
		return route{}, nil, domain.Errorf(CodeVendorUnavailable, "the vendor of the model %q is not available now", model.ID)
	}
	target, err := g.targetOf(vendor, own)
	if err != nil {
		return route{}, nil, domain.Errorf(CodeVendorUnavailable, "the vendor of the model %q is not available now", model.ID).Wrap(err)
	}
	r := route{
		vendor: vendor, model: model, endpoint: endpoint, target: target, own: own,
		context: least(endpoint.ContextLength, model.ContextLength),
	}
	if r.context == 0 {
		// Without a bound of the prompt there is no bound of the cost.
		return route{}, nil, domain.Errorf(CodeVendorUnavailable, "the model %q has no context length", model.ID)
	}
	r.output = least(endpoint.MaxCompletionTokens, model.MaxCompletionTokens, r.context)
	return r, &price, nil
}

// least is the smallest of the limits that are set.
func least(limits ...int64) int64 {
	var n int64
	for _, l := range limits {
		if l > 0 && (n == 0 || l < n) {
			n = l
		}
	}
	return n
}

// price is a version of the endpoint's price that a hold pinned.
func (g *Gateway) price(ctx context.Context, endpoint string, version uuid.UUID) (catalog.PriceVersion, bool) {
	picture, err := g.o.Catalog.Get(ctx)
	if err != nil {
		return catalog.PriceVersion{}, false
	}
	return catalog.FindPrice(picture.Prices[endpoint], picture.GroupPrices[endpoint], version)
}

// clip shortens what a caller sent, for a message.
func clip(text string) string {
	const longest = 80
	if len(text) <= longest {
		return text
	}
	return text[:longest] + "…"
}
