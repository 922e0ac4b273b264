package query

import (
	"context"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/generations"
)

// ListUsageCalls lists the single calls that a filter means, or all of them at once as CSV.
func (a *API) ListUsageCalls(ctx context.Context, r ListUsageCallsRequestObject) (ListUsageCallsResponseObject, error) {
	p := r.Params
	format, err := wanted(ctx, p.Format, formatJSON, formatCSV)
	if err != nil {
		return nil, err
	}
	n, err := contract.Limit(p.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	if p.Currency != nil {
		return nil, domain.Errorf(domain.CodeInvalid, "currency is no filter of single calls: each says its own").With("parameter", "currency")
	}
	ask, err := asked{p.WalletID, p.KeyID, p.AppID, p.Model, p.Vendor, p.Endpoint, p.Currency, p.From, p.To, p.Zone}.filter().Calls()
	if err != nil {
		return nil, err
	}
	ask.Cursor, ask.Limit, ask.MinPosition = chosen(p.Cursor), n, position(p.MinPosition)
	if format == formatCSV {
		return a.usageCallsCSV(ctx, ask), nil
	}
	page, err := a.views.Generations.List(ctx, ask)
	if err != nil {
		return nil, err
	}
	answer := ListUsageCalls200JSONResponse{
		Items: make([]Generation, len(page.Generations)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Generations {
		answer.Items[i] = shown(ctx, &page.Generations[i])
	}
	return answer, nil
}

// usageCallsCSV reads page after page.
func (a *API) usageCallsCSV(ctx context.Context, ask generations.Request) usageFile {
	head := []string{
		"generation_id", "placed_at", "ended_at", "wallet_id", "key_id", "model", "endpoint", "vendor", "state", "currency", "charge", "debited",
		"uncollectible", "vendor_cost", "prompt_tokens", "completion_tokens", "reasoning_tokens", "provenance", "streamed", "cancelled", "error",
		"release_reason", "first_token_ms", "duration_ms", "price_version", "hold_position", "end_position",
	}
	return usageFile{table(ctx, "calls", head, func(ctx context.Context, row func(...string) error) error {
		ask.Limit = exportPage
		for {
			page, err := a.views.Generations.List(ctx, ask)
			if err != nil {
				return err
			}
			for i := range page.Generations {
				cells := callCells(&page.Generations[i])
				if !seesCosts(ctx) {
					cells[vendorCostCell] = ""
				}
				if err := row(cells...); err != nil {
					return err
				}
			}
			if ask.Cursor = page.NextCursor; ask.Cursor == "" {
				return nil
			}
			ask.MinPosition = 0 // the first page has waited for it
		}
	})}
}

// vendorCostCell is where callCells has what the vendor is paid.
const vendorCostCell = 13

func callCells(g *generations.Generation) []string {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		domain.GenerationID(g.ID), stamp(g.PlacedAt), stamp(g.EndedAt), g.WalletID.String(), g.KeyID.String(), g.Model, g.Endpoint, g.Vendor,
		string(g.State), string(g.Currency), g.Charge.String(), g.Debited.String(), g.Uncollectible.String(), g.VendorCost.String(),
		count(g.Usage.Prompt()), count(g.Usage.Completion()), count(g.Usage[usage.Reasoning]), string(g.Provenance),
		strconv.FormatBool(g.Call.Streamed), strconv.FormatBool(g.Call.Cancelled), g.Call.Error, g.ReleaseReason,
		count(g.Call.FirstTokenMS), count(g.Call.DurationMS), g.PriceVersion.String(), count(g.HoldPosition), count(g.EndPosition),
	}
}
