package query

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/projections/usage"
)

// The kinds of rows.
const (
	rowGroup = "group"
	rowOther = "other"
	rowTotal = "total"
)

// usageFile is a table of usage.
type usageFile struct{ file }

// VisitAggregateUsageResponse implements AggregateUsageResponseObject.
func (f usageFile) VisitAggregateUsageResponse(w http.ResponseWriter) error { return f.send(w) }

// VisitSeriesUsageResponse implements SeriesUsageResponseObject.
func (f usageFile) VisitSeriesUsageResponse(w http.ResponseWriter) error { return f.send(w) }

// VisitListUsageGroupsResponse implements ListUsageGroupsResponseObject.
func (f usageFile) VisitListUsageGroupsResponse(w http.ResponseWriter) error { return f.send(w) }

// VisitListUsageCallsResponse implements ListUsageCallsResponseObject.
func (f usageFile) VisitListUsageCallsResponse(w http.ResponseWriter) error { return f.send(w) }

// usageHead names the columns: what kind of row it is, when, the dimensions, and for each metric its value and samples.
func usageHead(ask *usage.Request, times ...string) []string {
	head := append([]string{"row"}, times...)
	head = append(head, names(ask.Dimensions)...)
	for _, m := range ask.Metrics {
		head = append(head, string(m), string(m)+"_samples")
	}
	return head
}

// usageCells are a row's cells; a group that is not named has empty ones in the place of its names.
func usageCells(ask *usage.Request, kind string, keys []string, values []usage.Value, times ...string) []string {
	cells := append([]string{kind}, times...)
	for i := range ask.Dimensions {
		name := ""
		if i < len(keys) {
			name = keys[i]
		}
		cells = append(cells, name)
	}
	for _, v := range values {
		cells = append(cells, v.Number, strconv.FormatInt(v.Samples, 10))
	}
	return cells
}

func kindOfRow(r *usage.Row) string {
	if r.Other {
		return rowOther
	}
	return rowGroup
}

func usageAggregateCSV(ctx context.Context, ask *usage.Request, t *usage.Table) usageFile {
	return usageFile{table(ctx, "usage", usageHead(ask), func(_ context.Context, row func(...string) error) error {
		for i := range t.Rows {
			r := &t.Rows[i]
			if err := row(usageCells(ask, kindOfRow(r), r.Keys, r.Values)...); err != nil {
				return err
			}
		}
		return row(usageCells(ask, rowTotal, nil, t.Total.Values)...)
	})}
}

func usageSeriesCSV(ctx context.Context, ask *usage.Request, s *usage.Series) usageFile {
	return usageFile{table(ctx, "usage-series", usageHead(ask, "from", "to"), func(_ context.Context, row func(...string) error) error {
		line := func(kind string, l *usage.Line) error {
			for i, interval := range s.Intervals {
				from, to := interval.From.Format(time.RFC3339), interval.To.Format(time.RFC3339)
				if err := row(usageCells(ask, kind, l.Keys, l.Points[i], from, to)...); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range s.Lines {
			if err := line(kindOfRow(&s.Lines[i].Row), &s.Lines[i]); err != nil {
				return err
			}
		}
		return line(rowTotal, &s.Total)
	})}
}

// exportPage is how many rows of an export are read at once.
const exportPage = 1000

// usageGroupsCSV reads page after page, all of one position, and ends with the total.
func (a *API) usageGroupsCSV(ctx context.Context, ask *usage.Request, cursor string) usageFile {
	return usageFile{table(ctx, "usage-groups", usageHead(ask), func(ctx context.Context, row func(...string) error) error {
		for {
			page, err := a.views.Usage.List(ctx, *ask, cursor, exportPage)
			if err != nil {
				return err
			}
			for i := range page.Rows {
				if r := &page.Rows[i]; !r.Other { // those of the other pages
					if err := row(usageCells(ask, rowGroup, r.Keys, r.Values)...); err != nil {
						return err
					}
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				return row(usageCells(ask, rowTotal, nil, page.Total.Values)...)
			}
		}
	})}
}
