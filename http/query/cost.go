package query

import (
	"context"
	"net/http"
	"slices"

	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/usage"
)

// seesCosts says whether the caller may see what vendors are paid: those whose calls they are may not.
func seesCosts(ctx context.Context) bool { return auth.From(ctx).Platform.Has(auth.CostsRead) }

// checkCosts refuses statistics of what vendors are paid to those who may not see it.
func checkCosts(ctx context.Context, r *http.Request) error {
	asked := r.URL.Query()
	for _, name := range slices.Concat(asked["metric"], asked["order_by"]) {
		if metric := usage.Metric(name); metric == usage.VendorCost || metric == usage.Margin {
			return auth.Authorize(auth.From(ctx), auth.CostsRead)
		}
	}
	return nil
}

// shown is a call as the caller may see it.
func shown(ctx context.Context, g *generations.Generation) Generation {
	answer := generation(g)
	if !seesCosts(ctx) {
		answer.VendorCost = nil
		if answer.Correction != nil {
			answer.Correction.Original.VendorCost = nil
		}
	}
	return answer
}
