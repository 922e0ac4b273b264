package apps

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/page"
)

// App is what is known of one app.
type App struct {
	ID             uuid.UUID
	WalletID       uuid.UUID
	Owner          string // of the wallet when the app was registered
	Details        app.Details
	Archived       bool
	ArchivedReason string
	RegisteredAt   time.Time
	UpdatedAt      time.Time
	LastPosition   int64 // of the app's last event
	checkpoint.At
}

// Request asks for a page of apps.
type Request struct {
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// Page is a part of a wallet's apps. NextCursor is "" on the last page.
type Page struct {
	Apps       []App
	NextCursor string
	checkpoint.At
}

// Query answers from the apps view.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{view: checkpoint.NewView(pool, Name, Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...)}
}

const selectApps = `SELECT a.app_id, a.wallet_id, a.owner, a.name, a.url, a.description, a.hidden, a.archived, a.archived_reason,
	a.registered_at, a.updated_at, a.position, a.registered_position FROM views.apps_v1 a `

// App reads one app, after waiting for minPosition. Errors: app_not_found, ledger_unavailable.
func (q *Query) App(ctx context.Context, id uuid.UUID, minPosition int64) (App, error) {
	var a App
	found := false
	at, err := q.view.Read(ctx, minPosition, selectApps+`WHERE a.app_id = $3`, `r.app_id`, []any{id}, func(row checkpoint.Row) (err error) {
		found = true
		a, _, err = scan(row)
		return err
	})
	if err != nil {
		return App{}, err
	}
	if !found {
		return App{}, domain.Errorf(domain.CodeAppNotFound, "no such app")
	}
	a.At = at
	return a, nil
}

// ByWallet lists a wallet's apps, the newest first; an unknown wallet has none. Errors: invalid_request, ledger_unavailable.
func (q *Query) ByWallet(ctx context.Context, walletID uuid.UUID, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	before := int64(1<<63 - 1)
	if r.Cursor != "" {
		key, err := page.Decode(Name, r.Cursor, 1)
		if err != nil {
			return Page{}, err
		}
		before = key[0]
	}
	var p Page
	last := int64(0)
	p.At, err = q.view.Read(ctx, r.MinPosition,
		selectApps+`WHERE a.wallet_id = $3 AND a.registered_position < $4 ORDER BY a.registered_position DESC LIMIT $5`,
		`r.registered_position DESC`, []any{walletID, before, limit + 1}, func(row checkpoint.Row) error {
			if len(p.Apps) == limit { // there is one more: not shown, but a page of its own
				p.NextCursor = page.Encode(Name, last)
				return nil
			}
			a, registered, err := scan(row)
			last, p.Apps = registered, append(p.Apps, a)
			return err
		})
	if err != nil {
		return Page{}, err
	}
	for i := range p.Apps {
		p.Apps[i].At = p.At
	}
	return p, nil
}

func scan(row checkpoint.Row) (a App, registered int64, err error) {
	d := &a.Details
	err = row(&a.ID, &a.WalletID, &a.Owner, &d.Name, &d.URL, &d.Description, &d.Hidden, &a.Archived, &a.ArchivedReason,
		&a.RegisteredAt, &a.UpdatedAt, &a.LastPosition, &registered)
	a.RegisteredAt, a.UpdatedAt = a.RegisteredAt.UTC(), a.UpdatedAt.UTC()
	return a, registered, err
}
