package keys

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// corrections are what the corrections of a batch change in what keys spent. Each counts in the windows of its charge, which are those
// that the row has, or are over.
type corrections struct {
	key              column.UUIDs
	amount, upstream column.Amounts
	day, week, month column.Dates
}

func (s *spends) correct(e *wallet.ChargeCorrected, at *runner.Event) {
	s.hold(e.KeyID, money.Zero(), at)
	s.corrections.add(e.KeyID, e.Debited(), e.After.UpstreamCost.Sub(e.Before.UpstreamCost), e.ChargedAt)
}

func (c *corrections) add(key uuid.UUID, amount, upstream money.Amount, charged time.Time) {
	w := startsOf(charged)
	c.key.Add(key)
	c.amount.Add(amount)
	c.upstream.Add(upstream)
	c.day.Maybe(w.day)
	c.week.Maybe(w.week)
	c.month.Maybe(w.month)
}

// correctSpends comes after the charges of the batch: then a row has the windows of its last charge.
const correctSpends = `WITH t AS (SELECT * FROM unnest($1::uuid[], $2::numeric[], $3::date[], $4::date[], $5::date[], $6::numeric[])
		AS t(key_id, amount, day, week, month, upstream))
	UPDATE views.keys_spend_v1 AS s SET total = s.total + (SELECT sum(t.amount) FROM t WHERE t.key_id = s.key_id),
	day_spent = s.day_spent + coalesce((SELECT sum(t.amount) FROM t WHERE t.key_id = s.key_id AND t.day = s.day), 0),
	week_spent = s.week_spent + coalesce((SELECT sum(t.amount) FROM t WHERE t.key_id = s.key_id AND t.week = s.week), 0),
	month_spent = s.month_spent + coalesce((SELECT sum(t.amount) FROM t WHERE t.key_id = s.key_id AND t.month = s.month), 0),
	upstream = s.upstream + (SELECT sum(t.upstream) FROM t WHERE t.key_id = s.key_id),
	day_upstream = s.day_upstream + coalesce((SELECT sum(t.upstream) FROM t WHERE t.key_id = s.key_id AND t.day = s.day), 0),
	week_upstream = s.week_upstream + coalesce((SELECT sum(t.upstream) FROM t WHERE t.key_id = s.key_id AND t.week = s.week), 0),
	month_upstream = s.month_upstream + coalesce((SELECT sum(t.upstream) FROM t WHERE t.key_id = s.key_id AND t.month = s.month), 0)
	WHERE s.key_id = ANY ($1::uuid[])`

func (c *corrections) write(w *runner.Writes) {
	if c.key.Len() > 0 {
		w.AddAny(correctSpends, &c.key, &c.amount, &c.day, &c.week, &c.month, &c.upstream)
	}
}
