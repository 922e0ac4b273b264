package journal

import (
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// stretch is how many positions a snapshot covers.
const stretch = 1024

// account is an account of the house, or one that stands for many.
type account struct {
	name     money.Account
	currency money.Currency
}

// change is what a batch does to an account.
type change struct {
	sum         money.Amount
	first, last int64
}

// batch collects rows. Balances in it are relative to those before the batch, which the statements add.
type batch struct {
	entries   entryColumns
	legs      legColumns
	changes   map[account]*change
	order     []account
	snapshots map[money.Currency]*snapshot // the last of each currency
	past      []*snapshot
	closes    closes
}

func newBatch() *batch {
	return &batch{changes: map[account]*change{}, snapshots: map[money.Currency]*snapshot{}, closes: newCloses()}
}

func (b *batch) add(e *entry) {
	b.entries.add(e)
	for _, leg := range e.onHouse {
		b.legs.add(e, leg, b.post(leg, e))
	}
	wallets := b.post(money.Leg{Account: Wallets, Amount: e.onWallet}, e)
	holds := b.post(money.Leg{Account: Holds, Amount: e.onHolds}, e)
	b.snapshot(e, wallets, holds)
	b.closes.add(e)
}

// post moves an account and returns its balance, relative to that before the batch.
func (b *batch) post(leg money.Leg, e *entry) money.Amount {
	key := account{leg.Account, e.currency}
	c, known := b.changes[key]
	if !known {
		c = &change{first: e.event.Position}
		b.changes[key], b.order = c, append(b.order, key)
	}
	c.sum, c.last = c.sum.Add(leg.Amount), e.event.Position
	return c.sum
}

type entryColumns struct {
	position                                       column.Ints
	recordedAt                                     column.Times
	kind                                           column.Texts
	wallet, generation                             column.UUIDs
	currency                                       column.Texts
	onWallet, walletBalance, onHolds, holdsBalance column.Amounts
	reference, reason, model                       column.Texts
}

func (c *entryColumns) add(e *entry) {
	c.position.Add(e.event.Position)
	c.recordedAt.Add(e.event.RecordedAt)
	c.kind.Add(e.kind)
	c.wallet.Add(e.wallet)
	c.generation.Maybe(e.generation)
	c.currency.Add(string(e.currency))
	c.onWallet.Add(e.onWallet)
	c.walletBalance.Add(e.after.Posted.Sub(e.after.Held))
	c.onHolds.Add(e.onHolds)
	c.holdsBalance.Add(e.after.Held)
	c.reference.Add(e.reference)
	c.reason.Add(e.reason)
	c.model.Add(e.model)
}

type legColumns struct {
	account, currency column.Texts
	position          column.Ints
	amount, balance   column.Amounts
}

func (c *legColumns) add(e *entry, leg money.Leg, balance money.Amount) {
	c.account.Add(string(leg.Account))
	c.currency.Add(string(e.currency))
	c.position.Add(e.event.Position)
	c.amount.Add(leg.Amount)
	c.balance.Add(balance)
}

const insertLegs = `INSERT INTO views.journal_legs_v1 (account, currency, position, amount, balance)
	SELECT t.account, t.currency, t.position, t.amount, coalesce(b.balance, 0) + t.balance
	FROM unnest($1::text[], $2::text[], $3::bigint[], $4::numeric[], $5::numeric[]) AS t(account, currency, position, amount, balance)
	LEFT JOIN views.journal_balances_v1 b ON b.account = t.account AND b.currency = t.currency`

const upsertBalances = `INSERT INTO views.journal_balances_v1 AS b (account, currency, balance, first_position, position)
	SELECT t.account, t.currency, t.sum, t.first, t.last
	FROM unnest($1::text[], $2::text[], $3::numeric[], $4::bigint[], $5::bigint[]) AS t(account, currency, sum, first, last)
	ON CONFLICT (account, currency) DO UPDATE SET balance = b.balance + excluded.balance, position = excluded.position`

// write queues the statements. The balances come after what adds to the balances before the batch.
func (b *batch) write(w *runner.Writes) {
	e, l := &b.entries, &b.legs
	w.Insert("views.journal_entries_v1", "position, recorded_at, kind, wallet_id, generation_id, currency, wallet_amount, wallet_balance, "+
		"hold_amount, hold_balance, reference, reason, model", &e.position, &e.recordedAt, &e.kind, &e.wallet, &e.generation, &e.currency,
		&e.onWallet, &e.walletBalance, &e.onHolds, &e.holdsBalance, &e.reference, &e.reason, &e.model)
	w.Add(l.position.Len(), insertLegs, &l.account, &l.currency, &l.position, &l.amount, &l.balance)
	b.writeSnapshots(w)
	var name, currency column.Texts
	var sum column.Amounts
	var first, last column.Ints
	for _, key := range b.order {
		c := b.changes[key]
		name.Add(string(key.name))
		currency.Add(string(key.currency))
		sum.Add(c.sum)
		first.Add(c.first)
		last.Add(c.last)
	}
	w.Add(len(b.order), upsertBalances, &name, &currency, &sum, &first, &last)
	b.closes.write(w)
}
