package balance

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/journal"
)

// WalletAsOf reads one wallet as it was at a moment (see package asof): what Wallet said when the view was there. What a wallet
// had and what was held is looked up in the journal, after waiting for it. OpenHolds and LastPosition are not
// kept for the past and are zero. Errors: wallet_not_found also when the wallet was opened later, ledger_unavailable.
func (q *Query) WalletAsOf(ctx context.Context, id uuid.UUID, at checkpoint.At) (Wallet, error) {
	w, opened, err := q.wallet(ctx, id, at.Position)
	if err != nil {
		return Wallet{}, err
	}
	if opened > at.Position {
		return Wallet{}, notFound()
	}
	w.OpenHolds, w.LastPosition, w.At = 0, 0, at
	moved, err := q.posted(ctx, &w)
	if err != nil {
		return Wallet{}, err
	}
	w.Held = money.Zero()
	if moved { // nothing can be held of what was never there
		held, err := q.books.Balances(ctx, journal.HoldsAccount(id), journal.AsOf{Position: at.Position}, at.Position)
		if err != nil {
			return Wallet{}, err
		}
		w.Held = held.ByCurrency[w.Currency]
	}
	w.ChargedTotal = w.CreditedTotal.Sub(w.Posted)
	w.Available = w.Posted.Sub(w.Held)
	return w, nil
}

// posted finds the last entry at or before the wallet's moment by one seek, and adds the credits until then up. They are few,
// and have an index of their own.
func (q *Query) posted(ctx context.Context, w *Wallet) (moved bool, err error) {
	w.Posted, w.CreditedTotal = money.Zero(), money.Zero()
	_, err = q.entries.Read(ctx, w.Position, `SELECT last.posted::text AS posted,
		(SELECT coalesce(sum(wallet_amount + hold_amount), 0)::text FROM views.journal_entries_v2
			WHERE wallet_id = $3 AND position <= $4 AND generation_id IS NULL)
		FROM (SELECT wallet_balance + hold_balance AS posted FROM views.journal_entries_v2 WHERE wallet_id = $3 AND position <= $4
			ORDER BY position DESC LIMIT 1) last`,
		`r.posted`, []any{w.ID, w.Position}, func(row checkpoint.Row) error {
			moved = true
			return row(column.Amount(&w.Posted), column.Amount(&w.CreditedTotal))
		})
	return moved, err
}

func notFound() error { return domain.Errorf(domain.CodeWalletNotFound, "no such wallet") }
