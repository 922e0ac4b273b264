package auditdb

import (
	"context"
	"slices"
	"strconv"
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
		wallet, generation, key                        uuid.UUID // zero for NULL
		currency                                       string
		onWallet, walletBalance, onHolds, holdsBalance amount
		house                                          []bookLeg // in the order of the accounts
		reference, reason, model                       string
	}
	bookLeg struct {
		account         string
		amount, balance amount
	}
	bookStretch struct {
		bookAccount
		bucket          int64
		recordedAt      time.Time
		first, position int64
		balance         amount
	}
	bookBalance struct {
		balance     money.Amount
		first, last int64
		stretch     *bookStretch // the row under way
	}
)

// bookAccount is an account in one currency.
type bookAccount struct{ account, currency string }

func (a bookAccount) String() string { return a.account + " " + a.currency }

const (
	bookEntryColumns = `position, recorded_at, kind, wallet_id, generation_id, key_id, currency, wallet_amount::text, wallet_balance::text, hold_amount::text,
		hold_balance::text, accounts, amounts::text[], balances::text[], reference, reason, model`
	bookStretchColumns = `account, currency, bucket, recorded_at, first_position, position, balance::text`
	bookBalancesSQL    = `SELECT account, currency, balance::text, first_position, position FROM views.journal_balances_v2`
)

func bookEntries(v *view) layout[bookEntry] {
	return layout[bookEntry]{
		name: v.table("_entries"), columns: bookEntryColumns, order: `position`, scan: scanBookEntry, encode: encodeBookEntry,
		position: func(e *bookEntry) int64 { return e.position },
		key:      func(e *bookEntry) string { return strconv.FormatInt(e.position, 10) }, compare: compareBookEntry,
	}
}

func scanBookEntry(r *row) bookEntry {
	return bookEntry{
		position: r.int64(0), recordedAt: r.time(1), kind: r.text(2), wallet: r.uuid(3), generation: r.uuidOrNull(4), key: r.uuidOrNull(5),
		currency: r.text(6), onWallet: r.amount(7), walletBalance: r.amount(8), onHolds: r.amount(9), holdsBalance: r.amount(10),
		house: scanBookLegs(r), reference: r.text(14), reason: r.text(15), model: r.text(16),
	}
}

// scanBookLegs reads the three lists. Lists that are not of the same length, which no entry has, give a leg without an account.
func scanBookLegs(r *row) []bookLeg {
	accounts, amounts, balances := r.texts(11), r.texts(12), r.texts(13)
	if len(accounts) != len(amounts) || len(accounts) != len(balances) {
		return []bookLeg{{}}
	}
	legs := make([]bookLeg, len(accounts))
	for i := range legs {
		legs[i] = bookLeg{accounts[i], parseAmount(amounts[i]), parseAmount(balances[i])}
	}
	return legs
}

func encodeBookEntry(to *encoder, e *bookEntry) {
	to.int64(e.position)
	to.time(e.recordedAt)
	to.text(e.kind)
	to.uuid(e.wallet)
	to.uuidOrNull(e.generation)
	to.uuidOrNull(e.key)
	to.text(e.currency)
	to.amount(e.onWallet.value)
	to.amount(e.walletBalance.value)
	to.amount(e.onHolds.value)
	to.amount(e.holdsBalance.value)
	list(to, textOID, e.house, func(l *bookLeg) { to.rawText(l.account) })
	list(to, numericOID, e.house, func(l *bookLeg) { to.rawAmount(l.amount.value) })
	list(to, numericOID, e.house, func(l *bookLeg) { to.rawAmount(l.balance.value) })
	to.text(e.reference)
	to.text(e.reason)
	to.text(e.model)
}

func compareBookEntry(d *diff, stored, want *bookEntry) {
	d.time("recorded_at", stored.recordedAt, want.recordedAt)
	same(d, "kind", stored.kind, want.kind)
	same(d, "wallet_id", stored.wallet, want.wallet)
	same(d, "generation_id", stored.generation, want.generation)
	same(d, "key_id", stored.key, want.key)
	same(d, "currency", stored.currency, want.currency)
	d.amount("wallet_amount", stored.onWallet, want.onWallet.value)
	d.amount("wallet_balance", stored.walletBalance, want.walletBalance.value)
	d.amount("hold_amount", stored.onHolds, want.onHolds.value)
	d.amount("hold_balance", stored.holdsBalance, want.holdsBalance.value)
	if !slices.Equal(stored.house, want.house) {
		d.differs("accounts with amounts and balances", stored.house, want.house)
	}
	same(d, "reference", stored.reference, want.reference)
	same(d, "reason", stored.reason, want.reason)
	same(d, "model", stored.model, want.model)
}

func bookStretches(v *view) layout[bookStretch] {
	return layout[bookStretch]{
		name: v.table("_stretches"), columns: bookStretchColumns, order: `position, account, currency, bucket`,
		scan: func(r *row) bookStretch {
			return bookStretch{bookAccount{r.text(0), r.text(1)}, r.int64(2), r.time(3), r.int64(4), r.int64(5), r.amount(6)}
		},
		encode: func(to *encoder, s *bookStretch) {
			to.text(s.account)
			to.text(s.currency)
			to.int64(s.bucket)
			to.time(s.recordedAt)
			to.int64(s.first)
			to.int64(s.position)
			to.amount(s.balance.value)
		},
		position: func(s *bookStretch) int64 { return s.position },
		key:      func(s *bookStretch) string { return s.String() + " " + strconv.FormatInt(s.bucket, 10) },
		compare: func(d *diff, stored, want *bookStretch) {
			same(d, "account", stored.account, want.account)
			same(d, "currency", stored.currency, want.currency)
			same(d, "bucket", stored.bucket, want.bucket)
			d.time("recorded_at", stored.recordedAt, want.recordedAt)
			same(d, "first_position", stored.first, want.first)
			d.amount("balance", stored.balance, want.balance.value)
		},
	}
}

func (j *journal) balancesAtCheckpoint() comparer {
	name := j.view.table("_balances")
	return newState(j.view, name, func(ctx context.Context, _ *audit.State) (int64, error) {
		key := func(r *row) bookAccount { return bookAccount{r.text(0), r.text(1)} }
		return compareKeyed(ctx, j.view, name, bookBalancesSQL, key, j.accounts, func(b *bookBalance) int64 { return b.last },
			func(d *diff, r *row, want *bookBalance) {
				d.amount("balance", r.amount(2), want.balance)
				same(d, "first_position", r.int64(3), want.first)
				same(d, "position", r.int64(4), want.last)
			})
	})
}
