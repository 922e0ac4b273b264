package command

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
)

// OwnKeys changes the keys of customers at vendors; see ownkey.Store for what each method promises and refuses. Safe for concurrent use.
type OwnKeys interface {
	Create(ctx context.Context, q ownkey.Request, wallet uuid.UUID, vendor, secret string, s ownkey.Settings) (ownkey.Key, bool, error)
	Update(ctx context.Context, q ownkey.Request, wallet, id uuid.UUID, secret string, s ownkey.Settings) (ownkey.Key, bool, error)
	Delete(ctx context.Context, q ownkey.Request, wallet, id uuid.UUID) (bool, error)
}

// UseOwnKeys lets customers store keys of their own at vendors, unless keys is nil, and returns the API.
func (a *API) UseOwnKeys(keys OwnKeys) *API {
	a.ownKeys = keys
	return a
}

func (a *API) ownKeyRequest(ctx context.Context, key *IdempotencyKey) (ownkey.Request, error) {
	if a.ownKeys == nil {
		return ownkey.Request{}, domain.Errorf(problem.CodeNotConfigured, "this service stores no keys of customers: it needs a keyset to seal them")
	}
	m, err := contract.Meta(ctx, key)
	return ownkey.Request{ID: m.CommandID, Actor: m.Actor}, err
}

// CreateVendorKey stores a key.
func (a *API) CreateVendorKey(ctx context.Context, r CreateVendorKeyRequestObject) (CreateVendorKeyResponseObject, error) {
	q, err := a.ownKeyRequest(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b := r.Body
	s, err := settingsOf(b.Label, (*string)(b.Order), b.Disabled, b.Models, b.KeyIds)
	if err != nil {
		return nil, err
	}
	k, replayed, err := a.ownKeys.Create(ctx, q, r.WalletID, b.Vendor, b.Secret, s)
	if err != nil {
		return nil, err
	}
	return CreateVendorKey201JSONResponse{VendorKeyID: k.ID, Replayed: replayed}, nil
}

// UpdateVendorKey replaces a key's settings, and the key itself if one is given.
func (a *API) UpdateVendorKey(ctx context.Context, r UpdateVendorKeyRequestObject) (UpdateVendorKeyResponseObject, error) {
	q, err := a.ownKeyRequest(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b := r.Body
	s, err := settingsOf(b.Label, (*string)(b.Order), b.Disabled, b.Models, b.KeyIds)
	if err != nil {
		return nil, err
	}
	if b.Secret != nil && *b.Secret == "" {
		return nil, domain.Errorf(domain.CodeInvalid, "a key has at least %d bytes; leave it out to keep the one there is", ownkey.LeastSecret).With("member", "/secret")
	}
	k, replayed, err := a.ownKeys.Update(ctx, q, r.WalletID, r.VendorKeyID, chosen(b.Secret), s)
	if err != nil {
		return nil, err
	}
	return UpdateVendorKey200JSONResponse{VendorKeyID: k.ID, Replayed: replayed}, nil
}

// DeleteVendorKey erases a key.
func (a *API) DeleteVendorKey(ctx context.Context, r DeleteVendorKeyRequestObject) (DeleteVendorKeyResponseObject, error) {
	q, err := a.ownKeyRequest(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	replayed, err := a.ownKeys.Delete(ctx, q, r.WalletID, r.VendorKeyID)
	if err != nil {
		return nil, err
	}
	return DeleteVendorKey200JSONResponse{VendorKeyID: r.VendorKeyID, Replayed: replayed}, nil
}

func settingsOf(label string, order *string, disabled *bool, models *[]string, keys *[]uuid.UUID) (ownkey.Settings, error) {
	s := ownkey.Settings{Label: label, Disabled: chosen(disabled), Models: chosen(models), KeyIDs: chosen(keys)}
	switch chosen(order) {
	case "", ownkey.First:
	case ownkey.Only:
		s.Only = true
	default:
		return s, domain.Errorf(domain.CodeInvalid, "the order is %q or %q", ownkey.First, ownkey.Only).With("member", "/order")
	}
	return s, nil
}
