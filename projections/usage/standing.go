package usage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// mostStanding is how many cells are kept of one question. Questions with more are answered whole by the database.
const mostStanding = 10_000

// standing is the part of a question's range that is over and never changes again: whole days, or whole quarters of an hour when there
// is no such day. It stays the same while the range moves on from minute to minute.
func (q *question) standing(end, over time.Time) (piece, bool) {
	for _, g := range []Granularity{Day, quarterHour} {
		last := min(end.Unix(), over.Unix(), q.To.Unix())
		if p := (piece{g.next(q.From.Unix() - 1), g.first(last)}); p.from < p.to {
			return p, true
		}
	}
	return piece{}, false
}

// inside is the question about a part of the range alone, and the interval that it begins in.
func (q *question) inside(p piece) (inner *question, first int) {
	part := *q
	part.From, part.To = time.Unix(p.from, 0), time.Unix(p.to, 0)
	part.borders = []time.Time{part.From}
	for _, b := range q.borders {
		switch {
		case !b.After(part.From):
			first++
		case b.Before(part.To):
			part.borders = append(part.borders, b)
		}
	}
	part.borders = append(part.borders, part.To)
	if len(q.borders) == 2 { //nolint:mnd // one interval has no number
		first = 0
	}
	return &part, first
}

// key says all that the cells of a part depend on, but the build: also for whom they were read, as the database shows everybody his own.
func (q *question) key(tenants string) (string, error) {
	zone, by := q.Zone, q.Granularity
	if len(q.borders) == 2 { //nolint:mnd // one interval is the same in every zone
		zone, by = "", ""
	}
	text, err := json.Marshal([]any{
		tenants, q.Wallets, q.Keys, q.Apps, q.Models, q.Vendors, q.Endpoints, q.Currency, q.Dimensions, q.needs, zone, by, q.From.Unix(), q.To.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write the question: %w", err)
	}
	return string(text), nil
}

// joined answers with what is kept of the standing part and reads only the rest; done is false when the database is to answer it whole.
func (q *Query) joined(ctx context.Context, asked *question, least int64, end, over time.Time, tail *batch) (out []cell, groups int64, at checkpoint.At, done bool, err error) {
	p, found := asked.standing(end, over)
	if !found {
		return nil, 0, at, false, nil
	}
	inner, first := asked.inside(p)
	const tries = 2 // the view may be switched to another build between the two parts
	for range tries {
		kept, build, err := q.keptOf(ctx, inner, least, over)
		if err != nil || kept == nil {
			return nil, 0, at, false, err
		}
		var rest []cell
		if p.to < asked.To.Unix() {
			sql, args := asked.groups(asked.around(p, end, over), func(s *source, columns string) { asked.last(s, tail, columns) })
			rest, at, err = q.sums(ctx, asked, least, sql, args)
		} else { // nothing of it moves any more but the position
			at, err = q.checkpoint(ctx, least)
		}
		if err != nil {
			return nil, 0, at, false, err
		}
		if at.Build() == build {
			out, groups = asked.rank(append(kept.cells(asked.needs, first, len(rest)), rest...))
			return out, groups, at, true, nil
		}
		q.kept.forget(build)
	}
	return nil, 0, at, false, nil
}

// keptOf is the standing part of an answer; nil when it has too many cells, or may not have all its rows yet.
func (q *Query) keptOf(ctx context.Context, inner *question, least int64, over time.Time) (*keptCells, int, error) {
	key, err := inner.key(wall.Of(ctx))
	if err != nil {
		return nil, 0, err
	}
	if value, build, found := q.kept.get(key); found {
		kept, _ := value.(*keptCells)
		return kept, build, nil
	}
	sql, args := inner.groups(cover(inner.borders, inner.To, over, rollups()...), func(*source, string) {})
	cells, at, err := q.sums(ctx, inner, least, fmt.Sprintf("%s LIMIT %d", sql, q.most+1), args)
	if err != nil || at.AsOf.Before(over) {
		return nil, 0, err
	}
	var kept *keptCells
	if len(cells) <= q.most {
		kept = keep(cells, inner.needs)
	}
	q.kept.put(key, kept, kept.size(), at.Build())
	return kept, at.Build(), nil
}

// sums reads the cells of a part, of groups that have no rank yet.
func (q *Query) sums(ctx context.Context, asked *question, least int64, sql string, args []any) (out []cell, at checkpoint.At, err error) {
	at, err = q.view.Read(ctx, least, sql, `r.d1, r.d2, r.s`, args, func(row checkpoint.Row) error {
		var c cell
		dest := []any{&c.interval, &c.keys[0], &c.keys[1]}
		for _, column := range asked.needs {
			dest = append(dest, c.scan(column))
		}
		err := row(dest...)
		out = append(out, c)
		return err
	})
	return out, at, err
}

// around is the plan of the range without a part of it.
func (q *question) around(part piece, end, over time.Time) plan {
	p := plan{}
	for i := 1; i < len(q.borders); i++ {
		from, to := min(q.borders[i-1].Unix(), end.Unix()), min(q.borders[i].Unix(), end.Unix())
		p.cut(from, min(to, part.from), over.Unix(), rollups()...)
		p.cut(max(from, part.to), to, over.Unix(), rollups()...)
	}
	return p
}
