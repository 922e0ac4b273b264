package usage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
)

// Query answers from the usage view. Safe for concurrent use.
type Query struct {
	view     *checkpoint.View
	log      eventstore.Reader
	registry *domain.Registry
}

// NewQuery makes the view's queries. The log is read for answers as of a moment: the events of one minute.
func NewQuery(pool *pgxpool.Pool, log eventstore.Reader, registry *domain.Registry, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...), log, registry}
}

// Row is one group.
type Row struct {
	Keys   []string // the group's values, in the order of the dimensions; none in the row of all others
	Other  bool     // all groups without a row of their own
	Sums   Sums     // Histograms only if a quantile was asked for
	Values []Value  // in the order of the metrics
}

// Table is the answer to an aggregate: the rows add up to Total.
type Table struct {
	Filter  Filter // with its defaults
	Rows    []Row  // by rank, the others last; empty without dimensions
	Groups  int64  // how many there are, with a row of their own or not
	OrderBy Metric
	Total   Row
	checkpoint.At
}

// Aggregate sums up the calls of a range by group. Errors: invalid_request with the detail "field", ledger_unavailable.
func (q *Query) Aggregate(ctx context.Context, r Request) (Table, error) {
	asked, err := r.check(time.Now())
	if err != nil {
		return Table{}, err
	}
	return q.table(ctx, asked)
}

func (q *Query) table(ctx context.Context, asked *question) (Table, error) {
	cells, groups, at, err := q.cells(ctx, asked)
	if err != nil {
		return Table{}, err
	}
	t := Table{Filter: asked.Filter, OrderBy: asked.OrderBy, At: at, Groups: groups}
	for i := range cells {
		t.Total.Sums.add(&cells[i].Sums)
		if len(asked.Dimensions) > 0 {
			t.Rows = append(t.Rows, asked.row(&cells[i]))
		}
	}
	t.Total.Values = asked.values(&t.Total.Sums)
	if len(asked.Dimensions) == 0 {
		t.Groups = 0
	}
	return t, nil
}

// cell is what is known of one group in one interval.
type cell struct {
	interval int
	rank     int64 // 0 for the others
	keys     [maxDimensions]string
	Sums
}

// cells reads what a question asks for: by rank, the others last, and by interval.
func (q *Query) cells(ctx context.Context, asked *question) ([]cell, int64, checkpoint.At, error) {
	end, least := asked.To, asked.MinPosition
	var p past
	if asked.past() {
		found, err := q.recall(ctx, asked.Moment)
		if err != nil {
			return nil, 0, checkpoint.At{}, err
		}
		p, end, least = *found, found.end, 0
	}
	sql, args := asked.cells(end, p.tail)
	var out []cell
	var groups int64
	at, err := q.view.Read(ctx, least, sql, `r.n = 0, r.n, r.s`, args, func(row checkpoint.Row) error {
		var c cell
		dest := []any{&c.interval, &c.rank, &c.keys[0], &c.keys[1], &groups}
		for _, n := range c.counts() {
			dest = append(dest, n)
		}
		for _, a := range c.amounts() {
			dest = append(dest, column.Amount(a))
		}
		var first, duration []byte
		if err := row(append(dest, &first, &duration)...); err != nil {
			return err
		}
		var err error
		if c.FirstToken, err = total(first); err != nil {
			return err
		}
		if c.Duration, err = total(duration); err != nil {
			return err
		}
		out = append(out, c)
		return nil
	})
	if asked.past() {
		at = p.at
	}
	return out, groups, at, err
}

func (q *question) row(c *cell) Row {
	r := Row{Other: c.rank == 0, Sums: c.Sums, Values: q.values(&c.Sums)}
	if !r.Other {
		r.Keys = append(r.Keys, c.keys[:len(q.Dimensions)]...)
	}
	return r
}

func (q *question) values(s *Sums) []Value {
	out := make([]Value, len(q.Metrics))
	for i, m := range q.Metrics {
		out[i] = m.Of(s)
	}
	return out
}
