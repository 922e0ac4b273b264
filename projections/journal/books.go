package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// books are the accounts of the house, and those that stand for many, as the rows so far leave them. There are few.
type books struct{ accounts map[accountKey]*account }

type accountKey struct {
	name     money.Account
	currency money.Currency
}

// account is one of the books.
type account struct {
	accountKey
	balance     money.Amount
	first, last int64  // positions of its first and last entry
	stored      stored // as its row is
	stretch     *stretchRow
}

// stored is what an account's row says. Its position is 0 when there is none.
type stored struct {
	balance  money.Amount
	position int64
}

// Carry implements runner.Carrier.
func (Projection) Carry(ctx context.Context, query runner.Querier) (any, error) {
	//nolint:rowserrcheck // ForEachRow checks it
	rows, err := query.Query(ctx, `SELECT account, currency, balance::text, first_position, position FROM views.journal_balances_v2`)
	if err != nil {
		return nil, fmt.Errorf("read the balances: %w", err)
	}
	b := &books{map[accountKey]*account{}}
	var a account
	columns := []any{&a.name, &a.currency, column.Amount(&a.balance), &a.first, &a.last}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		one := a
		one.stored = stored{one.balance, one.last}
		b.accounts[one.accountKey] = &one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the balances: %w", err)
	}
	return b, nil
}

// house finds an account of the house, or opens it when the chart has it.
func (b *books) house(name money.Account, currency money.Currency) (*account, error) {
	if a, known := b.accounts[accountKey{name, currency}]; known {
		return a, nil
	}
	if _, known := Classify(name); !known {
		return nil, fmt.Errorf("it has a leg on %q, which is not in the chart of accounts", name)
	}
	return b.account(name, currency), nil
}

// account finds an account, or opens it.
func (b *books) account(name money.Account, currency money.Currency) *account {
	key := accountKey{name, currency}
	a, known := b.accounts[key]
	if !known {
		a = &account{accountKey: key}
		b.accounts[key] = a
	}
	return a
}

// stretchRow is what an account came to after its last entry of a stretch.
type stretchRow struct {
	account     *account
	bucket      int64
	recordedAt  time.Time // of its first entry in this batch
	first, last int64
	balance     money.Amount
}

// post moves an account. It returns the row of the stretch when the batch has none yet.
func (a *account) post(amount money.Amount, e *entry) (begun *stretchRow) {
	position := e.event.Position
	if a.first == 0 {
		a.first = position
	}
	a.balance, a.last = a.balance.Add(amount), position
	if bucket := position / stretch; a.stretch == nil || a.stretch.bucket != bucket {
		a.stretch = &stretchRow{account: a, bucket: bucket, recordedAt: e.event.RecordedAt, first: position}
		begun = a.stretch
	}
	a.stretch.last, a.stretch.balance = position, a.balance
	return begun
}
