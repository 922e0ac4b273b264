package keys

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// spent is what a batch adds to one key's spend. Its windows start at the batch's first charge in them.
type spent struct {
	Spend
	usedAt   *time.Time // of the last hold
	position int64
}

type spends struct {
	ordered[spent]
	corrections corrections
}

func newSpends() *spends { return &spends{ordered: ordered[spent]{byKey: map[uuid.UUID]*spent{}}} }

func (s *spends) fold(event wallet.Event, at *runner.Event) {
	switch e := event.(type) {
	case wallet.HoldPlaced:
		s.hold(e.KeyID, e.Amount, at).usedAt = &at.RecordedAt
	case wallet.UsageCharged:
		s.hold(e.KeyID, e.HeldBefore.Neg(), at).charge(at.RecordedAt, e.Debited(), e.Call.UpstreamCost)
	case wallet.ChargeCorrected:
		s.correct(&e, at)
	case wallet.HoldReleased:
		s.hold(e.KeyID, e.Amount.Neg(), at)
	case wallet.HoldExpired:
		s.hold(e.KeyID, e.Amount.Neg(), at)
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet: // see terms
	}
}

func (s *spends) hold(key uuid.UUID, amount money.Amount, at *runner.Event) *spent {
	k := s.get(key)
	k.Held, k.position = k.Held.Add(amount), at.Position
	return k
}

// A batch without a charge has no windows (NULL) and leaves them; one in a window of its own begins it anew.
const upsertSpends = `INSERT INTO views.keys_spend_v1 AS s
	(key_id, held, total, day, day_spent, week, week_spent, month, month_spent, last_used_at, position, upstream, day_upstream, week_upstream, month_upstream)
	SELECT t.key_id, t.held, t.total, t.day, t.day_spent, t.week, t.week_spent,
		t.month, t.month_spent, t.used_at, t.position, t.upstream, t.day_upstream, t.week_upstream, t.month_upstream
	FROM unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::date[], $5::numeric[], $6::date[], $7::numeric[], $8::date[], $9::numeric[],
		$10::timestamptz[], $11::bigint[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[])
	AS t(key_id, held, total, day, day_spent, week, week_spent, month, month_spent, used_at, position, upstream, day_upstream, week_upstream, month_upstream)
	ON CONFLICT (key_id) DO UPDATE SET
	held = s.held + excluded.held, total = s.total + excluded.total,
	day = coalesce(excluded.day, s.day), week = coalesce(excluded.week, s.week), month = coalesce(excluded.month, s.month),
	day_spent = excluded.day_spent + CASE WHEN s.day = coalesce(excluded.day, s.day) THEN s.day_spent ELSE 0 END,
	week_spent = excluded.week_spent + CASE WHEN s.week = coalesce(excluded.week, s.week) THEN s.week_spent ELSE 0 END,
	month_spent = excluded.month_spent + CASE WHEN s.month = coalesce(excluded.month, s.month) THEN s.month_spent ELSE 0 END,
	upstream = s.upstream + excluded.upstream,
	day_upstream = excluded.day_upstream + CASE WHEN s.day = coalesce(excluded.day, s.day) THEN s.day_upstream ELSE 0 END,
	week_upstream = excluded.week_upstream + CASE WHEN s.week = coalesce(excluded.week, s.week) THEN s.week_upstream ELSE 0 END,
	month_upstream = excluded.month_upstream + CASE WHEN s.month = coalesce(excluded.month, s.month) THEN s.month_upstream ELSE 0 END,
	last_used_at = coalesce(excluded.last_used_at, s.last_used_at), position = excluded.position`

func (s *spends) write(w *runner.Writes) {
	var key column.UUIDs
	var held, total, daySpent, weekSpent, monthSpent, upstream, dayUpstream, weekUpstream, monthUpstream column.Amounts
	var day, week, month column.Dates
	var used column.Times
	var position column.Ints
	for _, id := range s.order {
		k := s.byKey[id]
		key.Add(id)
		held.Add(k.Held)
		total.Add(k.Total)
		day.Maybe(k.Day.Start) // the zero time without a charge
		daySpent.Add(k.Day.Amount)
		week.Maybe(k.Week.Start)
		weekSpent.Add(k.Week.Amount)
		month.Maybe(k.Month.Start)
		monthSpent.Add(k.Month.Amount)
		upstream.Add(k.Upstream)
		dayUpstream.Add(k.Day.Upstream)
		weekUpstream.Add(k.Week.Upstream)
		monthUpstream.Add(k.Month.Upstream)
		used.Maybe(k.usedAt)
		position.Add(k.position)
	}
	w.Add(key.Len(), upsertSpends, &key, &held, &total, &day, &daySpent, &week, &weekSpent, &month, &monthSpent, &used, &position,
		&upstream, &dayUpstream, &weekUpstream, &monthUpstream)
	s.corrections.write(w)
}
