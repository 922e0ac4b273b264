package gateway

import (
	"context"
	"fmt"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/routing"
)

// plan decides who may serve the call, and in which order they are asked.
func (r *run) plan(ctx context.Context) error {
	picture, err := r.g.o.Catalog.Get(ctx)
	if err != nil {
		return domain.Errorf(domain.CodeUnavailable, "the catalogue cannot be read now; try again").
			Wrap(fmt.Errorf("get the catalogue: %w", err))
	}
	question, err := r.question(&picture)
	if code := domain.CodeOf(err); code == domain.CodeModelNotFound || code == domain.CodePriceNotInForce || code == CodeVendorUnavailable {
		// It may have been published just now.
		if renewed, failed := r.g.o.Catalog.Renew(ctx); failed == nil {
			question, err = r.question(&renewed)
		}
	}
	if err != nil {
		return err
	}
	o := &r.g.o
	chosen, refusal := routing.Choose(question, r.g.health, o.Now(), o.Random)
	if refusal != nil {
		return r.explained(refusal)
	}
	r.attempts = routing.NewAttempts(&chosen, routing.Limits{
		Attempts: o.Attempts, Time: o.RequestTimeout, Pause: o.RetryWait, Backoff: o.Backoff,
	}, r.g.health, o.Random, o.Now())
	r.at, r.route = chosen.Options[0].Index, r.offers[chosen.Options[0].Index]
	return nil
}

// question is what the routing is asked: who could serve the call, and how the caller wants it.
func (r *run) question(picture *Picture) (*routing.Question, error) {
	wishes, err := r.wishes(picture)
	if err != nil {
		return nil, err
	}
	q := &routing.Question{Preferences: wishes, Needs: r.needs(wishes.RequireParameters), Conversation: r.conversation()}
	q.Candidates, r.offers, err = r.candidates(picture, &wishes)
	return q, err
}

// needs are what the call asks of an endpoint.
func (r *run) needs(parameters bool) routing.Needs {
	n := routing.Needs{OutputTokens: r.req.Cap, Modalities: r.req.Uses.Modalities(), Required: (r.req.Uses & chat.UsesTools).Parameters()}
	if parameters {
		n.Parameters = r.req.Uses.Parameters()
	}
	return n
}

// wishes are what the caller says of the routing: its models, and how they are to be served.
func (r *run) wishes(picture *Picture) (routing.Preferences, error) {
	p, err := routing.ParsePreferences(r.req.Provider)
	if err != nil {
		return p, err
	}
	r.call.DropUnsupported = r.call.DropUnsupported || p.DropUnsupported
	partition, err := routing.ParseRoute(r.req.Route)
	if err != nil {
		return p, err
	}
	if partition != routing.WithinModel {
		p.Partition = partition
	}
	more, err := routing.ParseModels(r.req.Models)
	if err != nil {
		return p, err
	}
	if routing.IsAuto(r.req.Model) && len(r.g.o.AutoModels) > 0 {
		return p.Auto(r.g.o.AutoModels), nil
	}
	known := func(id string) bool { _, ok := picture.Models[id]; return ok }
	var models []routing.Model
	for i, name := range append([]string{r.req.Model}, more...) {
		param := "model"
		if i > 0 {
			param = "models"
		}
		m, refusal := routing.ParseModel(name, param, known)
		if refusal != nil {
			return p, refusal
		}
		models = append(models, m)
	}
	with, refusal := p.WithModels(models)
	if refusal != nil {
		return p, refusal
	}
	return with, nil
}

// candidates are the endpoints that offer the models, each with its route. Errors: of the first model, when there is none at all.
func (r *run) candidates(picture *Picture, p *routing.Preferences) ([]routing.Candidate, []route, error) {
	var all []routing.Candidate
	var routes []route
	var first error
	for i := range p.Models {
		id := p.Models[i].ID
		refusal := r.offered(picture, id, func(offer route, price *catalog.PriceVersion) {
			all = append(all, r.candidate(&offer, price))
			routes = append(routes, offer)
		})
		if first == nil {
			first = refusal
		}
	}
	if len(all) == 0 {
		return nil, nil, first
	}
	return all, routes, nil
}

// offered goes through the endpoints that offer a model. The error says why there is none.
func (r *run) offered(picture *Picture, name string, take func(route, *catalog.PriceVersion)) error {
	model, ok := picture.Models[name]
	if !ok || model.Status != catalog.Active {
		return domain.Errorf(domain.CodeModelNotFound, "there is no model %q", clip(name)).With("param", "model")
	}
	if !r.req.Operation.Offered(model.OutputModalities) {
		return domain.Errorf(domain.CodeInvalid, "the model %q is not for %s", clip(name), r.req.Operation.Name()).With("param", "model")
	}
	keys, refusal := r.ownKeys(picture, name)
	if refusal != nil {
		return refusal
	}
	found := false
	for _, id := range picture.ByModel[name] {
		endpoint := picture.Endpoints[id]
		if endpoint.Status != catalog.Active {
			continue
		}
		for turn, own := range keys.at(endpoint.Vendor) {
			offer, price, err := r.servable(picture, model, endpoint, own)
			if err != nil {
				refusal = err
				continue
			}
			found = true
			if own != nil {
				offer.turn = turn + 1
			}
			take(offer, price)
		}
	}
	switch {
	case found:
		return nil
	case refusal != nil:
		return refusal
	}
	return domain.Errorf(domain.CodeModelNotFound, "the model %q is not offered by anybody now", clip(name)).With("param", "model")
}

// servable is the offer of an endpoint, if it can be asked for what is asked.
func (r *run) servable(picture *Picture, model catalog.Model, endpoint catalog.Endpoint, own *ownkey.Usable) (route, *catalog.PriceVersion, error) {
	offer, price, err := r.g.offer(picture, model, endpoint, r.call.PriceGroup, own)
	if err == nil && !exchange.Serves(r.req.Operation, chat.Dialect(offer.vendor.Dialect)) {
		err = domain.Errorf(domain.CodeInvalid, "the model %q has no vendor that can be asked for %s", clip(model.ID), r.req.Operation.Name()).With("param", "model")
	}
	if err == nil {
		err = r.tiered(price)
	}
	return offer, price, err
}

// tiered refuses a service tier that is asked for and has no price.
func (r *run) tiered(price *catalog.PriceVersion) error {
	x, err := r.req.Extras()
	if err == nil && x.Tier != "" {
		_, err = price.Price.Allowed(x.Tier)
	}
	return err
}

// bytesPerToken is what a prompt's size is guessed by, to compare prices that depend on it.
const bytesPerToken = 4

func (r *run) candidate(offer *route, price *catalog.PriceVersion) routing.Candidate {
	return routing.Candidate{
		Endpoint: offer.measuredAs(), Own: offer.turn, Model: offer.model.ID, Vendor: offer.vendor.ID, Name: offer.vendor.Name,
		Credentials: offer.target.credentials, Prices: routing.PricesOf(price, int64(len(r.call.Body)/bytesPerToken), r.g.o.Now()),
		Context: offer.context, Parameters: offer.endpoint.Parameters(&offer.model), Modalities: offer.model.InputModalities,
		Quantization: offer.endpoint.Terms.Quantization, Collects: offer.endpoint.Terms.Collects(), ZDR: offer.endpoint.Terms.ZeroRetention(),
		Distillable: offer.model.Facts.Distillable,
	}
}

// conversation is the same for all turns of one, whose prompt a vendor may have in its cache.
func (r *run) conversation() routing.Conversation {
	if r.req.Opening == nil {
		return 0
	}
	return routing.NewConversation(r.call.KeyID[:], []byte(r.req.Model), r.req.Opening)
}
