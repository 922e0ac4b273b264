package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
)

// Line is an account in a trial balance. All wallets are one line, and all holds.
type Line struct {
	Class
	Account  money.Account
	Currency money.Currency
	Balance  money.Amount // credits are positive
}

// TrialBalance is every account's balance: those of a currency sum to zero. Lines are in the order of the chart, then by
// account and currency. Accounts that had no entry yet are left out.
type TrialBalance struct {
	Lines []Line
	checkpoint.At
}

// Sums are the sums of all lines, by currency: zero, or the books are broken.
func (t TrialBalance) Sums() map[money.Currency]money.Amount {
	sums := map[money.Currency]money.Amount{}
	for _, line := range t.Lines {
		sums[line.Currency] = sums[line.Currency].Add(line.Balance)
	}
	return sums
}

const (
	headBalances = `SELECT account, currency, balance::text FROM views.journal_balances_v2`
	// pastBalances are those after the entry at position $3: of the last stretch that an account had begun by then, or, when that goes
	// on after the position, worked out of its entries. Those are at most 1023.
	pastBalances = `SELECT a.account, a.currency, CASE
			WHEN s.position <= $3 THEN s.balance
			WHEN a.account = 'wallet:*' THEN s.balance - (SELECT sum(wallet_amount) FROM views.journal_entries_v2
				WHERE position > $3 AND position <= s.position AND currency = a.currency)
			WHEN a.account = 'hold:*' THEN s.balance - (SELECT sum(hold_amount) FROM views.journal_entries_v2
				WHERE position > $3 AND position <= s.position AND currency = a.currency)
			ELSE (SELECT balances[array_position(accounts, a.account)] FROM views.journal_entries_v2
				WHERE position >= s.first_position AND position <= $3 AND currency = a.currency AND a.account = ANY (accounts)
				ORDER BY position DESC LIMIT 1)
		END::text AS balance
		FROM views.journal_balances_v2 a CROSS JOIN LATERAL (SELECT position, first_position, balance FROM views.journal_stretches_v2
			WHERE account = a.account AND currency = a.currency AND bucket <= $3::bigint / 1024 AND first_position <= $3
			ORDER BY bucket DESC LIMIT 1) s
		WHERE a.first_position <= $3`
)

// TrialBalance reads all balances, after waiting for minPosition. Errors: invalid_request, ledger_unavailable.
func (q *Query) TrialBalance(ctx context.Context, asOf AsOf, minPosition int64) (TrialBalance, error) {
	var t TrialBalance
	each := func(row checkpoint.Row) error {
		var l Line
		if err := row(&l.Account, &l.Currency, column.Amount(&l.Balance)); err != nil {
			return err
		}
		class, known := Classify(l.Account)
		if !known {
			return fmt.Errorf("the account %q is not in the chart", l.Account)
		}
		l.Class = class
		t.Lines = append(t.Lines, l)
		return nil
	}
	var err error
	if asOf.now() {
		t.At, err = q.view.Read(ctx, minPosition, headBalances, `r.account`, nil, each)
	} else if t.At, err = q.resolve(ctx, asOf, minPosition); err == nil {
		_, err = q.view.Read(ctx, 0, pastBalances, `r.account`, []any{t.At.Position}, each)
	}
	if err != nil {
		return TrialBalance{}, err
	}
	t.sort()
	return t, nil
}

func (t TrialBalance) sort() {
	place := map[string]int{}
	for i, class := range Chart() {
		place[class.Group] = i
	}
	slices.SortFunc(t.Lines, func(a, b Line) int {
		if a.Group != b.Group {
			return place[a.Group] - place[b.Group]
		}
		if a.Account != b.Account {
			return strings.Compare(string(a.Account), string(b.Account))
		}
		return strings.Compare(string(a.Currency), string(b.Currency))
	})
}
