package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// EntriesRequest asks for a page of entries, the newest first.
type EntriesRequest struct {
	WalletID    *uuid.UUID // nil means any
	From, To    time.Time  // recorded in [From, To); zero leaves the side open
	AsOf        AsOf
	Cursor      string // NextCursor of the page before
	Limit       int    // 1 to 1000; 0 means 50
	MinPosition int64
}

// EntriesPage is a part of the books. NextCursor is "" on the last page.
type EntriesPage struct {
	Entries    []Entry
	NextCursor string
	checkpoint.At
}

const entriesList = Name + "-entries"

// Entries reads a page of entries with their legs. Errors: invalid_request, ledger_unavailable.
func (q *Query) Entries(ctx context.Context, r EntriesRequest) (EntriesPage, error) {
	w, err := q.window(ctx, entriesList, r.AsOf, r.From, r.To, r.Cursor, r.Limit, r.MinPosition)
	if err != nil {
		return EntriesPage{}, err
	}
	sql := `SELECT e.position, e.recorded_at, e.kind, e.wallet_id, e.generation_id, e.currency, e.reference, e.reason, e.model,
		e.wallet_amount::text AS on_wallet, e.wallet_balance::text, e.hold_amount::text AS on_holds, e.hold_balance::text,
		e.accounts, e.amounts::text[], e.balances::text[] FROM views.journal_entries_v2 e WHERE true` + w.bounds()
	if r.WalletID != nil {
		sql += ` AND e.wallet_id = ` + w.arg(*r.WalletID)
	}
	p := EntriesPage{At: w.at}
	_, err = q.view.Read(ctx, 0, sql+w.end(), `r.position DESC`, w.args, func(row checkpoint.Row) error {
		if len(p.Entries) == w.limit { // there is one more: not shown, but a page of its own
			p.NextCursor = page.Encode(entriesList, p.Entries[w.limit-1].Position)
			return nil
		}
		e, err := scanEntry(row)
		p.Entries = append(p.Entries, e)
		return err
	})
	if err != nil {
		return EntriesPage{}, err
	}
	return p, nil
}

func scanEntry(row checkpoint.Row) (Entry, error) {
	var e Entry
	var onWallet, onHolds Leg
	var accounts, amounts, balances []string
	err := row(&e.Position, &e.RecordedAt, &e.Kind, &e.WalletID, &e.GenerationID, &e.Currency, &e.Reference, &e.Reason, &e.Model,
		column.Amount(&onWallet.Amount), column.Amount(&onWallet.Balance), column.Amount(&onHolds.Amount), column.Amount(&onHolds.Balance),
		&accounts, &amounts, &balances)
	if err != nil {
		return Entry{}, err
	}
	e.RecordedAt = e.RecordedAt.UTC()
	onWallet.Account, onHolds.Account = WalletAccount(e.WalletID), HoldsAccount(e.WalletID)
	for _, leg := range []Leg{onWallet, onHolds} {
		if !leg.Amount.IsZero() {
			e.Legs = append(e.Legs, leg)
		}
	}
	if len(amounts) != len(accounts) || len(balances) != len(accounts) {
		return Entry{}, fmt.Errorf("the entry at position %d has %d accounts, %d amounts and %d balances", e.Position, len(accounts), len(amounts), len(balances))
	}
	for i, account := range accounts {
		leg := Leg{Account: money.Account(account)}
		if leg.Amount, err = money.Parse(amounts[i]); err == nil {
			leg.Balance, err = money.Parse(balances[i])
		}
		if err != nil {
			return Entry{}, fmt.Errorf("the leg on %q at position %d: %w", account, e.Position, err)
		}
		e.Legs = append(e.Legs, leg)
	}
	return e, nil
}
