package reviews

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// State is where a review stands.
type State string

// The states.
const (
	Open     State = "open"
	Resolved State = "resolved"
)

// Review is a suspect charge.
type Review struct {
	GenerationID uuid.UUID
	WalletID     uuid.UUID
	KeyID        uuid.UUID
	Model        string
	Endpoint     string
	Vendor       string
	Currency     money.Currency
	Reason       string           // the check that failed, a stable code; Unknown of old charges
	Provenance   usage.Provenance // of what was charged
	ChargedAt    time.Time
	Position     int64 // of the charge
	Charge       money.Amount
	Corrected    money.Amount // the charge after its last correction; as Charge without one
	State        State
	Decision     charge.Decision // "" while open, and so below
	DecidedBy    string
	DecidedWhy   string
	DecidedAt    time.Time
}

// Request asks for a page of suspect charges, the newest first. Empty means any.
type Request struct {
	State       State
	WalletID    *uuid.UUID
	Vendor      string
	Model       string
	Reason      string
	From, To    time.Time // charged in [From, To); zero leaves the side open
	Cursor      string    // NextCursor of the page before
	Limit       int       // 1 to 1000; 0 means 50
	MinPosition int64
}

// Page is a part of the list. NextCursor is "" on the last page.
type Page struct {
	Reviews        []Review
	Open, Resolved int64 // how many the filter means on all pages, whatever state it asks for
	NextCursor     string
	checkpoint.At
}

// Query answers from the reviews view.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...)}
}

// List reads a page. Errors: invalid_request, ledger_unavailable.
func (q *Query) List(ctx context.Context, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	sql, args, err := r.sql(limit)
	if err != nil {
		return Page{}, err
	}
	var p Page
	p.At, err = q.view.Read(ctx, r.MinPosition, sql, `r.position DESC`, args, func(row checkpoint.Row) error {
		var id *uuid.UUID
		if err := row(&p.Open, &p.Resolved, &id); err != nil || id == nil { // the counts alone
			return err
		}
		if len(p.Reviews) == limit { // there is one more: not shown, but a page of its own
			if p.NextCursor == "" {
				p.NextCursor = page.Encode(Name, p.Reviews[limit-1].Position)
			}
			return nil
		}
		review, err := scan(row)
		p.Reviews = append(p.Reviews, review)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	return p, nil
}

func scan(row checkpoint.Row) (Review, error) {
	var r Review
	var decided *time.Time
	err := row(nil, nil, &r.GenerationID, &r.WalletID, &r.KeyID, &r.Model, &r.Endpoint, &r.Vendor, &r.Currency, &r.Reason, &r.Provenance,
		&r.ChargedAt, &r.Position, column.Amount(&r.Charge), column.Amount(&r.Corrected), &r.State, &r.Decision, &r.DecidedBy, &r.DecidedWhy, &decided)
	r.ChargedAt = r.ChargedAt.UTC()
	if decided != nil {
		r.DecidedAt = decided.UTC()
	}
	return r, err
}

const columns = `generation_id, wallet_id, key_id, model, endpoint, vendor, currency, reason, provenance, charged_at, position,
	charge::text AS charge, corrected::text AS corrected, state, decision, decided_by, decided_because, decided_at`

// sql counts what the filter means, and reads the page.
func (r Request) sql(limit int) (string, []any, error) {
	filter, args, err := r.filter()
	if err != nil {
		return "", nil, err
	}
	found := filter
	add := func(condition string, value any) {
		args = append(args, value)
		found += condition + "$" + strconv.Itoa(len(args)+2)
	}
	switch r.State {
	case "":
	case Open, Resolved:
		add(` AND v.state = `, string(r.State))
	default:
		return "", nil, domain.Errorf(domain.CodeInvalid, "state is open or resolved")
	}
	if r.Cursor != "" {
		key, err := page.Decode(Name, r.Cursor, 1)
		if err != nil {
			return "", nil, err
		}
		add(` AND v.position < `, key[0])
	}
	return `SELECT c.open, c.resolved, f.* FROM
		(SELECT count(*) FILTER (WHERE v.state = 'open') AS open, count(*) FILTER (WHERE v.state = 'resolved') AS resolved
			FROM views.reviews_v1 v WHERE ` + filter + `) c
		LEFT JOIN (SELECT ` + columns + ` FROM views.reviews_v1 v WHERE ` + found + `
			ORDER BY v.position DESC LIMIT ` + strconv.Itoa(page.Rows(limit)) + `) f ON true`, args, nil
}

// filter is what both the counts and the page are of.
func (r Request) filter() (string, []any, error) {
	from, to, err := page.Range(r.From, r.To)
	if err != nil {
		return "", nil, err
	}
	sql, args := `true`, []any(nil)
	add := func(condition string, value any) {
		args = append(args, value)
		sql += ` AND v.` + condition + "$" + strconv.Itoa(len(args)+2)
	}
	for _, text := range []struct{ field, value string }{{"vendor", r.Vendor}, {"model", r.Model}, {"reason", r.Reason}} {
		if err := page.Text(text.field, text.value); err != nil {
			return "", nil, err
		}
		if text.value != "" {
			add(text.field+` = `, text.value)
		}
	}
	if r.WalletID != nil {
		add(`wallet_id = `, *r.WalletID)
	}
	if from != nil {
		add(`charged_at >= `, *from)
	}
	if to != nil {
		add(`charged_at < `, *to)
	}
	return sql, args, nil
}
