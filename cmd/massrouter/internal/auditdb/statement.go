package auditdb

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// movement is a row of the statement, or what it should be.
type movement struct {
	wallet                            uuid.UUID
	position                          int64
	recordedAt                        time.Time
	kind, currency, reference, reason string
	amount, before, after             amount
	generation, key                   uuid.UUID // zero for NULL
	model                             string
}

type minute struct {
	minute time.Time
	first  int64
}

// statement compares the movements, and the table that turns minutes into positions.
type statement struct {
	movements *merge[movement]
	minutes   *merge[minute]
	last      time.Time // the last minute that had a movement
	done      []Table
}

const (
	movementsSQL = `SELECT wallet_id, position, recorded_at, kind, amount::text, balance_before::text, balance_after::text, currency,
		reference, reason, coalesce(generation_id, '00000000-0000-0000-0000-000000000000'),
		coalesce(key_id, '00000000-0000-0000-0000-000000000000'), model FROM views.statement_v1 ORDER BY position, wallet_id`
	minutesSQL = `SELECT minute, first_position FROM views.statement_minutes_v1 ORDER BY first_position, minute`
)

func newStatement(ctx context.Context, v *view) ([]comparer, error) {
	movements, err := newMerge(ctx, v, v.table(""), movementsSQL, func(r *row) movement {
		return movement{
			wallet: r.uuid(0), position: r.int64(1), recordedAt: r.time(2), kind: r.text(3), amount: r.amount(4), before: r.amount(5),
			after: r.amount(6), currency: r.text(7), reference: r.text(8), reason: r.text(9), generation: r.uuid(10), key: r.uuid(11), model: r.text(12),
		}
	}, func(m movement) int64 { return m.position }, movement.name)
	if err != nil {
		return nil, err
	}
	s := &statement{movements: movements}
	s.minutes, err = newMerge(ctx, v, v.table("_minutes"), minutesSQL, func(r *row) minute {
		return minute{r.time(0), r.int64(1)}
	}, func(m minute) int64 { return m.first }, func(m minute) string { return m.minute.Format(time.RFC3339) })
	return []comparer{s}, err
}

func (m movement) name() string { return m.wallet.String() + " " + strconv.FormatInt(m.position, 10) }

func (s *statement) tables() []Table { return s.done }

func (s *statement) close() {
	s.movements.close()
	s.minutes.close()
}

// Observe compares the row of an event that moves the posted balance.
func (s *statement) Observe(_ context.Context, step *audit.Step) error {
	want, moves := moved(step)
	if !moves || !s.movements.view.covers(step) {
		return nil
	}
	stored, found, err := s.movements.next(want.position, want.name)
	if err != nil {
		return err
	}
	if found {
		compareMovement(s.movements.view.diff(want.position, s.movements.name, want.name), stored, want)
	}
	return s.minute(want)
}

// minute compares the row of the first movement in a minute.
func (s *statement) minute(want movement) error {
	at := want.recordedAt.Truncate(time.Minute)
	if !at.After(s.last) {
		return nil
	}
	s.last = at
	name := func() string { return at.Format(time.RFC3339) }
	stored, found, err := s.minutes.next(want.position, name)
	if found {
		s.minutes.view.diff(want.position, s.minutes.name, name).time("minute", stored.minute, at)
	}
	return err
}

// End reports rows that no event called for.
func (s *statement) End(context.Context, *audit.State) error {
	movements, err := s.movements.end()
	if err != nil {
		return err
	}
	minutes, err := s.minutes.end()
	s.done = []Table{movements, minutes}
	return err
}

// moved is the movement of an event: the balances are the sums of the legs, not those that the event states.
func moved(step *audit.Step) (movement, bool) {
	if step.Wallet == nil {
		return movement{}, false
	}
	m := movement{
		wallet: step.Wallet.ID, position: step.Row.Position, recordedAt: step.Row.RecordedAt,
		before: amount{value: step.PostedBefore}, after: amount{value: step.Wallet.Posted()},
	}
	var currency money.Currency
	switch e := step.Data.(type) {
	case wallet.ToppedUp:
		m.kind, m.amount.value, currency, m.reference, m.reason = "top_up", e.Amount, e.Currency, e.Reference, e.Reason
	case wallet.Granted:
		m.kind, m.amount.value, currency, m.reference, m.reason = "grant", e.Amount, e.Currency, e.Reference, e.Reason
	case wallet.Adjusted:
		m.kind, m.amount.value, currency, m.reference, m.reason = "adjustment", e.Amount, e.Currency, e.Reference, e.Reason
	case wallet.UsageCharged:
		m.kind, m.amount.value, currency = "charge", e.Uncollectible.Sub(e.Charge), e.Currency
		m.generation, m.key, m.model = e.HoldID, e.KeyID, e.Model
	default:
		return movement{}, false
	}
	m.currency = string(currency)
	return m, true
}

func compareMovement(d *diff, stored, want movement) {
	same(d, "wallet_id", stored.wallet, want.wallet)
	d.time("recorded_at", stored.recordedAt, want.recordedAt)
	same(d, "kind", stored.kind, want.kind)
	d.amount("amount", stored.amount, want.amount.value)
	d.amount("balance_before", stored.before, want.before.value)
	d.amount("balance_after", stored.after, want.after.value)
	same(d, "currency", stored.currency, want.currency)
	same(d, "reference", stored.reference, want.reference)
	same(d, "reason", stored.reason, want.reason)
	same(d, "generation_id", stored.generation, want.generation)
	same(d, "key_id", stored.key, want.key)
	same(d, "model", stored.model, want.model)
}
