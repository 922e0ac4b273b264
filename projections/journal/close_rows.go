package journal

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// closes are the months of wallets that a batch changes.
type closes struct {
	rows  map[walletMonth]*monthChange
	order []walletMonth
}

type walletMonth struct {
	wallet uuid.UUID
	month  Month
}

// monthChange is what a batch does to one month of a wallet.
type monthChange struct {
	currency                             money.Currency
	opening, closing                     wallet.Balances
	topUps, grants, adjustments, charges money.Amount
	position                             int64
}

func newCloses() closes { return closes{rows: map[walletMonth]*monthChange{}} }

func (c *closes) add(e *entry) {
	key := walletMonth{e.wallet, MonthOf(e.event.RecordedAt)}
	row, known := c.rows[key]
	if !known {
		row = &monthChange{currency: e.currency, opening: wallet.Balances{Posted: e.after.Posted.Sub(e.moved()), Held: e.after.Held.Sub(e.onHolds)}}
		c.rows[key], c.order = row, append(c.order, key)
	}
	row.closing, row.position = e.after, e.event.Position
	switch e.kind {
	case TopUp:
		row.topUps = row.topUps.Add(e.moved())
	case Grant:
		row.grants = row.grants.Add(e.moved())
	case Adjustment:
		row.adjustments = row.adjustments.Add(e.moved())
	default: // the other kinds move nothing but what is held
		row.charges = row.charges.Sub(e.moved())
	}
}

// A month that began in an earlier batch keeps its opening.
const upsertCloses = `INSERT INTO views.journal_closes_v1 AS c (wallet_id, month, currency, opening_posted, opening_held, top_ups, grants,
	adjustments, charges, closing_posted, closing_held, position)
	SELECT t.wallet_id, t.month, t.currency, t.opening_posted, t.opening_held, t.top_ups, t.grants,
		t.adjustments, t.charges, t.closing_posted, t.closing_held, t.position
	FROM unnest($1::uuid[], $2::date[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[],
		$9::numeric[], $10::numeric[], $11::numeric[], $12::bigint[])
	AS t(wallet_id, month, currency, opening_posted, opening_held, top_ups, grants, adjustments, charges, closing_posted, closing_held, position)
	ON CONFLICT (wallet_id, month) DO UPDATE SET top_ups = c.top_ups + excluded.top_ups, grants = c.grants + excluded.grants,
		adjustments = c.adjustments + excluded.adjustments, charges = c.charges + excluded.charges,
		closing_posted = excluded.closing_posted, closing_held = excluded.closing_held, position = excluded.position`

func (c *closes) write(w *runner.Writes) {
	var id column.UUIDs
	var month column.Dates
	var currency column.Texts
	var openingPosted, openingHeld, topUps, grants, adjustments, charges, closingPosted, closingHeld column.Amounts
	var position column.Ints
	for _, key := range c.order {
		row := c.rows[key]
		id.Add(key.wallet)
		month.Maybe(key.month.Start())
		currency.Add(string(row.currency))
		openingPosted.Add(row.opening.Posted)
		openingHeld.Add(row.opening.Held)
		topUps.Add(row.topUps)
		grants.Add(row.grants)
		adjustments.Add(row.adjustments)
		charges.Add(row.charges)
		closingPosted.Add(row.closing.Posted)
		closingHeld.Add(row.closing.Held)
		position.Add(row.position)
	}
	w.Add(len(c.order), upsertCloses, &id, &month, &currency, &openingPosted, &openingHeld, &topUps, &grants, &adjustments, &charges,
		&closingPosted, &closingHeld, &position)
}
