package keys

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// maxManaged bounds a page of managed keys.
const maxManaged = 1000

// ManagedRequest asks for the keys of a wallet that a management key manages: those that call models and are not revoked.
type ManagedRequest struct {
	WalletID    uuid.UUID
	Disabled    bool  // with those that are disabled
	Offset      int64 // so many are left out
	Limit       int   // 1 to 1000
	MinPosition int64
}

const managed = `k.wallet_id = $3 AND k.scope = '' AND NOT k.revoked`

// Managed lists keys, the newest first. Pages are of different moments: a key that was issued meanwhile moves the others on. Errors:
// invalid_request, ledger_unavailable.
func (q *Query) Managed(ctx context.Context, r ManagedRequest) (Page, error) {
	if r.Offset < 0 || r.Limit < 1 || r.Limit > maxManaged {
		return Page{}, domain.Errorf(domain.CodeInvalid, "offset is not negative, and limit is between 1 and %d", maxManaged)
	}
	var p Page
	now := q.now()
	at, err := q.view.Read(ctx, r.MinPosition,
		selectKeys+`WHERE `+managed+` AND ($4 OR NOT k.disabled) ORDER BY k.issued_position DESC OFFSET $5 LIMIT $6`, `r.issued_position DESC`,
		[]any{r.WalletID, r.Disabled, r.Offset, r.Limit},
		func(row checkpoint.Row) error {
			k, _, err := scan(row, now)
			p.Keys = append(p.Keys, k)
			return err
		})
	if err != nil {
		return Page{}, err
	}
	p.At = at
	for i := range p.Keys {
		p.Keys[i].At = at
	}
	return p, nil
}

// ManagedByHash finds a managed key by the hash of its secret, after waiting for minPosition. Errors: key_not_found, ledger_unavailable.
func (q *Query) ManagedByHash(ctx context.Context, wallet uuid.UUID, hash apikey.Hash, minPosition int64) (Key, error) {
	return q.one(ctx, minPosition, managed+` AND k.hash = $4`, wallet, hash[:])
}
