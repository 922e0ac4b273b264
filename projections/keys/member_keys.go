package keys

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/projections/checkpoint"
)

// OfMember lists a member's keys that are not revoked, of both scopes, after waiting for minPosition. Errors: ledger_unavailable.
func (q *Query) OfMember(ctx context.Context, wallet, member uuid.UUID, minPosition int64) (all []Key, err error) {
	now := q.now()
	_, err = q.view.Read(ctx, minPosition, selectKeys+`WHERE k.wallet_id = $3 AND (k.limits ->> 'member_id')::uuid = $4 AND NOT k.revoked`, `r.issued_position`,
		[]any{wallet, member}, func(row checkpoint.Row) error {
			k, _, err := scan(row, now)
			all = append(all, k)
			return err
		})
	return all, err
}
