package query

import (
	"context"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/usage"
)

// asked is what the questions about usage have in common, as their generated parameters have it.
type asked struct {
	wallets                    *UsageWallets
	keys                       *UsageKeys
	apps                       *UsageApps
	models, vendors, endpoints *[]string
	currency                   *UsageCurrency
	from                       *UsageFrom
	to                         *UsageTo
	zone                       *Zone
}

// filter is the one schema of all of them.
func (q asked) filter() usage.Filter {
	return usage.Filter{
		Wallets: chosen(q.wallets), Keys: chosen(q.keys), Apps: chosen(q.apps), Models: chosen(q.models), Vendors: chosen(q.vendors), Endpoints: chosen(q.endpoints),
		Currency: money.Currency(chosen(q.currency)), From: chosen(q.from), To: chosen(q.to), Zone: chosen(q.zone),
	}
}

// metrics and dimensions are checked by the read model.
func metrics(names []string) []usage.Metric {
	out := make([]usage.Metric, len(names))
	for i, name := range names {
		out[i] = usage.Metric(name)
	}
	return out
}

func dimensions(names *Dimensions) []usage.Dimension {
	out := make([]usage.Dimension, len(chosen(names)))
	for i, name := range chosen(names) {
		out[i] = usage.Dimension(name)
	}
	return out
}

// top is the caller's number of groups, 0 for the default.
func top(given *Top) (int, error) {
	if given != nil && *given < 1 { // the read model takes 0 for the default
		return 0, domain.Errorf(domain.CodeInvalid, "top is at least 1")
	}
	return chosen(given), nil
}

// AggregateUsage sums calls up by group.
func (a *API) AggregateUsage(ctx context.Context, r AggregateUsageRequestObject) (AggregateUsageResponseObject, error) {
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
		OrderBy: usage.Metric(chosen(p.OrderBy)), Top: n,
	}
	t, err := a.views.Usage.Aggregate(ctx, ask)
	if err != nil {
		return nil, err
	}
	if format == formatCSV {
		return usageAggregateCSV(ctx, &ask, &t), nil
	}
	return AggregateUsage200JSONResponse{
		Rows: usageRows(t.Rows), Total: usageRow(&t.Total), Groups: openapi.Count(t.Groups), OrderBy: string(t.OrderBy),
		Metrics: names(ask.Metrics), Dimensions: names(ask.Dimensions), From: t.Filter.From, To: t.Filter.To, Zone: zoneName(t.Filter.Zone),
		Currency: t.Filter.Currency, Position: openapi.Count(t.Position), AsOf: t.AsOf,
	}, nil
}

// ListUsageGroups lists all groups, page by page, or all at once as CSV.
func (a *API) ListUsageGroups(ctx context.Context, r ListUsageGroupsRequestObject) (ListUsageGroupsResponseObject, error) {
	p := r.Params
	format, err := wanted(ctx, p.Format, formatJSON, formatCSV)
	if err != nil {
		return nil, err
	}
	n, err := contract.Limit(p.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	ask := usage.Request{
		Filter: asked{p.WalletID, p.KeyID, p.AppID, p.Model, p.Vendor, p.Endpoint, p.Currency, p.From, p.To, p.Zone}.filter(),
		Moment: usageMoment(p.AsOf, p.MinPosition), Metrics: metrics(p.Metric), Dimensions: dimensions(p.Dimension),
		OrderBy: usage.Metric(chosen(p.OrderBy)),
	}
	if format == formatCSV {
		return a.usageGroupsCSV(ctx, &ask, chosen(p.Cursor)), nil
	}
	t, err := a.views.Usage.List(ctx, ask, chosen(p.Cursor), n)
	if err != nil {
		return nil, err
	}
	return ListUsageGroups200JSONResponse{
		Rows: usageRows(t.Rows), Total: usageRow(&t.Total), Groups: openapi.Count(t.Groups), OrderBy: string(t.OrderBy),
		Metrics: names(ask.Metrics), Dimensions: names(ask.Dimensions), From: t.Filter.From, To: t.Filter.To, Zone: zoneName(t.Filter.Zone),
		Currency: t.Filter.Currency, NextCursor: present(t.NextCursor), Position: openapi.Count(t.Position), AsOf: t.AsOf,
	}, nil
}

// names are the words of metrics or dimensions.
func names[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, v := range of {
		out[i] = string(v)
	}
	return out
}

// zoneName is the zone by its name.
func zoneName(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}

func usageRows(rows []usage.Row) []UsageRow {
	out := make([]UsageRow, len(rows))
	for i := range rows {
		out[i] = usageRow(&rows[i])
	}
	return out
}

func usageRow(r *usage.Row) UsageRow {
	return UsageRow{Keys: list(r.Keys), Other: r.Other, Values: usageValues(r.Values)}
}

func usageValues(values []usage.Value) []UsageValue {
	out := make([]UsageValue, len(values))
	for i, v := range values {
		out[i] = UsageValue{Value: present(v.Number), Samples: openapi.Count(v.Samples)}
	}
	return out
}
