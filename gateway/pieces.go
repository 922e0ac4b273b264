package gateway

import (
	"context"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/meter"
)

// pieces takes an answer without usage at its word where its price counts nothing but pieces (images, characters), and these were counted
// in the answer or the request itself: there is nothing to estimate.
func (r *run) pieces(ctx context.Context, report *meter.Report) {
	if report.Given || report.Media[usage.Image]+report.Media[usage.Character] <= 0 {
		return
	}
	if !r.countsTokens(ctx) {
		report.Given = true
	}
}

// countsTokens says whether the call is charged by tokens, among others; also when that is not known.
func (r *run) countsTokens(ctx context.Context) bool {
	version, ok := r.g.price(ctx, r.hold.endpoint, r.hold.PriceVersion)
	return !ok || countsTokens(&version.Price)
}

// countsTokens says whether any token costs something.
func countsTokens(s *catalog.Schedule) bool {
	if pricesTokens(s.Base) {
		return true
	}
	for i := range s.Overrides {
		if pricesTokens(s.Overrides[i].Rates) {
			return true
		}
	}
	return false
}

func pricesTokens(rates catalog.Rates) bool {
	for class, rate := range rates {
		if class.Side() != usage.Neither && !rate.IsZero() {
			return true
		}
	}
	return false
}
