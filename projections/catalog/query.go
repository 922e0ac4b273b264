package catalog

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/page"
)

// Query answers from the catalog view.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...)}
}

// Snapshot reads the whole catalogue as it is now. For each call of a hot path use a Cache. Errors: ledger_unavailable.
func (q *Query) Snapshot(ctx context.Context) (*Snapshot, error) { return q.since(ctx, empty()) }

// SnapshotAsOf reads the whole catalogue as it was at a moment (see package asof), after waiting for it. Errors: ledger_unavailable.
func (q *Query) SnapshotAsOf(ctx context.Context, at checkpoint.At) (*Snapshot, error) {
	s, err := q.read(ctx, empty(), at.Position, at.Position)
	if err != nil {
		return nil, err
	}
	s.At = at
	return s, nil
}

// since folds what was published after an older snapshot into a new one; the older one stays as it is. After a switch to
// another build everything is read anew.
func (q *Query) since(ctx context.Context, old *Snapshot) (*Snapshot, error) {
	s, err := q.after(ctx, old)
	if err == nil && old.Last > 0 && !s.SameBuild(old.At) {
		return q.after(ctx, empty())
	}
	return s, err
}

func (q *Query) after(ctx context.Context, old *Snapshot) (*Snapshot, error) {
	return q.read(ctx, old, math.MaxInt64, 0)
}

// read folds what was published after an older snapshot, up to a position, into a new one.
func (q *Query) read(ctx context.Context, old *Snapshot, last, minPosition int64) (*Snapshot, error) {
	var news []publication
	at, err := q.view.Read(ctx, minPosition,
		`SELECT position, recorded_at, kind, id, body FROM views.catalog_publications_v1 WHERE position > $3 AND position <= $4 ORDER BY position`,
		`r.position`, []any{old.Last, last},
		func(row checkpoint.Row) error {
			var p publication
			err := row(&p.position, &p.recordedAt, &p.kind, &p.id, &p.body)
			news = append(news, p)
			return err
		})
	if err != nil {
		return nil, err
	}
	s, err := old.with(news)
	if err != nil {
		return nil, err
	}
	s.At = at
	return s, nil
}

// PriceHistory lists all price versions of an endpoint in the order of publication; none for an unknown endpoint.
// Errors: invalid_request, ledger_unavailable.
func (q *Query) PriceHistory(ctx context.Context, endpoint string) (History, error) {
	if err := page.Text("endpoint", endpoint); err != nil {
		return History{}, err
	}
	var h History
	at, err := q.view.Read(ctx, 0,
		`SELECT position, recorded_at, body FROM views.catalog_publications_v1 WHERE kind = 'price' AND id = $3 ORDER BY position`,
		`r.position`, []any{endpoint},
		func(row checkpoint.Row) error {
			p := PricePublication{}
			var body []byte
			if err := row(&p.Position, &p.RecordedAt, &body); err != nil {
				return err
			}
			p.RecordedAt = p.RecordedAt.UTC()
			h.Prices = append(h.Prices, p)
			return decode(body, &h.Prices[len(h.Prices)-1].PriceVersion)
		})
	if err != nil {
		return History{}, fmt.Errorf("read price history: %w", err)
	}
	h.At = at
	return h, nil
}

// History is an endpoint's price versions in the order of publication.
type History struct {
	Prices []PricePublication
	checkpoint.At
}

// PricePublication is a price version and when it was published.
type PricePublication struct {
	domaincatalog.PriceVersion
	Position   int64
	RecordedAt time.Time
}
