package catalogimport

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// models plans each model that a selected and usable vendor offers, in the order of the list.
func (p *planner) models() {
	done, others := map[string]bool{}, p.others()
	for _, o := range p.list.Offers {
		if done[o.Model] || !p.usable["vendor "+o.Vendor] {
			continue
		}
		done[o.Model] = true
		want, there := p.model(o.Model, others[o.Model])
		if err := checkModel(want); err != nil {
			for _, each := range p.offers[o.Model] {
				if p.usable["vendor "+each.Vendor] {
					p.refuse(each.Place, each.Endpoint(), ReasonCatalogRefuse, err)
				}
			}
			continue
		}
		p.plan.Models++
		was := p.have.Models[o.Model]
		p.step(Step{Kind: KindModel, ID: o.Model, Model: &want, was: was, Changes: modelChanges(was, want)}, there, there && sameModel(was, want))
	}
}

// model is a model as the whole list has it, also when only some vendors are imported, so that it does not change with
// their choice. Of several offers the first that says something counts, and the longest context.
func (p *planner) model(id string, others lengths) (want catalog.Model, there bool) {
	if want, there = p.have.Models[id]; !there {
		_, slug, _ := strings.Cut(id, "/")
		want = catalog.Model{
			ID: id, Name: slug, ReleasedAt: time.Unix(0, 0).UTC(), Status: catalog.Active,
		}
	}
	var said Offer
	want.ContextLength, want.MaxCompletionTokens = others.context, others.output
	for _, o := range p.offers[id] {
		said.Name = cmp.Or(said.Name, o.Name)
		said.Description = cmp.Or(said.Description, o.Description)
		said.Tokenizer = cmp.Or(said.Tokenizer, o.Tokenizer)
		said.InputModalities = first(said.InputModalities, o.InputModalities)
		said.OutputModalities = first(said.OutputModalities, o.OutputModalities)
		said.SupportedParameters = first(said.SupportedParameters, o.SupportedParameters)
		said.Facts = filled(said.Facts, o.Facts)
		if said.ReleasedAt.IsZero() {
			said.ReleasedAt = o.ReleasedAt
		}
		e := p.endpoint(o)
		want.ContextLength = max(want.ContextLength, e.ContextLength)
		want.MaxCompletionTokens = max(want.MaxCompletionTokens, e.MaxCompletionTokens)
	}
	want.Name = cmp.Or(said.Name, want.Name)
	want.Description = cmp.Or(said.Description, want.Description)
	want.Tokenizer = cmp.Or(said.Tokenizer, want.Tokenizer)
	want.InputModalities = first(said.InputModalities, want.InputModalities)
	want.OutputModalities = first(said.OutputModalities, want.OutputModalities)
	want.SupportedParameters = first(said.SupportedParameters, want.SupportedParameters)
	want.Facts = filled(said.Facts, want.Facts)
	if !said.ReleasedAt.IsZero() {
		want.ReleasedAt = domain.Moment(said.ReleasedAt)
	}
	return want, there
}

// lengths are a context and an answer in tokens.
type lengths struct{ context, output int64 }

// others are the longest context and answer of each model's endpoints that the list does not have: a list must not cut what
// it does not know.
func (p *planner) others() map[string]lengths {
	longest := map[string]lengths{}
	for _, e := range p.have.Endpoints {
		if !p.inList[e.ID] {
			l := longest[e.Model]
			longest[e.Model] = lengths{max(l.context, e.ContextLength), max(l.output, e.MaxCompletionTokens)}
		}
	}
	return longest
}

func first(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

// filled has what the first facts say, and of what they do not say what the others do.
func filled(a, b catalog.Facts) catalog.Facts {
	if len(a.DefaultParameters) == 0 {
		a.DefaultParameters = b.DefaultParameters
	}
	a.CanonicalSlug = cmp.Or(a.CanonicalSlug, b.CanonicalSlug)
	a.HuggingFaceID = cmp.Or(a.HuggingFaceID, b.HuggingFaceID)
	a.InstructType = cmp.Or(a.InstructType, b.InstructType)
	a.KnowledgeCutoff = cmp.Or(a.KnowledgeCutoff, b.KnowledgeCutoff)
	a.ExpirationDate = cmp.Or(a.ExpirationDate, b.ExpirationDate)
	a.Categories, a.Voices = first(a.Categories, b.Categories), first(a.Voices, b.Voices)
	a.Distillable = a.Distillable || b.Distillable
	return a
}

// endpoints plans the endpoints of the models, and their prices.
func (p *planner) endpoints() {
	for _, o := range p.list.Offers {
		if !p.usable["vendor "+o.Vendor] || !p.usable["model "+o.Model] {
			continue
		}
		want, err := p.profiled(p.endpoint(o))
		if err != nil {
			p.refuse(o.Place, o.Endpoint(), ReasonUpstream, err)
			continue
		}
		if err := checkEndpoint(want); err != nil {
			p.refuse(o.Place, o.Endpoint(), ReasonCatalogRefuse, err)
			continue
		}
		p.plan.Endpoints++
		was, there := p.have.Endpoints[want.ID]
		p.step(Step{Kind: KindEndpoint, ID: want.ID, Endpoint: &want, was: was, Changes: endpointChanges(was, want)}, there, same(was, want))
		p.prices(o)
	}
}

// endpoint is an offer as it should be. A cap that is as long as the context was none, and stays none.
func (p *planner) endpoint(o Offer) catalog.Endpoint {
	was, there := p.have.Endpoints[o.Endpoint()]
	want := catalog.Endpoint{
		ID: o.Endpoint(), Model: o.Model, Vendor: o.Vendor, UpstreamModel: o.Upstream, ContextLength: o.ContextLength,
		MaxCompletionTokens: o.MaxCompletionTokens, Status: catalog.Active,
	}
	if there {
		want.Status, want.Terms = was.Status, was.Terms
	}
	if o.Moderated != nil {
		want.Terms.Moderated = *o.Moderated
	}
	if want.Terms.MaxPromptTokens > want.ContextLength {
		want.Terms.MaxPromptTokens = 0
	}
	if want.MaxCompletionTokens == 0 && there && was.MaxCompletionTokens < was.ContextLength {
		want.MaxCompletionTokens = was.MaxCompletionTokens
	}
	if want.MaxCompletionTokens == 0 {
		want.MaxCompletionTokens = p.o.MaxOutput
	}
	if want.MaxCompletionTokens == 0 || want.MaxCompletionTokens > want.ContextLength {
		want.MaxCompletionTokens = want.ContextLength
	}
	return want
}

// prices plans the versions that make the price of an endpoint, at every moment from now on, the one of the list. A price
// that an operator set apart from the vendor's cost is the operator's: it is left alone.
func (p *planner) prices(o Offer) {
	versions := slices.Clone(p.have.Prices[o.Endpoint()])
	from := p.o.From
	if _, priced := catalog.InForce(versions, p.o.Now); !priced {
		from = p.o.Now
	}
	if why := ownPrice(versions, p.o.Now); why != "" {
		p.plan.OwnPrices = append(p.plan.OwnPrices, Kept{Endpoint: o.Endpoint(), Why: why})
		return
	}
	planned := 0
	for _, when := range moments(o.Prices, versions, from) {
		want := at(o.Prices, when)
		was, priced := catalog.InForce(versions, when)
		if priced && sameSchedule(was.Price, want) {
			continue
		}
		planned++
		v := catalog.PriceVersion{Currency: listCurrency, Price: want, EffectiveFrom: when}
		versions = append(versions, v)
		if when.Equal(p.o.Now) {
			v.EffectiveFrom = time.Time{} // whenever that is when it arrives
		}
		p.step(Step{
			Kind: KindPrice, ID: o.Endpoint(), Price: &v, was: []any{len(p.have.Prices[o.Endpoint()]), was},
			Changes: priceChanges(was.Price, want, priced),
		}, priced, false)
	}
	if planned == 0 {
		p.plan.Unchanged++
	}
}

// ownPrice says why a price is no list price, "" when it is one.
func ownPrice(versions []catalog.PriceVersion, now time.Time) string {
	current, ok := catalog.InForce(versions, now)
	for _, v := range versions {
		inForce := ok && v.ID == current.ID
		switch {
		case !inForce && !v.EffectiveFrom.After(now):
		case v.Currency != listCurrency:
			return "its price is in " + string(v.Currency)
		case !sameSchedule(v.Price, v.CostSchedule()):
			return "its price is not what the vendor bills"
		}
	}
	return ""
}

// moments are when the price may have to change, from a moment on: that moment, the dates of the list, and those of the
// versions that are scheduled.
func moments(prices []Dated, versions []catalog.PriceVersion, from time.Time) []time.Time {
	all := []time.Time{from}
	for _, d := range prices {
		if d.From.After(from) {
			all = append(all, d.From)
		}
	}
	for _, v := range versions {
		if v.EffectiveFrom.After(from) {
			all = append(all, v.EffectiveFrom)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}
