package query

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/reviews"
)

// ListChargeReviews lists suspect charges.
func (a *API) ListChargeReviews(ctx context.Context, r ListChargeReviewsRequestObject) (ListChargeReviewsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := a.views.Reviews.List(ctx, reviews.Request{
		State: reviews.State(chosen(r.Params.State)), WalletID: r.Params.WalletID, Vendor: chosen(r.Params.Vendor), Model: chosen(r.Params.Model),
		Reason: chosen(r.Params.Reason), From: chosen(r.Params.From), To: chosen(r.Params.To), Cursor: chosen(r.Params.Cursor), Limit: n,
		MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	answer := ListChargeReviews200JSONResponse{
		Items: make([]ChargeReview, len(page.Reviews)), Open: openapi.Count(page.Open), Resolved: openapi.Count(page.Resolved),
		NextCursor: present(page.NextCursor), Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Reviews {
		answer.Items[i] = chargeReview(&page.Reviews[i])
	}
	return answer, nil
}

func chargeReview(r *reviews.Review) ChargeReview {
	return ChargeReview{
		GenerationID: domain.GenerationID(r.GenerationID), WalletID: r.WalletID, KeyID: r.KeyID, Model: r.Model, Endpoint: r.Endpoint,
		Vendor: r.Vendor, Currency: r.Currency, Reason: r.Reason, Provenance: string(r.Provenance), ChargedAt: r.ChargedAt,
		ChargePosition: openapi.Count(r.Position), Charge: r.Charge, CorrectedCharge: r.Corrected, State: string(r.State),
		Decision: present(string(r.Decision)), DecidedBy: present(r.DecidedBy), DecidedBecause: present(r.DecidedWhy), DecidedAt: moment(r.DecidedAt),
	}
}
