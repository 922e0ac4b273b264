package catalogimport

import (
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
	Prices    map[string][]catalog.PriceVersion // of an endpoint, in the order of publication
	Position  int64                             // the last event that it knows
	AsOf      time.Time                         // when that was recorded
}

func sameSchedule(a, b catalog.Schedule) bool {
	return maps.Equal(a.Base, b.Base) && slices.EqualFunc(a.Overrides, b.Overrides, sameOverride)
}

func sameOverride(a, b catalog.Override) bool {
	return a.MinPromptTokens == b.MinPromptTokens && a.UTCStart == b.UTCStart && a.UTCEnd == b.UTCEnd && maps.Equal(a.Rates, b.Rates)
}

func sameModel(a, b catalog.Model) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Description == b.Description && a.ContextLength == b.ContextLength &&
		a.MaxCompletionTokens == b.MaxCompletionTokens && slices.Equal(a.InputModalities, b.InputModalities) &&
		slices.Equal(a.OutputModalities, b.OutputModalities) && slices.Equal(a.SupportedParameters, b.SupportedParameters) &&
		a.Tokenizer == b.Tokenizer && a.ReleasedAt.Equal(b.ReleasedAt) && a.Status == b.Status
}
