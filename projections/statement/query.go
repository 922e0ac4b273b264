package statement

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// The kinds of movements.
const (
	TopUp      = "top_up"
	Grant      = "grant"
	Adjustment = "adjustment"
	Charge     = "charge"
)

// Kinds lists all kinds of movements.
func Kinds() []string { return []string{TopUp, Grant, Adjustment, Charge} }

// Movement is one change of the posted balance: BalanceAfter = BalanceBefore + Amount.
type Movement struct {
	Position      int64
	RecordedAt    time.Time
	Kind          string
	Amount        money.Amount // signed: charges are negative (or zero, for a free call)
	BalanceBefore money.Amount
	BalanceAfter  money.Amount
	Currency      money.Currency
	Reference     string
	Reason        string
	GenerationID  *uuid.UUID // charges only, as KeyID and Model
	KeyID         *uuid.UUID
	Model         string
}

// Request asks for a page of a wallet's movements, the newest first.
type Request struct {
	WalletID    uuid.UUID
	From, To    time.Time // recorded in [From, To); zero leaves the side open
	Kinds       []string  // none means all
	Cursor      string    // NextCursor of the page before
	Limit       int       // 1 to 1000; 0 means 50
	MinPosition int64
	// AsOf asks for what was answered at a moment (see package asof), after waiting for it; its zero value means now.
	AsOf checkpoint.At
}

// Page is a part of a statement. NextCursor is "" on the last page.
type Page struct {
	Movements  []Movement
	NextCursor string
	checkpoint.At
}

// Query answers from the statement view.
type Query struct{ view *checkpoint.View }

// NewQuery makes the view's queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...)}
}

// List reads a page of a wallet's statement; an unknown wallet has none. Errors: invalid_request, ledger_unavailable.
func (q *Query) List(ctx context.Context, r Request) (Page, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return Page{}, err
	}
	sql, args, err := r.sql(limit + 1)
	if err != nil {
		return Page{}, err
	}
	var p Page
	p.At, err = q.view.Read(ctx, max(r.MinPosition, r.AsOf.Position), sql, `r.position DESC`, args, func(row checkpoint.Row) error {
		if len(p.Movements) == limit { // there is one more: not shown, but a page of its own
			p.NextCursor = page.Encode(Name, p.Movements[limit-1].Position)
			return nil
		}
		m, err := scan(row)
		p.Movements = append(p.Movements, m)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	if r.AsOf.Position != 0 {
		p.At = r.AsOf
	}
	return p, nil
}

// sql turns the request into a range of the primary key; the minutes narrow a time to positions.
func (r Request) sql(limit int) (string, []any, error) {
	from, to, err := page.Range(r.From, r.To)
	if err != nil {
		return "", nil, err
	}
	before := int64(1<<63 - 1)
	if r.AsOf.Position != 0 {
		before = r.AsOf.Position + 1
	}
	if r.Cursor != "" {
		key, err := page.Decode(Name, r.Cursor, 1)
		if err != nil {
			return "", nil, err
		}
		before = min(before, key[0])
	}
	sql := `SELECT position, recorded_at, kind, amount::text, balance_before::text, balance_after::text, currency,
		reference, reason, generation_id, key_id, model
		FROM views.statement_v1 WHERE wallet_id = $3 AND position < $4`
	args := []any{r.WalletID, before, limit}
	add := func(condition string, value any) {
		args = append(args, value)
		n := strconv.Itoa(len(args) + 2)
		sql += fmt.Sprintf(condition, "$"+n)
	}
	if from != nil {
		add(` AND recorded_at >= %[1]s AND position >= coalesce((SELECT first_position FROM views.statement_minutes_v1
			WHERE minute <= %[1]s ORDER BY minute DESC LIMIT 1), 0)`, *from)
	}
	if to != nil {
		add(` AND recorded_at < %[1]s AND position < coalesce((SELECT first_position FROM views.statement_minutes_v1
			WHERE minute >= %[1]s ORDER BY minute LIMIT 1), 9223372036854775807)`, *to)
	}
	if len(r.Kinds) > 0 {
		for _, kind := range r.Kinds {
			if !slices.Contains(Kinds(), kind) {
				return "", nil, domain.Errorf(domain.CodeInvalid, "kind is one of top_up, grant, adjustment, charge")
			}
		}
		add(` AND kind = ANY(%s)`, r.Kinds)
		if !slices.Contains(r.Kinds, Charge) {
			sql += ` AND kind <> 'charge'` // what the index over the credits needs to be told
		}
	}
	return sql + ` ORDER BY position DESC LIMIT $5`, args, nil
}

func scan(row checkpoint.Row) (Movement, error) {
	var m Movement
	err := row(&m.Position, &m.RecordedAt, &m.Kind, column.Amount(&m.Amount), column.Amount(&m.BalanceBefore),
		column.Amount(&m.BalanceAfter), &m.Currency, &m.Reference, &m.Reason, &m.GenerationID, &m.KeyID, &m.Model)
	m.RecordedAt = m.RecordedAt.UTC()
	return m, err
}
