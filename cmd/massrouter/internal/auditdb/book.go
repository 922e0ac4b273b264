package auditdb

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
)

// The rows of the journal, or what they should be.
type (
	bookEntry struct {
		position                                       int64
		recordedAt                                     time.Time
		kind                                           string
		wallet, generation                             uuid.UUID // zero for NULL
		currency                                       string
		onWallet, walletBalance, onHolds, holdsBalance amount
		reference, reason, model                       string
	}
	bookLeg struct {
		account, currency string
		position          int64
		amount, balance   amount
	}
	bookSnapshot struct {
		currency       string
		bucket         int64
		recordedAt     time.Time
		position       int64
		wallets, holds amount
	}
	bookBalance struct {
		balance     money.Amount
		first, last int64
	}
	bookMonth struct {
		currency                             string
		openingPosted, openingHeld           money.Amount
		topUps, grants, adjustments, charges money.Amount
		closingPosted, closingHeld           money.Amount
		position                             int64
	}
)

const (
	bookEntriesSQL = `SELECT position, recorded_at, kind, wallet_id, coalesce(generation_id, '00000000-0000-0000-0000-000000000000'), currency,
		wallet_amount::text, wallet_balance::text, hold_amount::text, hold_balance::text, reference, reason, model
		FROM views.journal_entries_v1 ORDER BY position`
	bookLegsSQL      = `SELECT account, currency, position, amount::text, balance::text FROM views.journal_legs_v1 ORDER BY position, account, currency`
	bookSnapshotsSQL = `SELECT currency, bucket, recorded_at, position, wallets::text, holds::text
		FROM views.journal_snapshots_v1 ORDER BY position, currency, bucket`
	bookBalancesSQL = `SELECT account, currency, balance::text, first_position, position FROM views.journal_balances_v1`
	bookMonthsSQL   = `SELECT wallet_id, month, currency, opening_posted::text, opening_held::text, top_ups::text, grants::text, adjustments::text,
		charges::text, closing_posted::text, closing_held::text, position FROM views.journal_closes_v1`
)

func scanBookEntry(r *row) bookEntry {
	return bookEntry{
		position: r.int64(0), recordedAt: r.time(1), kind: r.text(2), wallet: r.uuid(3), generation: r.uuid(4), currency: r.text(5),
		onWallet: r.amount(6), walletBalance: r.amount(7), onHolds: r.amount(8), holdsBalance: r.amount(9),
		reference: r.text(10), reason: r.text(11), model: r.text(12),
	}
}

func scanBookLeg(r *row) bookLeg {
	return bookLeg{r.text(0), r.text(1), r.int64(2), r.amount(3), r.amount(4)}
}

func scanBookSnapshot(r *row) bookSnapshot {
	return bookSnapshot{r.text(0), r.int64(1), r.time(2), r.int64(3), r.amount(4), r.amount(5)}
}

func compareBookEntry(d *diff, stored, want bookEntry) {
	d.time("recorded_at", stored.recordedAt, want.recordedAt)
	same(d, "kind", stored.kind, want.kind)
	same(d, "wallet_id", stored.wallet, want.wallet)
	same(d, "generation_id", stored.generation, want.generation)
	same(d, "currency", stored.currency, want.currency)
	d.amount("wallet_amount", stored.onWallet, want.onWallet.value)
	d.amount("wallet_balance", stored.walletBalance, want.walletBalance.value)
	d.amount("hold_amount", stored.onHolds, want.onHolds.value)
	d.amount("hold_balance", stored.holdsBalance, want.holdsBalance.value)
	same(d, "reference", stored.reference, want.reference)
	same(d, "reason", stored.reason, want.reason)
	same(d, "model", stored.model, want.model)
}

func (j *journal) balancesAtCheckpoint() comparer {
	name := j.view.table("_balances")
	return newState(j.view, name, func(ctx context.Context, _ *audit.State) (int64, error) {
		key := func(r *row) string { return r.text(0) + " " + r.text(1) }
		return compareKeyed(ctx, j.view, name, bookBalancesSQL, key, j.accounts, func(b *bookBalance) int64 { return b.last },
			func(d *diff, r *row, want *bookBalance) {
				d.amount("balance", r.amount(2), want.balance)
				same(d, "first_position", r.int64(3), want.first)
				same(d, "position", r.int64(4), want.last)
			})
	})
}

func (j *journal) monthsAtCheckpoint() comparer {
	name := j.view.table("_closes")
	key := func(r *row) string {
		day := time.Unix(r.day(1)*secondsOfDay, 0).UTC()
		if day.Day() != 1 {
			return r.uuid(0).String() + " " + day.Format(time.DateOnly)
		}
		return monthKey(r.uuid(0), day.Year(), int(day.Month()))
	}
	return newState(j.view, name, func(ctx context.Context, _ *audit.State) (int64, error) {
		return compareKeyed(ctx, j.view, name, bookMonthsSQL, key, j.months, func(m *bookMonth) int64 { return m.position }, compareMonth)
	})
}

func compareMonth(d *diff, r *row, want *bookMonth) {
	same(d, "currency", r.text(2), want.currency)
	d.amount("opening_posted", r.amount(3), want.openingPosted)
	d.amount("opening_held", r.amount(4), want.openingHeld)
	d.amount("top_ups", r.amount(5), want.topUps)
	d.amount("grants", r.amount(6), want.grants)
	d.amount("adjustments", r.amount(7), want.adjustments)
	d.amount("charges", r.amount(8), want.charges)
	d.amount("closing_posted", r.amount(9), want.closingPosted)
	d.amount("closing_held", r.amount(10), want.closingHeld)
	same(d, "position", r.int64(11), want.position)
}

// compareKeyed compares a table with one row a key, in any order.
func compareKeyed[T any](ctx context.Context, v *view, table, query string, key func(*row) string, want map[string]T, position func(T) int64, compare func(*diff, *row, T)) (rows int64, err error) {
	seen := make(map[string]struct{}, len(want))
	err = v.s.each(ctx, query, func(r *row) {
		rows++
		name := key(r)
		d := v.diff(v.position, table, func() string { return name })
		one, ok := want[name]
		if !ok {
			d.report(RowExtra, "no event up to position %d calls for it", v.position)
			return
		}
		seen[name], d.position = struct{}{}, position(one)
		compare(d, r, one)
	})
	for name, one := range want {
		if _, ok := seen[name]; !ok && err == nil {
			v.findings.Addf(position(one), RowMissing, table+" "+name, "the event at position %d calls for a row", position(one))
		}
	}
	return rows, err
}
