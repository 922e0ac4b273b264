package query

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/runtime/types"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/http/openapi"
)

// Hits counts answers that were given again from the cache; see hits.Store for the errors. Safe for concurrent use.
type Hits interface {
	Days(ctx context.Context, wallet uuid.UUID, from, to time.Time) ([]hits.Day, error)
}

// usualDays is how far back hits are shown when nobody says.
const usualDays = 30

// ListCacheHits counts the answers that a wallet was given again.
func (a *API) ListCacheHits(ctx context.Context, r ListCacheHitsRequestObject) (ListCacheHitsResponseObject, error) {
	if _, err := a.views.Balance.Wallet(ctx, r.WalletID, 0); err != nil {
		return nil, err
	}
	to := a.now().UTC()
	if r.Params.To != nil {
		to = r.Params.To.Time
	}
	from := to.AddDate(0, 0, -usualDays)
	if r.Params.From != nil {
		from = r.Params.From.Time
	}
	days, err := a.views.Hits.Days(ctx, r.WalletID, from, to)
	if err != nil {
		return nil, err
	}
	answer := ListCacheHits200JSONResponse{Saved: money.Zero()}
	answer.Items = make([]struct {
		Day   types.Date    `json:"day"`
		Hits  openapi.Count `json:"hits"`
		KeyID ID            `json:"key_id"`
		Model string        `json:"model"`
		Saved Money         `json:"saved"`
	}, len(days))
	for i := range days {
		d, item := &days[i], &answer.Items[i]
		item.Day, item.KeyID, item.Model, item.Hits, item.Saved = types.Date{Time: d.Day}, d.Key, d.Model, openapi.Count(d.Hits), d.Saved
		answer.Hits += openapi.Count(d.Hits)
		answer.Saved = answer.Saved.Add(d.Saved)
	}
	return answer, nil
}
