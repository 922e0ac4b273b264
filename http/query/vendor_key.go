package query

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/http/problem"
)

// OwnKeys shows the keys of customers at vendors, without the keys; see ownkey.Store for the errors. Safe for concurrent use.
type OwnKeys interface {
	Key(ctx context.Context, wallet, id uuid.UUID) (ownkey.Key, error)
	ByWallet(ctx context.Context, wallet uuid.UUID) ([]ownkey.Key, error)
}

func (a *API) ownKeys() (OwnKeys, error) {
	if a.views.OwnKeys == nil {
		return nil, domain.Errorf(problem.CodeNotConfigured, "this service stores no keys of customers: it needs a keyset to seal them")
	}
	return a.views.OwnKeys, nil
}

// ListVendorKeys lists the keys of a wallet.
func (a *API) ListVendorKeys(ctx context.Context, r ListVendorKeysRequestObject) (ListVendorKeysResponseObject, error) {
	keys, err := a.ownKeys()
	if err != nil {
		return nil, err
	}
	all, err := keys.ByWallet(ctx, r.WalletID)
	if err != nil {
		return nil, err
	}
	answer := ListVendorKeys200JSONResponse{Items: make([]VendorKey, len(all))}
	for i := range all {
		answer.Items[i] = vendorKeyOf(&all[i])
	}
	return answer, nil
}

// GetVendorKey shows a key of a wallet.
func (a *API) GetVendorKey(ctx context.Context, r GetVendorKeyRequestObject) (GetVendorKeyResponseObject, error) {
	keys, err := a.ownKeys()
	if err != nil {
		return nil, err
	}
	k, err := keys.Key(ctx, r.WalletID, r.VendorKeyID)
	if err != nil {
		return nil, err
	}
	return GetVendorKey200JSONResponse{VendorKey: vendorKeyOf(&k)}, nil
}

func vendorKeyOf(k *ownkey.Key) VendorKey {
	order := ownkey.First
	if k.Only {
		order = ownkey.Only
	}
	return VendorKey{
		ID: k.ID, WalletID: k.WalletID, Vendor: k.Vendor, Label: k.Label, LastFour: k.LastFour, Order: VendorKeyOrder(order), Disabled: k.Disabled,
		Models: append([]string{}, k.Models...), KeyIds: append([]uuid.UUID{}, k.KeyIDs...),
		CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, UpdatedAt: k.UpdatedAt, UpdatedBy: k.UpdatedBy,
	}
}
