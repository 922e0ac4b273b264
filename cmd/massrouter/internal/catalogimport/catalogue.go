package catalogimport

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
)

// Catalogue is the catalogue as it is.
type Catalogue struct {
	Vendors   map[string]catalog.Vendor
	Models    map[string]catalog.Model
	Endpoints map[string]catalog.Endpoint
	Prices    map[string][]catalog.PriceVersion // of the list: of an endpoint, in the order of publication
	Position  int64                             // the last event that it knows
	AsOf      time.Time                         // when that was recorded
	// GroupPrices are those of price groups, by endpoint.
	GroupPrices map[string]catalog.GroupPrices
}

// AddPrice adds the next version of an endpoint's price.
func (c *Catalogue) AddPrice(endpoint string, v catalog.PriceVersion) {
	if v.Group == "" {
		c.Prices[endpoint] = append(c.Prices[endpoint], v)
		return
	}
	groups := c.GroupPrices[endpoint]
	if groups == nil {
		groups = catalog.GroupPrices{}
		c.GroupPrices[endpoint] = groups
	}
	groups[v.Group] = append(groups[v.Group], v)
}

func sameSchedule(a, b catalog.Schedule) bool {
	return maps.Equal(a.Base, b.Base) && slices.EqualFunc(a.Overrides, b.Overrides, sameOverride)
}

func sameOverride(a, b catalog.Override) bool {
	return a.MinPromptTokens == b.MinPromptTokens && a.UTCStart == b.UTCStart && a.UTCEnd == b.UTCEnd &&
		a.ServiceTier == b.ServiceTier && maps.Equal(a.Rates, b.Rates)
}

func sameModel(a, b catalog.Model) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description && a.ContextLength == b.ContextLength &&
		a.MaxCompletionTokens == b.MaxCompletionTokens && slices.Equal(a.InputModalities, b.InputModalities) &&
		slices.Equal(a.OutputModalities, b.OutputModalities) && slices.Equal(a.SupportedParameters, b.SupportedParameters) &&
		a.Tokenizer == b.Tokenizer && a.ReleasedAt.Equal(b.ReleasedAt) && a.Status == b.Status && same(a.Facts, b.Facts)
}

// same says whether two values are stored alike.
func same[T any](a, b T) bool {
	was, errWas := json.Marshal(a)
	is, errIs := json.Marshal(b)
	return errWas == nil && errIs == nil && bytes.Equal(was, is)
}
