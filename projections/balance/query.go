package balance

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/page"
)

// Wallet is the balance of one wallet. Posted is CreditedTotal less ChargedTotal, Available is Posted less Held.
type Wallet struct {
	ID            uuid.UUID
	Owner         string
	Currency      money.Currency
	Posted        money.Amount
	Held          money.Amount
	Available     money.Amount
	CreditedTotal money.Amount // top-ups, grants and adjustments, the latter signed
	ChargedTotal  money.Amount // what was paid; without uncollectible parts
	OpenHolds     int64
	OpenedAt      time.Time
	LastPosition  int64 // of the wallet's last event
	checkpoint.At
}

// Request asks for a page of wallets, the newest first.
type Request struct {
	Owner       string // "" means any
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// Page is a part of a list. NextCursor is "" on the last page.
type Page struct {
	Wallets    []Wallet
	NextCursor string
	checkpoint.At
}

// Query answers from the balance view; of the past, from the journal.
type Query struct {
	view    *checkpoint.View
	entries *checkpoint.View // the journal's
	books   *journal.Query
}

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{
		view:    checkpoint.NewView(pool, Name, Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...),
		entries: checkpoint.NewView(pool, journal.Name, journal.Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...),
		books:   journal.NewQuery(pool, options...),
	}
}

const columns = `wallet_id, owner, currency, posted::text, held::text, available::text, credited_total::text,
	charged_total::text, open_holds, opened_at, position, opened_position`

// Wallet reads one wallet, after waiting for minPosition. Errors: wallet_not_found, ledger_unavailable.
func (q *Query) Wallet(ctx context.Context, id uuid.UUID, minPosition int64) (Wallet, error) {
	w, _, err := q.wallet(ctx, id, minPosition)
	return w, err
}

// wallet reads one wallet and the position at which it was opened.
func (q *Query) wallet(ctx context.Context, id uuid.UUID, minPosition int64) (w Wallet, opened int64, err error) {
	found := false
	at, err := q.view.Read(ctx, minPosition,
		`SELECT `+columns+` FROM views.balance_v1 WHERE wallet_id = $3`, `r.wallet_id`, []any{id},
		func(row checkpoint.Row) (err error) {
			found = true
			w, opened, err = scan(row)
			return err
		})
	if err != nil {
		return Wallet{}, 0, err
	}
	if !found {
		return Wallet{}, 0, notFound()
	}
	w.At = at
	return w, opened, nil
}

// Wallets lists wallets in the order of their opening, the newest first. Errors: invalid_request, ledger_unavailable.
func (q *Query) Wallets(ctx context.Context, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	if err := page.Text("owner", r.Owner); err != nil {
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
	filter, args := ``, []any{before, limit + 1}
	if r.Owner != "" {
		filter, args = ` AND owner = $5`, append(args, r.Owner)
	}
	var p Page
	last := int64(0)
	p.At, err = q.view.Read(ctx, r.MinPosition,
		`SELECT `+columns+` FROM views.balance_v1 WHERE opened_position < $3`+filter+` ORDER BY opened_position DESC LIMIT $4`,
		`r.opened_position DESC`, args,
		func(row checkpoint.Row) error {
			if len(p.Wallets) == limit { // there is one more: not shown, but a page of its own
				p.NextCursor = page.Encode(Name, last)
				return nil
			}
			w, opened, err := scan(row)
			last, p.Wallets = opened, append(p.Wallets, w)
			return err
		})
	if err != nil {
		return Page{}, err
	}
	for i := range p.Wallets {
		p.Wallets[i].At = p.At
	}
	return p, nil
}

func scan(row checkpoint.Row) (w Wallet, opened int64, err error) {
	err = row(&w.ID, &w.Owner, &w.Currency, column.Amount(&w.Posted), column.Amount(&w.Held), column.Amount(&w.Available),
		column.Amount(&w.CreditedTotal), column.Amount(&w.ChargedTotal), &w.OpenHolds, &w.OpenedAt, &w.LastPosition, &opened)
	if err != nil {
		return Wallet{}, 0, fmt.Errorf("scan wallet: %w", err)
	}
	w.OpenedAt = w.OpenedAt.UTC()
	return w, opened, nil
}
