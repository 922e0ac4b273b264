// Package statement reads every movement of a wallet's posted balance: those entries of the journal that are no mere holds.
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
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/page"
)

// The kinds of movements.
const (
	TopUp      = journal.TopUp
	Grant      = journal.Grant
	Adjustment = journal.Adjustment
	Charge     = journal.Charge
	Correction = journal.Correction // of a charge
)

// Kinds lists all kinds of movements.
func Kinds() []string { return []string{TopUp, Grant, Adjustment, Charge, Correction} }

// Movement is one change of the posted balance: BalanceAfter = BalanceBefore + Amount.
type Movement struct {
	Position      int64
	RecordedAt    time.Time
	Kind          string
	Amount        money.Amount // signed: charges are negative (or zero, for a free call), what a correction gives back is positive
	BalanceBefore money.Amount
	BalanceAfter  money.Amount
	Currency      money.Currency
	Reference     string
	Reason        string
	GenerationID  *uuid.UUID // charges and their corrections only, as KeyID and Model
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

// Query answers from the journal's entries.
type Query struct{ view *checkpoint.View }

// NewQuery makes the queries.
func NewQuery(pool *pgxpool.Pool, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, journal.Name, journal.Version, append([]checkpoint.Option{checkpoint.Walled()}, options...)...)}
}

// list names the cursors.
const list = "statement"

// List reads a page of a wallet's statement; an unknown wallet has none. Errors: invalid_request, ledger_unavailable.
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
	p.At, err = q.view.Read(ctx, max(r.MinPosition, r.AsOf.Position), sql, `r.position DESC`, args, func(row checkpoint.Row) error {
		if len(p.Movements) == limit { // there is one more: not shown, but a page of its own
			p.NextCursor = page.Encode(list, p.Movements[limit-1].Position)
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

// sql turns the request into a range of a wallet's entries; stretches of the journal narrow a time to positions.
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
		key, err := page.Decode(list, r.Cursor, 1)
		if err != nil {
			return "", nil, err
		}
		before = min(before, key[0])
	}
	sql := `SELECT e.position, e.recorded_at, e.kind, (e.wallet_amount + e.hold_amount)::text AS amount,
		(e.wallet_balance + e.hold_balance)::text AS balance_after, e.currency, e.reference, e.reason,
		CASE WHEN e.kind IN ('charge', 'correction') THEN e.generation_id END AS generation_id, e.key_id, e.model
		FROM views.journal_entries_v2 e WHERE e.wallet_id = $3 AND e.position < $4 AND e.kind IN ('top_up', 'grant', 'adjustment', 'charge', 'correction')`
	args := []any{r.WalletID, before}
	add := func(condition string, value any) {
		args = append(args, value)
		n := strconv.Itoa(len(args) + 2)
		sql += fmt.Sprintf(condition, "$"+n)
	}
	if from != nil {
		add(` AND e.recorded_at >= %[1]s AND e.position >= coalesce((SELECT bucket * 1024 FROM views.journal_stretches_v2
			WHERE recorded_at < %[1]s ORDER BY recorded_at DESC, bucket DESC LIMIT 1), 0)`, *from)
	}
	if to != nil {
		add(` AND e.recorded_at < %[1]s AND e.position < coalesce((SELECT (bucket + 1) * 1024 FROM views.journal_stretches_v2
			WHERE recorded_at < %[1]s ORDER BY recorded_at DESC, bucket DESC LIMIT 1), 0)`, *to)
	}
	if len(r.Kinds) > 0 {
		for _, kind := range r.Kinds {
			if !slices.Contains(Kinds(), kind) {
				return "", nil, domain.Errorf(domain.CodeInvalid, "kind is one of top_up, grant, adjustment, charge, correction")
			}
		}
		add(` AND e.kind = ANY(%s)`, r.Kinds)
		if !slices.Contains(r.Kinds, Charge) && !slices.Contains(r.Kinds, Correction) {
			sql += ` AND e.generation_id IS NULL` // what the index over the credits needs to be told
		}
	}
	return sql + ` ORDER BY e.position DESC LIMIT ` + strconv.Itoa(page.Rows(limit)), args, nil
}

// scan reads a row. The driver takes plain types as they come, where it would turn named ones into text and back.
func scan(row checkpoint.Row) (Movement, error) {
	var m Movement
	var generation, key *[16]byte
	err := row(&m.Position, &m.RecordedAt, (*string)(&m.Kind), column.Amount(&m.Amount), column.Amount(&m.BalanceAfter), (*string)(&m.Currency),
		&m.Reference, &m.Reason, &generation, &key, &m.Model)
	m.GenerationID, m.KeyID, m.BalanceBefore = (*uuid.UUID)(generation), (*uuid.UUID)(key), m.BalanceAfter.Sub(m.Amount)
	m.RecordedAt = m.RecordedAt.UTC()
	return m, err
}
