package journal

import (
	"context"
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
		e.wallet_amount::text AS on_wallet, e.wallet_balance::text, e.hold_amount::text AS on_holds, e.hold_balance::text
		FROM views.journal_entries_v1 e WHERE true` + w.bounds("e.position")
	if r.WalletID != nil {
		sql += ` AND e.wallet_id = ` + w.arg(*r.WalletID)
	}
	p := EntriesPage{At: w.at}
	_, err = q.view.Read(ctx, 0, sql+w.end("e.position"), `r.position DESC`, w.args, func(row checkpoint.Row) error {
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
	if err := q.addHouseLegs(ctx, p.Entries); err != nil {
		return EntriesPage{}, err
	}
	return p, nil
}

func scanEntry(row checkpoint.Row) (Entry, error) {
	var e Entry
	var onWallet, onHolds Leg
	err := row(&e.Position, &e.RecordedAt, &e.Kind, &e.WalletID, &e.GenerationID, &e.Currency, &e.Reference, &e.Reason, &e.Model,
		column.Amount(&onWallet.Amount), column.Amount(&onWallet.Balance), column.Amount(&onHolds.Amount), column.Amount(&onHolds.Balance))
	e.RecordedAt = e.RecordedAt.UTC()
	onWallet.Account, onHolds.Account = WalletAccount(e.WalletID), HoldsAccount(e.WalletID)
	for _, leg := range []Leg{onWallet, onHolds} {
		if !leg.Amount.IsZero() {
			e.Legs = append(e.Legs, leg)
		}
	}
	return e, err
}

// houseLegs looks into each account of the house, of which there are few, for each position.
const houseLegs = `SELECT l.position, l.account, l.amount::text, l.balance::text FROM views.journal_balances_v1 a
	CROSS JOIN LATERAL (SELECT * FROM views.journal_legs_v1 WHERE account = a.account AND currency = a.currency AND position = ANY($3)) l
	WHERE a.account NOT IN ('wallet:*', 'hold:*')`

func (q *Query) addHouseLegs(ctx context.Context, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	positions, places := make([]int64, len(entries)), make(map[int64]int, len(entries))
	for i := range entries {
		positions[i], places[entries[i].Position] = entries[i].Position, i
	}
	_, err := q.view.Read(ctx, 0, houseLegs, `r.account`, []any{positions}, func(row checkpoint.Row) error {
		var position int64
		var leg struct {
			account         money.Account
			amount, balance money.Amount
		}
		err := row(&position, &leg.account, column.Amount(&leg.amount), column.Amount(&leg.balance))
		if i, ok := places[position]; ok {
			entries[i].Legs = append(entries[i].Legs, Leg{leg.account, leg.amount, leg.balance})
		}
		return err
	})
	return err
}
