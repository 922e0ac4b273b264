package journal

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// Movements are what changed a wallet in a period: Opening.Posted + TopUps + Grants + Adjustments − Charges =
// Closing.Posted. Closing is the opening of the period that follows. Parts of charges that the wallet did not have
// (uncollectible) never were in it and are not in Charges.
type Movements struct {
	Currency    money.Currency
	Opening     wallet.Balances
	TopUps      money.Amount
	Grants      money.Amount
	Adjustments money.Amount // signed
	Charges     money.Amount
	Closing     wallet.Balances
}

// HeldNet is by how much the holds that were placed exceed those that ended.
func (m Movements) HeldNet() money.Amount { return m.Closing.Held.Sub(m.Opening.Held) }

// Close is a wallet's month in UTC.
type Close struct {
	WalletID uuid.UUID
	Month    Month
	Movements
}

// CloseAnswer is a close as of a moment.
type CloseAnswer struct {
	Close
	// Final says that the month is over by the log's clock, as far as the answer goes: nothing can be added to it.
	Final bool
	checkpoint.At
}

const closeColumns = `month, currency, opening_posted::text, opening_held::text, top_ups::text, grants::text, adjustments::text,
	charges::text, closing_posted::text, closing_held::text`

// Close reads a wallet's month, also one in which nothing happened. Errors: wallet_not_found when the wallet had no entry
// before the end of the month, invalid_request, ledger_unavailable.
func (q *Query) Close(ctx context.Context, id uuid.UUID, month Month, asOf AsOf, minPosition int64) (CloseAnswer, error) {
	if err := month.check(); err != nil {
		return CloseAnswer{}, err
	}
	answer := CloseAnswer{Close: Close{WalletID: id, Month: month}}
	var err error
	if asOf.now() {
		answer.Movements, answer.At, err = q.closed(ctx, id, month, minPosition)
	} else if answer.At, err = q.resolve(ctx, asOf, minPosition); err == nil {
		answer.Movements, err = q.period(ctx, id, month.Start(), month.End(), answer.Position)
	}
	if err != nil {
		return CloseAnswer{}, err
	}
	answer.Final = !answer.AsOf.Before(month.End())
	return answer, nil
}

// closed reads the month's row, or carries the balances of an earlier one over.
func (q *Query) closed(ctx context.Context, id uuid.UUID, month Month, minPosition int64) (Movements, checkpoint.At, error) {
	var c *Close
	at, err := q.view.Read(ctx, minPosition, `SELECT `+closeColumns+` FROM views.journal_closes_v1
		WHERE wallet_id = $3 AND month <= $4 ORDER BY month DESC LIMIT 1`, `r.month`, []any{id, month.Start()},
		func(row checkpoint.Row) (err error) {
			c = &Close{}
			*c, err = scanClose(row)
			return err
		})
	switch {
	case err != nil:
		return Movements{}, at, err
	case c == nil:
		return Movements{}, at, domain.Errorf(domain.CodeWalletNotFound, "no such wallet at that time")
	case c.Month != month:
		return Movements{Currency: c.Currency, Opening: c.Closing, Closing: c.Closing}, at, nil
	}
	return c.Movements, at, nil
}

func scanClose(row checkpoint.Row) (Close, error) {
	var c Close
	var month time.Time
	err := row(&month, &c.Currency, column.Amount(&c.Opening.Posted), column.Amount(&c.Opening.Held), column.Amount(&c.TopUps),
		column.Amount(&c.Grants), column.Amount(&c.Adjustments), column.Amount(&c.Charges), column.Amount(&c.Closing.Posted), column.Amount(&c.Closing.Held))
	c.Month = MonthOf(month)
	return c, err
}

// periodSQL finds the balances at both ends, each by one seek, and sums the credits between them.
func periodSQL() string {
	return `SELECT c.currency, coalesce(o.wallet_balance + o.hold_balance, 0)::text, coalesce(o.hold_balance, 0)::text,
		coalesce(m.top_ups, 0)::text, coalesce(m.grants, 0)::text, coalesce(m.adjustments, 0)::text,
		(c.wallet_balance + c.hold_balance)::text, c.hold_balance::text
	FROM (SELECT currency, wallet_balance, hold_balance FROM views.journal_entries_v1 WHERE wallet_id = $3 AND position <= $4
			AND recorded_at < $6 AND position < ` + stretchBefore("$6", "bucket + 1") + ` ORDER BY position DESC LIMIT 1) c
	LEFT JOIN (SELECT wallet_balance, hold_balance FROM views.journal_entries_v1 WHERE wallet_id = $3 AND position <= $4
			AND recorded_at < $5 AND position < ` + stretchBefore("$5", "bucket + 1") + ` ORDER BY position DESC LIMIT 1) o ON true
	CROSS JOIN (SELECT sum(wallet_amount) FILTER (WHERE kind = 'top_up') AS top_ups, sum(wallet_amount) FILTER (WHERE kind = 'grant') AS grants,
			sum(wallet_amount) FILTER (WHERE kind = 'adjustment') AS adjustments
		FROM views.journal_entries_v1 WHERE wallet_id = $3 AND position <= $4 AND kind IN ('top_up', 'grant', 'adjustment')
			AND recorded_at >= $5 AND recorded_at < $6 AND position < ` + stretchBefore("$6", "bucket + 1") + `
			AND position >= coalesce(` + stretchBefore("$5", "bucket") + `, 0)) m`
}

// period works a wallet's movements in [from, to) out, as of a position.
func (q *Query) period(ctx context.Context, id uuid.UUID, from, to time.Time, position int64) (Movements, error) {
	var m Movements
	found := false
	_, err := q.view.Read(ctx, 0, periodSQL(), `r.currency`, []any{id, position, from, to}, func(row checkpoint.Row) error {
		found = true
		return row(&m.Currency, column.Amount(&m.Opening.Posted), column.Amount(&m.Opening.Held), column.Amount(&m.TopUps),
			column.Amount(&m.Grants), column.Amount(&m.Adjustments), column.Amount(&m.Closing.Posted), column.Amount(&m.Closing.Held))
	})
	if err != nil {
		return Movements{}, err
	}
	if !found {
		return Movements{}, domain.Errorf(domain.CodeWalletNotFound, "no such wallet at that time")
	}
	m.Charges = m.Opening.Posted.Add(m.TopUps).Add(m.Grants).Add(m.Adjustments).Sub(m.Closing.Posted)
	return m, nil
}

// ClosesRequest asks for a page of a wallet's months, the newest first.
type ClosesRequest struct {
	WalletID    uuid.UUID
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// ClosesPage is a part of the list of months. NextCursor is "" on the last page.
type ClosesPage struct {
	Closes     []Close
	NextCursor string
	checkpoint.At
}

const closesList = Name + "-closes"

// Closes lists the months in which a wallet had an entry; the balances of a month between two of them are the closing of
// the one before. An unknown wallet has none. Errors: invalid_request, ledger_unavailable.
func (q *Query) Closes(ctx context.Context, r ClosesRequest) (ClosesPage, error) {
	limit, err := page.Limit(r.Limit)
	if err != nil {
		return ClosesPage{}, err
	}
	before := int64(math.MaxInt64)
	if r.Cursor != "" {
		key, err := page.Decode(closesList, r.Cursor, 1)
		if err != nil {
			return ClosesPage{}, err
		}
		before = key[0]
	}
	var p ClosesPage
	p.At, err = q.view.Read(ctx, r.MinPosition, `SELECT `+closeColumns+` FROM views.journal_closes_v1
		WHERE wallet_id = $3 AND month < $4 ORDER BY month DESC LIMIT $5`, `r.month DESC`, []any{r.WalletID, monthBefore(before), limit + 1},
		func(row checkpoint.Row) error {
			if len(p.Closes) == limit { // there is one more: not shown, but a page of its own
				p.NextCursor = page.Encode(closesList, p.Closes[limit-1].Month.number())
				return nil
			}
			c, err := scanClose(row)
			c.WalletID = r.WalletID
			p.Closes = append(p.Closes, c)
			return err
		})
	if err != nil {
		return ClosesPage{}, err
	}
	return p, nil
}

const monthsOfYear = 12

// number counts months, for cursors.
func (m Month) number() int64 { return int64(m.Year)*monthsOfYear + int64(m.Month) - 1 }

// monthBefore is the month of a number, or the last or first one that can be asked for.
func monthBefore(number int64) time.Time {
	number = min(max(number, monthsOfYear), 9999*monthsOfYear)
	return time.Date(int(number/monthsOfYear), time.Month(number%monthsOfYear+1), 1, 0, 0, 0, 0, time.UTC)
}
