package catalogimport

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/catalog"
)

// genaiProvider is a provider of genai-prices. Its members are all named here: a list with one that is not may mean
// something that this reader would overlook.
type genaiProvider struct {
	ID                     string           `json:"id"`
	Name                   string           `json:"name"`
	PriceComments          string           `json:"price_comments"`
	Models                 []jsontext.Value `json:"models"`
	Description            jsontext.Value   `json:"description"`
	PricingURLs            jsontext.Value   `json:"pricing_urls"`
	APIPattern             jsontext.Value   `json:"api_pattern"` // an expression that finds the provider of a call; no address
	ModelMatch             jsontext.Value   `json:"model_match"`
	ProviderMatch          jsontext.Value   `json:"provider_match"`
	Extractors             jsontext.Value   `json:"extractors"`
	FallbackModelProviders jsontext.Value   `json:"fallback_model_providers"`
}

// genaiModel is a model of genai-prices.
type genaiModel struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Description   string         `json:"description"`
	Match         jsontext.Value `json:"match"`
	ContextWindow *int64         `json:"context_window"`
	PriceComments string         `json:"price_comments"`
	Prices        jsontext.Value `json:"prices"`
	Deprecated    bool           `json:"deprecated"` // still works, so it is imported
}

// ReadGenAIPrices reads a list in the format of pydantic/genai-prices (prices/data.json there): USD for a million tokens,
// tiers in which the whole call costs the price of its tier, prices by start date and by UTC hours. An error means that it
// is no such list; what cannot be expressed in an otherwise good list is refused one by one.
func ReadGenAIPrices(raw []byte, o ReadOptions) (List, error) {
	var providers []jsontext.Value
	if err := json.Unmarshal(raw, &providers); err != nil {
		return List{}, fmt.Errorf("read a list of genai-prices (a JSON array of providers): %w", err)
	}
	r := genaiReader{o: o, vendors: map[string]bool{}, endpoints: map[string]bool{}}
	for i, p := range providers {
		r.provider(fmt.Sprintf("/%d", i), p)
	}
	return r.list, nil
}

type genaiReader struct {
	o         ReadOptions
	list      List
	vendors   map[string]bool
	endpoints map[string]bool
}

func (r *genaiReader) provider(place string, raw jsontext.Value) {
	var p genaiProvider
	if err := json.Unmarshal(raw, &p, json.RejectUnknownMembers(true)); err != nil {
		r.list.refuse(place, "", ReasonShape, "no provider: "+shapeError(err))
		return
	}
	id := strings.ToLower(p.ID)
	r.list.Models += len(p.Models)
	if err := checkVendorID(id); err != nil {
		r.list.refuse(place+"/id", clip(p.ID), ReasonVendorID, err.Error())
		return
	}
	if r.vendors[id] {
		r.list.refuse(place+"/id", id, ReasonDuplicate, "the provider stands in the list before")
		return
	}
	r.vendors[id] = true
	r.list.Vendors = append(r.list.Vendors, Vendor{Place: place, ID: id, Name: p.Name})
	r.list.note(place+"/price_comments", id, p.PriceComments)
	for i, raw := range p.Models {
		r.model(fmt.Sprintf("%s/models/%d", place, i), id, raw)
	}
}

func (r *genaiReader) model(place, vendor string, raw jsontext.Value) {
	var m genaiModel
	if err := json.Unmarshal(raw, &m, json.RejectUnknownMembers(true)); err != nil {
		r.list.refuse(place, vendor, ReasonShape, "no model: "+shapeError(err))
		return
	}
	o := Offer{
		Place: place, Vendor: vendor, Model: modelID(vendor, m.ID), Name: m.Name, Description: m.Description,
		ContextLength: r.o.ContextLength,
	}
	if m.ContextWindow != nil {
		o.ContextLength = *m.ContextWindow
	}
	if err := r.complete(&o, m); err != nil {
		r.list.refuseOffer(place, o.Endpoint(), err)
		return
	}
	r.endpoints[o.Endpoint()] = true
	r.list.Offers = append(r.list.Offers, o)
	r.list.note(place+"/price_comments", o.Endpoint(), m.PriceComments)
}

func (r *genaiReader) complete(o *Offer, m genaiModel) (err error) {
	if err := catalog.CheckModelID(o.Model); err != nil {
		return refuse(ReasonModelID, "%q: %v", clip(m.ID), err)
	}
	if r.endpoints[o.Endpoint()] {
		return refuse(ReasonDuplicate, "the vendor offers a model of this name before")
	}
	if o.Prices, err = genaiPrices(m.Prices); err != nil {
		return err
	}
	if o.Upstream, err = upstreamName(m.ID, m.Match); err != nil {
		return err
	}
	if o.ContextLength == 0 {
		return refuse(ReasonNoContext, "no context_window, and the cost of a call has no bound without one")
	}
	return nil
}

// modelID is the id of a model: the list's own when it has an author, else the vendor stands for the author, so that two
// vendors' models are never taken for the same one. Ids have lower case here.
func modelID(vendor, id string) string {
	if !strings.Contains(id, "/") {
		id = vendor + "/" + id
	}
	return strings.ToLower(id)
}
