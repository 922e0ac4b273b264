package journal

import (
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// stretch is how many positions a row of journal_stretches covers.
const stretch = 1024

// batch collects rows.
type batch struct {
	books     *books
	entries   entryColumns
	stretches []*stretchRow
	accounts  []string // of one entry, as the two below
	amounts   []money.Amount
	balances  []money.Amount
}

func (b *batch) add(e *entry) {
	b.accounts, b.amounts, b.balances = b.accounts[:0], b.amounts[:0], b.balances[:0]
	for _, leg := range e.onHouse {
		b.post(leg.account, leg.amount, e)
		b.accounts = append(b.accounts, string(leg.account.name))
		b.amounts = append(b.amounts, leg.amount)
		b.balances = append(b.balances, leg.account.balance)
	}
	b.entries.add(e)
	b.entries.accounts.Add(b.accounts)
	b.entries.amounts.Add(b.amounts)
	b.entries.balances.Add(b.balances)
	b.post(b.books.account(Wallets, e.currency), e.onWallet, e)
	b.post(b.books.account(Holds, e.currency), e.onHolds, e)
}

func (b *batch) post(a *account, amount money.Amount, e *entry) {
	if begun := a.post(amount, e); begun != nil {
		b.stretches = append(b.stretches, begun)
	}
}

type entryColumns struct {
	position                                       column.Ints
	recordedAt                                     column.Times
	kind                                           column.Texts
	wallet, generation, key                        column.UUIDs
	currency                                       column.Texts
	onWallet, walletBalance, onHolds, holdsBalance column.Amounts
	accounts                                       column.TextLists
	amounts, balances                              column.AmountLists
	reference, reason, model                       column.Texts
}

func (c *entryColumns) add(e *entry) {
	c.position.Add(e.event.Position)
	c.recordedAt.Add(e.event.RecordedAt)
	c.kind.Add(e.kind)
	c.wallet.Add(e.wallet)
	c.generation.Null(e.generation)
	c.key.Null(e.key)
	c.currency.Add(string(e.currency))
	c.onWallet.Add(e.onWallet)
	c.walletBalance.Add(e.after.Posted.Sub(e.after.Held))
	c.onHolds.Add(e.onHolds)
	c.holdsBalance.Add(e.after.Held)
	c.reference.Add(e.reference)
	c.reason.Add(e.reason)
	c.model.Add(e.model)
}

func (c *entryColumns) write(w *runner.Writes) {
	w.Copy("views.journal_entries_v2", "position, recorded_at, kind, wallet_id, generation_id, key_id, currency, wallet_amount, wallet_balance, "+
		"hold_amount, hold_balance, accounts, amounts, balances, reference, reason, model",
		&c.position, &c.recordedAt, &c.kind, &c.wallet, &c.generation, &c.key, &c.currency, &c.onWallet, &c.walletBalance,
		&c.onHolds, &c.holdsBalance, &c.accounts, &c.amounts, &c.balances, &c.reference, &c.reason, &c.model)
}

// A stretch that began in an earlier batch keeps its beginning.
const upsertStretches = `INSERT INTO views.journal_stretches_v2 AS s (account, currency, bucket, recorded_at, first_position, position, balance)
	SELECT t.account, t.currency, t.bucket, t.recorded_at, t.first_position, t.position, t.balance
	FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::numeric[])
		AS t(account, currency, bucket, recorded_at, first_position, position, balance)
	ON CONFLICT (account, currency, bucket) DO UPDATE SET position = excluded.position, balance = excluded.balance`

// updateBalances finds no row that is not as it was when it was read: what was carried would be wrong then.
const updateBalances = `UPDATE views.journal_balances_v2 AS b SET balance = t.balance, position = t.position
	FROM unnest($1::text[], $2::text[], $3::numeric[], $4::bigint[], $5::numeric[], $6::bigint[])
		AS t(account, currency, balance, position, balance_before, position_before)
	WHERE b.account = t.account AND b.currency = t.currency AND b.balance = t.balance_before AND b.position = t.position_before`

// accountColumns are the rows of accounts.
type accountColumns struct {
	name, currency  column.Texts
	balance         column.Amounts
	first, position column.Ints
	balanceBefore   column.Amounts
	positionBefore  column.Ints
}

func (c *accountColumns) add(a *account) {
	c.name.Add(string(a.name))
	c.currency.Add(string(a.currency))
	c.balance.Add(a.balance)
	c.first.Add(a.first)
	c.position.Add(a.last)
	c.balanceBefore.Add(a.stored.balance)
	c.positionBefore.Add(a.stored.position)
}

// write queues the statements, and begins the next batch's stretches anew.
func (b *batch) write(w *runner.Writes) {
	b.entries.write(w)
	var account, currency column.Texts
	var bucket, first, last column.Ints
	var recordedAt column.Times
	var balance column.Amounts
	var fresh, known accountColumns
	for _, s := range b.stretches {
		account.Add(string(s.account.name))
		currency.Add(string(s.account.currency))
		bucket.Add(s.bucket)
		recordedAt.Add(s.recordedAt)
		first.Add(s.first)
		last.Add(s.last)
		balance.Add(s.balance)
		if s.account.stretch != s { // it has a later one
			continue
		}
		if s.account.stored.position == 0 {
			fresh.add(s.account)
		} else {
			known.add(s.account)
		}
		s.account.stretch, s.account.stored = nil, stored{s.account.balance, s.account.last}
	}
	w.Add(account.Len(), upsertStretches, &account, &currency, &bucket, &recordedAt, &first, &last, &balance)
	w.Insert("views.journal_balances_v2", "account, currency, balance, first_position, position", &fresh.name, &fresh.currency, &fresh.balance,
		&fresh.first, &fresh.position)
	w.Add(known.name.Len(), updateBalances, &known.name, &known.currency, &known.balance, &known.position, &known.balanceBefore, &known.positionBefore)
}
