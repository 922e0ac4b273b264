package query

import (
	"cmp"
	"context"

	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/rankings"
)

// Rankings answers with boards, from copies where there are some.
type Rankings interface {
	// Rank reads a board. Errors: invalid_request with the detail "field", ledger_unavailable.
	Rank(ctx context.Context, r rankings.Request) (rankings.Table, error)
	// Daily reads OpenRouter's dataset. Errors as those of Rank.
	Daily(ctx context.Context, r rankings.DailyRequest) (rankings.Daily, error)
}

// GetRanking shows a board.
func (a *API) GetRanking(ctx context.Context, r GetRankingRequestObject) (GetRankingResponseObject, error) {
	p := r.Params
	n, err := top(p.Top)
	if err != nil {
		return nil, err
	}
	asOf := chosen(p.AsOf)
	t, err := a.views.Rankings.Rank(ctx, rankings.Request{
		Moment: rankings.Moment{AsOfPosition: asOf.Position, AsOf: asOf.Time, MinPosition: position(p.MinPosition)},
		Board:  rankings.Board(p.Board), Model: chosen(p.Model), Window: rankings.Window(p.Window),
		By: rankings.Metric(cmp.Or(chosen(p.By), string(rankings.Tokens))), Date: chosen(p.Date).Time, Trending: chosen(p.Trending), Top: n,
	})
	if err != nil {
		return nil, err
	}
	answer := GetRanking200JSONResponse{
		Rows: make([]RankingRow, len(t.Rows)), Other: t.Other.String(), Total: t.Total.String(), Wallets: openapi.Count(t.Wallets), Final: t.Final,
		Start: moment(t.Start), End: moment(t.End), Position: openapi.Count(t.Position), AsOf: t.AsOf,
	}
	for i := range t.Rows {
		answer.Rows[i] = rankingRow(&t.Rows[i], chosen(p.Trending))
	}
	return answer, nil
}

func rankingRow(r *rankings.Row, trending bool) RankingRow {
	row := RankingRow{
		Rank: int(r.Rank), Subject: r.Subject, Name: present(r.Name), URL: present(r.URL), Wallets: openapi.Count(r.Wallets), Value: r.Value.String(),
		RankBefore: present(int(r.Before)),
	}
	if trending {
		mean, change := r.Mean.String(), r.Change.String()
		row.Mean, row.Change = &mean, &change
	}
	return row
}

// GetDailyRanking shows the models of each day.
func (a *API) GetDailyRanking(ctx context.Context, r GetDailyRankingRequestObject) (GetDailyRankingResponseObject, error) {
	p := r.Params
	d, err := a.views.Rankings.Daily(ctx, rankings.DailyRequest{From: chosen(p.From).Time, To: chosen(p.To).Time, MinPosition: position(p.MinPosition)})
	if err != nil {
		return nil, err
	}
	answer := GetDailyRanking200JSONResponse{Data: make([]DailyRankingRow, len(d.Rows)), Position: openapi.Count(d.Position), AsOf: d.AsOf}
	for i, row := range d.Rows {
		answer.Data[i] = DailyRankingRow{Date: row.Date, ModelPermaslug: row.ModelPermaslug, TotalTokens: row.TotalTokens.String()}
	}
	return answer, nil
}
