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
// (uncollectible) never were in it and are not in Charges. Corrections of charges count among them, in the period in which they were made.
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

// Close works a wallet's month out, also one in which nothing happened. Errors: wallet_not_found when the wallet had no entry
// before the end of the month, invalid_request, ledger_unavailable.
func (q *Query) Close(ctx context.Context, id uuid.UUID, month Month, asOf AsOf, minPosition int64) (CloseAnswer, error) {
	if err := month.check(); err != nil {
		return CloseAnswer{}, err
	}
	answer := CloseAnswer{Close: Close{WalletID: id, Month: month}}
	var err error
	if answer.At, err = q.resolve(ctx, asOf, minPosition); err != nil {
		return CloseAnswer{}, err
	}
	if answer.Movements, err = q.period(ctx, id, month.Start(), month.End(), answer.Position); err != nil {
		return CloseAnswer{}, err
	}
	answer.Final = !answer.AsOf.Before(month.End())
	return answer, nil
}

// periodSQL finds the balances of wallet $3 at both ends of [from, to), each by one seek, and sums the credits between them, all as of
// position $4.
func periodSQL(from, to string) string {
	return `SELECT c.currency, coalesce(o.wallet_balance + o.hold_balance, 0)::text AS opening, coalesce(o.hold_balance, 0)::text AS opening_held,
		coalesce(m.top_ups, 0)::text AS top_ups, coalesce(m.grants, 0)::text AS grants, coalesce(m.adjustments, 0)::text AS adjustments,
		(c.wallet_balance + c.hold_balance)::text AS closing, c.hold_balance::text AS closing_held
	FROM (SELECT currency, wallet_balance, hold_balance FROM views.journal_entries_v2 WHERE wallet_id = $3 AND position <= $4
			AND recorded_at < ` + to + ` AND position < ` + stretchBefore(to, "bucket + 1") + ` ORDER BY position DESC LIMIT 1) c
	LEFT JOIN (SELECT wallet_balance, hold_balance FROM views.journal_entries_v2 WHERE wallet_id = $3 AND position <= $4
			AND recorded_at < ` + from + ` AND position < ` + stretchBefore(from, "bucket + 1") + ` ORDER BY position DESC LIMIT 1) o ON true
	CROSS JOIN (SELECT sum(wallet_amount) FILTER (WHERE kind = 'top_up') AS top_ups, sum(wallet_amount) FILTER (WHERE kind = 'grant') AS grants,
			sum(wallet_amount) FILTER (WHERE kind = 'adjustment') AS adjustments
		FROM views.journal_entries_v2 WHERE wallet_id = $3 AND position <= $4 AND generation_id IS NULL
			AND recorded_at >= ` + from + ` AND recorded_at < ` + to + ` AND position < ` + stretchBefore(to, "bucket + 1") + `
			AND position >= coalesce(` + stretchBefore(from, "bucket") + `, 0)) m`
}

// columns are what a period's row scans into; settle comes after.
func (m *Movements) columns() []any {
	return []any{
		&m.Currency, column.Amount(&m.Opening.Posted), column.Amount(&m.Opening.Held), column.Amount(&m.TopUps), column.Amount(&m.Grants),
		column.Amount(&m.Adjustments), column.Amount(&m.Closing.Posted), column.Amount(&m.Closing.Held),
	}
}

// settle works out what the charges must have been.
func (m *Movements) settle() {
	m.Charges = m.Opening.Posted.Add(m.TopUps).Add(m.Grants).Add(m.Adjustments).Sub(m.Closing.Posted)
}

// period works a wallet's movements in [from, to) out, as of a position.
func (q *Query) period(ctx context.Context, id uuid.UUID, from, to time.Time, position int64) (Movements, error) {
	var m Movements
	found := false
	_, err := q.view.Read(ctx, 0, periodSQL("$5", "$6"), `r.currency`, []any{id, position, from, to}, func(row checkpoint.Row) error {
		found = true
		return row(m.columns()...)
	})
	if err != nil {
		return Movements{}, err
	}
	if !found {
		return Movements{}, domain.Errorf(domain.CodeWalletNotFound, "no such wallet at that time")
	}
	m.settle()
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

// closesSQL goes from the last entry of a month to the last one before that month, and works each month out. $5 is the first moment
// that is too late, $6 how many months there are at most.
func closesSQL() string {
	const month = `date_trunc('month', recorded_at, 'UTC') AS month`
	return `WITH RECURSIVE months AS (
		(SELECT position, ` + month + ` FROM views.journal_entries_v2 WHERE wallet_id = $3 AND position <= $4 AND recorded_at < $5
			AND position < ` + stretchBefore("$5", "bucket + 1") + ` ORDER BY position DESC LIMIT 1)
		UNION ALL
		SELECT e.position, e.month FROM months CROSS JOIN LATERAL (SELECT position, ` + month + ` FROM views.journal_entries_v2
			WHERE wallet_id = $3 AND position < months.position AND recorded_at < months.month
			AND position < ` + stretchBefore("months.month", "bucket + 1") + ` ORDER BY position DESC LIMIT 1) e
	)
	SELECT months.month, p.* FROM (SELECT month FROM months LIMIT $6) months CROSS JOIN LATERAL (` +
		periodSQL("months.month", "((months.month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')") + `) p`
}

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
	args := []any{r.WalletID, int64(math.MaxInt64), monthBefore(before), limit + 1}
	p.At, err = q.view.Read(ctx, r.MinPosition, closesSQL(), `r.month DESC`, args, func(row checkpoint.Row) error {
		if len(p.Closes) == limit { // there is one more: not shown, but a page of its own
			p.NextCursor = page.Encode(closesList, p.Closes[limit-1].Month.number())
			return nil
		}
		var start time.Time
		c := Close{WalletID: r.WalletID}
		err := row(append([]any{&start}, c.columns()...)...)
		c.Month = MonthOf(start)
		c.settle()
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
