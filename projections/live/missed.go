package live

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
)

// Balances reads what wallets have now, after waiting for a position, in the order of their ids; at is the position that they are
// of. Errors: wallet_not_found when one of them is unknown, ledger_unavailable.
func (s *Source) Balances(ctx context.Context, wallets []uuid.UUID, least int64) (all []Balance, at int64, err error) {
	read, err := s.balances.Read(ctx, least, `SELECT wallet_id, position, currency, posted::text, held::text, available::text
		FROM views.balance_v1 WHERE wallet_id = ANY($3)`, `r.wallet_id`, []any{wallets}, func(row checkpoint.Row) error {
		var b Balance
		err := row(&b.WalletID, &b.Position, &b.Currency, column.Amount(&b.Posted), column.Amount(&b.Held), column.Amount(&b.Available))
		all = append(all, b)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(all) != len(wallets) {
		return nil, 0, domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	return all, read.Position, nil
}

// Charges reads the charges of wallets in (after, to] in order, at most limit, after waiting for to. Errors: ledger_unavailable.
func (s *Source) Charges(ctx context.Context, wallets []uuid.UUID, after, to int64, limit int) ([]Charge, error) {
	var all []Charge
	_, err := s.entries.Read(ctx, to, `SELECT m.* FROM unnest($3::uuid[]) AS w(id) CROSS JOIN LATERAL (
			SELECT wallet_id, position, recorded_at, (wallet_amount + hold_amount)::text, (wallet_balance + hold_balance - wallet_amount - hold_amount)::text,
				(wallet_balance + hold_balance)::text, currency, generation_id, key_id, model
			FROM views.journal_entries_v2 WHERE wallet_id = w.id AND position > $4 AND position <= $5 AND kind = 'charge' ORDER BY position LIMIT $6
		) m ORDER BY m.position LIMIT $6`, `r.position`, []any{wallets, after, to, limit}, func(row checkpoint.Row) error {
		var c Charge
		err := row(&c.WalletID, &c.Position, &c.RecordedAt, column.Amount(&c.Amount), column.Amount(&c.Before), column.Amount(&c.After),
			&c.Currency, &c.GenerationID, &c.KeyID, &c.Model)
		c.RecordedAt = c.RecordedAt.UTC()
		all = append(all, c)
		return err
	})
	return all, err
}
