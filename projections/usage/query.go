package usage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// Query answers from the usage view. Safe for concurrent use. Equal questions at the same time are answered once: the slices of an
// answer are not to be changed.
type Query struct {
	view     *checkpoint.View
	log      eventstore.Reader
	registry *domain.Registry
	seen     seen
	flights  flights
	kept     store // of answers, the parts that never change
	most     int   // cells of one question that are kept
}

// NewQuery makes the view's queries. The log is read for answers as of a moment: the events of one minute.
func NewQuery(pool *pgxpool.Pool, log eventstore.Reader, registry *domain.Registry, options ...checkpoint.Option) *Query {
	return &Query{view: checkpoint.NewView(pool, Name, Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...), log: log, registry: registry, most: mostStanding}
}

// Row is one group.
type Row struct {
	Keys   []string // the group's values, in the order of the dimensions; none in the row of all others
	Other  bool     // all groups without a row of their own
	Sums   Sums     // those that the metrics need
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
	return together(ctx, &q.flights, "table", asked, func(ctx context.Context) (Table, error) { return q.readTable(ctx, asked) })
}

func (q *Query) readTable(ctx context.Context, asked *question) (Table, error) {
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
	if asked.past() {
		p, err := q.recall(ctx, asked.Moment)
		if err != nil {
			return nil, 0, checkpoint.At{}, err
		}
		out, groups, _, err := q.cellsUntil(ctx, asked, 0, p.end, p.end, p.tail)
		return out, groups, p.at, err
	}
	over, err := q.over(ctx, asked.MinPosition)
	for {
		if err != nil {
			return nil, 0, checkpoint.At{}, err
		}
		out, groups, at, err := q.cellsUntil(ctx, asked, asked.MinPosition, asked.To, over, nil)
		if err == nil && !q.reached(at, over) {
			q.kept.forget(at.Build())
			over = at.AsOf // the rows that it counted on may be missing
			continue
		}
		return out, groups, at, err
	}
}

// cellsUntil reads the calls before end, of which those before over have all their rows.
func (q *Query) cellsUntil(ctx context.Context, asked *question, least int64, end, over time.Time, tail *batch) ([]cell, int64, checkpoint.At, error) {
	if out, groups, at, done, err := q.joined(ctx, asked, least, end, over, tail); err != nil || done {
		return out, groups, at, err
	}
	sql, args := asked.cells(end, over, tail)
	var out []cell
	var groups int64
	at, err := q.view.Read(ctx, least, sql, `r.n = 0, r.n, r.s`, args, func(row checkpoint.Row) error {
		var c cell
		dest := []any{&c.interval, &c.rank, &c.keys[0], &c.keys[1], &groups}
		for _, column := range asked.needs {
			dest = append(dest, c.scan(column))
		}
		err := row(dest...)
		if last := len(out) - 1; last >= 0 && c.rank == 0 && out[last].rank == 0 && c.interval == out[last].interval {
			out[last].add(&c.Sums)
		} else {
			out = append(out, c)
		}
		return err
	})
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
