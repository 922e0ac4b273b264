package query

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/keys"
)

// GetKey shows a key.
func (a *API) GetKey(ctx context.Context, r GetKeyRequestObject) (GetKeyResponseObject, error) {
	k, err := a.views.Keys.Key(ctx, r.KeyID, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetKey200JSONResponse{Key: key(&k, a.now()), Position: openapi.Count(k.Position), AsOf: k.AsOf}, nil
}

// ListKeys lists the keys of a wallet that exists.
func (a *API) ListKeys(ctx context.Context, r ListKeysRequestObject) (ListKeysResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	least := position(r.Params.MinPosition)
	if _, err := a.views.Balance.Wallet(ctx, r.WalletID, least); err != nil {
		return nil, err
	}
	page, err := a.views.Keys.ByWallet(ctx, r.WalletID, keys.Request{Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: least})
	if err != nil {
		return nil, err
	}
	answer := ListKeys200JSONResponse{
		Items: make([]Key, len(page.Keys)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Keys {
		answer.Items[i] = key(&page.Keys[i], a.now())
	}
	return answer, nil
}

// key shows everything but the hashes of the secrets.
func key(k *keys.Key, now time.Time) Key {
	answer := Key{
		ID: k.ID, WalletID: k.WalletID, Name: k.Limits.Name, Label: k.Label, State: "active",
		Caps: k.Limits.Caps, Models: list(k.Limits.Models), Networks: append(apikey.Networks{}, k.Limits.Networks...), AppID: present(k.AppID), ExpiresAt: moment(k.Limits.ExpiresAt),
		RateLimits: k.Limits.Rates, MemberID: present(k.Limits.MemberID), Scope: present(k.Scope),
		Spent: KeySpent{
			Day: k.Spent.Day, Week: k.Spent.Week, Month: k.Spent.Month, Total: k.Spent.Total, Held: k.Spent.Held,
		},
		LastUsedAt: moment(k.LastUsedAt), OldSecretUntil: moment(k.OldHashUntil),
		IssuedAt: k.IssuedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(),
	}
	switch {
	case k.Revoked:
		answer.State, answer.Reason = "revoked", present(k.RevokedReason)
	case k.Disabled:
		answer.State, answer.Reason = "disabled", present(k.DisabledReason)
	case apikey.Usable(false, false, k.Limits.ExpiresAt, now) != nil:
		answer.State = "expired"
	}
	return answer
}
