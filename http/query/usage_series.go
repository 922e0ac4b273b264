package query

import (
	"context"

	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/usage"
)

// SeriesUsage sums calls up by interval and group.
func (a *API) SeriesUsage(ctx context.Context, r SeriesUsageRequestObject) (SeriesUsageResponseObject, error) {
	p := r.Params
	format, err := wanted(ctx, p.Format, formatJSON, formatCSV)
	if err != nil {
		return nil, err
	}
	n, err := top(p.Top)
	if err != nil {
		return nil, err
	}
	ask := usage.Request{
		Filter: asked{p.WalletID, p.KeyID, p.AppID, p.Model, p.Vendor, p.Endpoint, p.Currency, p.From, p.To, p.Zone}.filter(),
		Moment: usageMoment(p.AsOf, p.MinPosition), Metrics: metrics(p.Metric), Dimensions: dimensions(p.Dimension),
		OrderBy: usage.Metric(chosen(p.OrderBy)), Top: n, Granularity: usage.Granularity(chosen(p.Granularity)),
	}
	s, err := a.views.Usage.Series(ctx, ask)
	if err != nil {
		return nil, err
	}
	if format == formatCSV {
		return usageSeriesCSV(ctx, &ask, &s), nil
	}
	answer := SeriesUsage200JSONResponse{
		Lines: make([]UsageLine, len(s.Lines)), Intervals: make([]UsageInterval, len(s.Intervals)), Total: usageLine(&s.Total),
		Granularity: string(s.Granularity), Groups: openapi.Count(s.Groups), OrderBy: string(s.OrderBy), Metrics: names(ask.Metrics),
		Dimensions: names(ask.Dimensions), From: s.Filter.From, To: s.Filter.To, Zone: zoneName(s.Filter.Zone), Currency: s.Filter.Currency,
		Position: openapi.Count(s.Position), AsOf: s.AsOf,
	}
	for i := range s.Lines {
		answer.Lines[i] = usageLine(&s.Lines[i])
	}
	for i, interval := range s.Intervals {
		answer.Intervals[i] = UsageInterval{From: interval.From, To: interval.To}
	}
	return answer, nil
}

func usageLine(l *usage.Line) UsageLine {
	answer := UsageLine{Keys: list(l.Keys), Other: l.Other, Values: usageValues(l.Values), Points: make([][]UsageValue, len(l.Points))}
	for i, values := range l.Points {
		answer.Points[i] = usageValues(values)
	}
	return answer
}
