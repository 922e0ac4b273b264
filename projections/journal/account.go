package journal

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// Balances are what an account has in each currency that it had an entry in.
type Balances struct {
	Account money.Account
	Class
	ByCurrency map[money.Currency]money.Amount // credits are positive
	checkpoint.At
}

// place is where an account's legs lie.
type place struct {
	class Class
	house bool
	owner uuid.UUID // of a wallet's account
	holds bool
}

// find checks an account that a caller names. Those that stand for many are only in trial balances.
func find(account money.Account) (place, error) {
	if err := page.Text("account", string(account)); err != nil {
		return place{}, err
	}
	class, known := Classify(account)
	kind, rest, _ := strings.Cut(string(account), ":")
	switch {
	case !known || kind == "hold":
		return place{}, domain.Errorf(domain.CodeInvalid, "account is not in the chart of accounts")
	case kind == "wallet" || kind == "holds":
		id, err := uuid.Parse(rest)
		if err != nil || id.String() != rest {
			return place{}, domain.Errorf(domain.CodeInvalid, "account names a wallet by its id")
		}
		return place{class: class, owner: id, holds: kind == "holds"}, nil
	}
	return place{class: class, house: true}, nil
}

// column is the part of an entry's row that has the leg.
func (p place) column() string {
	if p.holds {
		return "hold"
	}
	return "wallet"
}

// Balances reads an account: wallet:<id>, holds:<wallet id> or one of the house. One that had no entry yet has no
// currency. Errors: invalid_request, ledger_unavailable.
func (q *Query) Balances(ctx context.Context, account money.Account, asOf AsOf, minPosition int64) (Balances, error) {
	p, err := find(account)
	if err != nil {
		return Balances{}, err
	}
	b := Balances{Account: account, Class: p.class, ByCurrency: map[money.Currency]money.Amount{}}
	position := int64(math.MaxInt64)
	if !asOf.now() {
		if b.At, err = q.resolve(ctx, asOf, minPosition); err != nil {
			return Balances{}, err
		}
		position, minPosition = b.Position, 0
	}
	sql, key := pastBalances+` AND a.account = $4`, any(string(account))
	if !p.house {
		sql, key = `SELECT '' AS account, currency, `+p.column()+`_balance::text FROM views.journal_entries_v2 WHERE position <= $3 AND wallet_id = $4
			ORDER BY position DESC LIMIT 1`, any(p.owner)
	}
	at, err := q.view.Read(ctx, minPosition, sql, `r.currency`, []any{position, key}, func(row checkpoint.Row) error {
		var currency money.Currency
		var balance money.Amount
		err := row(nil, &currency, column.Amount(&balance))
		b.ByCurrency[currency] = balance
		return err
	})
	if err != nil {
		return Balances{}, err
	}
	if asOf.now() {
		b.At = at
	}
	return b, nil
}

// LedgerRequest asks for a page of an account's own history, the newest first.
type LedgerRequest struct {
	Account     money.Account
	Currency    money.Currency // one, for an account of the house; a wallet has one only
	From, To    time.Time      // recorded in [From, To); zero leaves the side open
	AsOf        AsOf
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// LedgerLine is one leg on the account. BalanceBefore is Balance less Amount.
type LedgerLine struct {
	Position     int64
	RecordedAt   time.Time
	Kind         string
	WalletID     uuid.UUID
	GenerationID *uuid.UUID
	Currency     money.Currency
	Amount       money.Amount // credits are positive
	Balance      money.Amount // after it
}

// LedgerPage is a part of an account's history. NextCursor is "" on the last page.
type LedgerPage struct {
	Lines      []LedgerLine
	NextCursor string
	checkpoint.At
}

const ledgerList = Name + "-ledger"

// Ledger reads a page of an account's legs. Errors: invalid_request, ledger_unavailable.
func (q *Query) Ledger(ctx context.Context, r LedgerRequest) (LedgerPage, error) {
	account, err := find(r.Account)
	if err != nil {
		return LedgerPage{}, err
	}
	w, err := q.window(ctx, ledgerList, r.AsOf, r.From, r.To, r.Cursor, r.Limit, r.MinPosition)
	if err != nil {
		return LedgerPage{}, err
	}
	var table string
	if account.house {
		if _, err := money.ParseCurrency(string(r.Currency)); err != nil {
			return LedgerPage{}, domain.Errorf(domain.CodeInvalid, "currency is three upper-case letters").Wrap(err)
		}
		table = `SELECT e.position, e.recorded_at, e.kind, e.wallet_id, e.generation_id, e.currency,
			e.amounts[array_position(e.accounts, s.account)]::text, e.balances[array_position(e.accounts, s.account)]::text
			FROM views.journal_stretches_v2 s JOIN views.journal_entries_v2 e
				ON e.position BETWEEN s.first_position AND s.position AND e.currency = s.currency AND s.account = ANY (e.accounts)
			WHERE s.account = ` + w.arg(string(r.Account)) + ` AND s.currency = ` + w.arg(string(r.Currency)) + w.stretches() + w.bounds() +
			` ORDER BY s.bucket DESC, e.position DESC` + w.more()
	} else {
		table = `SELECT e.position, e.recorded_at, e.kind, e.wallet_id, e.generation_id, e.currency, e.` + account.column() + `_amount::text, e.` +
			account.column() + `_balance::text FROM views.journal_entries_v2 e
			WHERE e.` + account.column() + `_amount <> 0 AND e.wallet_id = ` + w.arg(account.owner) + w.bounds()
		if r.Currency != "" {
			table += ` AND e.currency = ` + w.arg(string(r.Currency))
		}
		table += w.end()
	}
	p := LedgerPage{At: w.at}
	_, err = q.view.Read(ctx, 0, table, `r.position DESC`, w.args, func(row checkpoint.Row) error {
		if len(p.Lines) == w.limit { // there is one more: not shown, but a page of its own
			p.NextCursor = page.Encode(ledgerList, p.Lines[w.limit-1].Position)
			return nil
		}
		var l LedgerLine
		err := row(&l.Position, &l.RecordedAt, &l.Kind, &l.WalletID, &l.GenerationID, &l.Currency, column.Amount(&l.Amount), column.Amount(&l.Balance))
		l.RecordedAt = l.RecordedAt.UTC()
		p.Lines = append(p.Lines, l)
		return err
	})
	if err != nil {
		return LedgerPage{}, err
	}
	return p, nil
}
