// Package statement is the read model of every movement of a wallet's posted balance.
package statement

import (
	"time"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "statement"
	Version = 1
)

// Projection writes the statement view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{"views.statement_v1", "views.statement_minutes_v1"}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	var r rows
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		var err error
		switch e := event.(type) {
		case wallet.ToppedUp:
			err = r.credit(&events[i], TopUp, e.Amount, e.Posted, e.Currency, e.Reference, e.Reason)
		case wallet.Granted:
			err = r.credit(&events[i], Grant, e.Amount, e.Posted, e.Currency, e.Reference, e.Reason)
		case wallet.Adjusted:
			err = r.credit(&events[i], Adjustment, e.Amount, e.Posted, e.Currency, e.Reference, e.Reason)
		case wallet.UsageCharged:
			err = r.charge(&events[i], &e)
		case wallet.Opened, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected, wallet.HoldReleased, wallet.HoldExpired:
		}
		if err != nil {
			return err
		}
	}
	r.write(w)
	return nil
}

type rows struct {
	wallet                                   column.UUIDs
	position                                 column.Ints
	recordedAt                               column.Times
	kind, currency, reference, reason, model column.Texts
	amount, before, after                    column.Amounts
	generation, key                          column.UUIDs
	minute                                   column.Times
	first                                    column.Ints
	lastMinute                               time.Time
}

func (r *rows) credit(e *runner.Event, kind string, amount, after money.Amount, currency money.Currency, reference, reason string) error {
	r.reference.Add(reference)
	r.reason.Add(reason)
	r.generation.Maybe(nil)
	r.key.Maybe(nil)
	r.model.Add("")
	return r.move(e, kind, amount, after, currency)
}

func (r *rows) charge(e *runner.Event, c *wallet.UsageCharged) error {
	r.reference.Add("")
	r.reason.Add("")
	r.generation.Add(c.HoldID)
	r.key.Add(c.KeyID)
	r.model.Add(c.Model)
	return r.move(e, Charge, c.Debited().Neg(), c.Posted, c.Currency)
}

// move adds the columns that all kinds have. The balance before is what the amount led from.
func (r *rows) move(e *runner.Event, kind string, amount, after money.Amount, currency money.Currency) error {
	id, err := e.Entity()
	if err != nil {
		return err
	}
	r.wallet.Add(id)
	r.position.Add(e.Position)
	r.recordedAt.Add(e.RecordedAt)
	r.kind.Add(kind)
	r.currency.Add(string(currency))
	r.amount.Add(amount)
	r.before.Add(after.Sub(amount))
	r.after.Add(after)
	if minute := e.RecordedAt.UTC().Truncate(time.Minute); minute.After(r.lastMinute) {
		r.minute.Add(minute)
		r.first.Add(e.Position)
		r.lastMinute = minute
	}
	return nil
}

// A minute that began in an earlier batch keeps its first position.
const insertMinutes = `INSERT INTO views.statement_minutes_v1 (minute, first_position)
	SELECT t.minute, t.first_position FROM unnest($1::timestamptz[], $2::bigint[]) AS t(minute, first_position)
	ON CONFLICT (minute) DO NOTHING`

func (r *rows) write(w *runner.Writes) {
	w.Insert("views.statement_v1", "wallet_id, position, recorded_at, kind, amount, balance_before, balance_after, currency, reference, reason, "+
		"generation_id, key_id, model", &r.wallet, &r.position, &r.recordedAt, &r.kind, &r.amount, &r.before, &r.after,
		&r.currency, &r.reference, &r.reason, &r.generation, &r.key, &r.model)
	if r.minute.Len() > 0 {
		w.AddAny(insertMinutes, &r.minute, &r.first)
	}
}
