package command

import (
	"context"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/contract"
)

// SetPriceGroup puts a wallet into a price group.
func (a *API) SetPriceGroup(ctx context.Context, r SetPriceGroupRequestObject) (SetPriceGroupResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetPriceGroup(ctx, m, commands.SetPriceGroup{WalletID: r.WalletID, Group: r.Body.PriceGroup})
	if err != nil {
		return nil, err
	}
	return SetPriceGroup200JSONResponse(receipt(done)), nil
}

// ClearPriceGroup takes a wallet out of its price group.
func (a *API) ClearPriceGroup(ctx context.Context, r ClearPriceGroupRequestObject) (ClearPriceGroupResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetPriceGroup(ctx, m, commands.SetPriceGroup{WalletID: r.WalletID})
	if err != nil {
		return nil, err
	}
	return ClearPriceGroup200JSONResponse(receipt(done)), nil
}

// SetWalletRateLimits replaces a wallet's rate limits.
func (a *API) SetWalletRateLimits(ctx context.Context, r SetWalletRateLimitsRequestObject) (SetWalletRateLimitsResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetRateLimits(ctx, m, commands.SetRateLimits{WalletID: r.WalletID, Rates: *r.Body})
	if err != nil {
		return nil, err
	}
	return SetWalletRateLimits200JSONResponse(receipt(done)), nil
}

// SetMemberLimits replaces the limits of a member of a wallet.
func (a *API) SetMemberLimits(ctx context.Context, r SetMemberLimitsRequestObject) (SetMemberLimitsResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetMemberLimits(ctx, m, commands.SetMemberLimits{
		WalletID: r.WalletID, MemberID: r.MemberID, Limits: wallet.MemberLimits{Caps: chosen(r.Body.Caps), Rates: chosen(r.Body.RateLimits)},
	})
	if err != nil {
		return nil, err
	}
	return SetMemberLimits200JSONResponse(receipt(done)), nil
}

// SetKeyMember says who of the wallet uses a key.
func (a *API) SetKeyMember(ctx context.Context, r SetKeyMemberRequestObject) (SetKeyMemberResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetKeyMember(ctx, m, commands.SetKeyMember{KeyID: r.KeyID, MemberID: r.Body.MemberID})
	if err != nil {
		return nil, err
	}
	return SetKeyMember200JSONResponse(receipt(done)), nil
}

// ClearKeyMember lets a key be used by nobody in particular.
func (a *API) ClearKeyMember(ctx context.Context, r ClearKeyMemberRequestObject) (ClearKeyMemberResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetKeyMember(ctx, m, commands.SetKeyMember{KeyID: r.KeyID})
	if err != nil {
		return nil, err
	}
	return ClearKeyMember200JSONResponse(receipt(done)), nil
}
