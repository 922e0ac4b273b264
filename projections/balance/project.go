// Package balance is the read model of what each wallet has.
package balance

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "balance"
	Version = 1
)

// Projection writes the balance view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string { return []string{"views.balance_v1"} }

// change is what a batch does to one wallet.
type change struct {
	opened            *wallet.Opened
	openedAt          time.Time
	openedPosition    int64
	moved             bool // the balances below are known
	posted, held      money.Amount
	credited, charged money.Amount // to be added
	holds             int64        // to be added
	position          int64
}

func (c *change) set(b wallet.Balances) { c.moved, c.posted, c.held = true, b.Posted, b.Held }

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	changes, order := map[uuid.UUID]*change{}, []uuid.UUID(nil)
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		id, err := events[i].Entity()
		if err != nil {
			return err
		}
		c, known := changes[id]
		if !known {
			c = &change{}
			changes[id], order = c, append(order, id)
		}
		c.fold(event, &events[i])
	}
	write(changes, order, w)
	return nil
}

func (c *change) fold(event wallet.Event, at *runner.Event) {
	c.position = at.Position
	switch e := event.(type) {
	case wallet.Opened:
		c.opened, c.openedAt, c.openedPosition, c.moved = &e, at.RecordedAt, at.Position, true
	case wallet.ToppedUp:
		c.credited = c.credited.Add(e.Amount)
		c.set(e.Balances)
	case wallet.Granted:
		c.credited = c.credited.Add(e.Amount)
		c.set(e.Balances)
	case wallet.Adjusted:
		c.credited = c.credited.Add(e.Amount)
		c.set(e.Balances)
	case wallet.HoldPlaced:
		c.holds++
		c.set(e.Balances)
	case wallet.UsageCharged:
		if !e.Late { // an expired hold is open no more
			c.holds--
		}
		c.charged = c.charged.Add(e.Debited())
		c.set(e.Balances)
	case wallet.ChargeCorrected:
		c.charged = c.charged.Add(e.Debited())
		c.set(e.Balances)
	case wallet.HoldReleased:
		c.holds--
		c.set(e.Balances)
	case wallet.HoldExpired:
		c.holds--
		c.set(e.Balances)
	case wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
	}
}

const insertWallets = `INSERT INTO views.balance_v1 (wallet_id, owner, currency, opened_at, opened_position,
	posted, held, credited_total, charged_total, open_holds, position)
	SELECT t.wallet_id, t.owner, t.currency, t.opened_at, t.opened_position,
		t.posted, t.held, t.credited, t.charged, t.holds, t.position
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[],
		$10::bigint[], $11::bigint[])
	AS t(wallet_id, owner, currency, opened_at, opened_position, posted, held, credited, charged, holds, position)`

const updateWallets = `UPDATE views.balance_v1 AS w SET
	posted = coalesce(t.posted, w.posted), held = coalesce(t.held, w.held),
	credited_total = w.credited_total + t.credited, charged_total = w.charged_total + t.charged,
	open_holds = w.open_holds + t.holds, position = t.position
	FROM unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::bigint[], $7::bigint[])
	AS t(wallet_id, posted, held, credited, charged, holds, position)
	WHERE w.wallet_id = t.wallet_id`

// values are the columns that both statements have. The balances are NULL when the batch did not move them.
type values struct {
	id                              column.UUIDs
	posted, held, credited, charged column.Amounts
	holds, position                 column.Ints
}

func (v *values) add(id uuid.UUID, c *change) {
	v.id.Add(id)
	if c.moved {
		v.posted.Add(c.posted)
		v.held.Add(c.held)
	} else {
		v.posted.Maybe(nil)
		v.held.Maybe(nil)
	}
	v.credited.Add(c.credited)
	v.charged.Add(c.charged)
	v.holds.Add(c.holds)
	v.position.Add(c.position)
}

func write(changes map[uuid.UUID]*change, order []uuid.UUID, w *runner.Writes) {
	var fresh, known values
	var owner, currency column.Texts
	var openedAt column.Times
	var openedPosition column.Ints
	for _, id := range order {
		c := changes[id]
		if c.opened == nil {
			known.add(id, c)
			continue
		}
		fresh.add(id, c)
		owner.Add(c.opened.Owner)
		currency.Add(string(c.opened.Currency))
		openedAt.Add(c.openedAt)
		openedPosition.Add(c.openedPosition)
	}
	w.Add(fresh.id.Len(), insertWallets, &fresh.id, &owner, &currency, &openedAt, &openedPosition,
		&fresh.posted, &fresh.held, &fresh.credited, &fresh.charged, &fresh.holds, &fresh.position)
	w.Add(known.id.Len(), updateWallets, &known.id, &known.posted, &known.held, &known.credited, &known.charged, &known.holds, &known.position)
}
