package query

import (
	"context"

	"github.com/massrouter/massrouter/http/openapi"
)

// GetWalletTerms shows what the calls of a wallet are held to.
func (a *API) GetWalletTerms(ctx context.Context, r GetWalletTermsRequestObject) (GetWalletTermsResponseObject, error) {
	if _, err := a.views.Balance.Wallet(ctx, r.WalletID, position(r.Params.MinPosition)); err != nil {
		return nil, err
	}
	t, err := a.views.Keys.Terms(ctx, r.WalletID, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetWalletTerms200JSONResponse{
		WalletID: r.WalletID, PriceGroup: present(t.PriceGroup), RateLimits: t.Rates, ContentStorage: t.Content, Position: openapi.Count(t.Position), AsOf: t.AsOf,
	}, nil
}

// GetMemberLimits shows the limits of a member of a wallet.
func (a *API) GetMemberLimits(ctx context.Context, r GetMemberLimitsRequestObject) (GetMemberLimitsResponseObject, error) {
	m, err := a.views.Keys.Member(ctx, r.WalletID, r.MemberID, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetMemberLimits200JSONResponse{
		WalletID: r.WalletID, MemberID: r.MemberID, Limits: MemberLimits{Caps: &m.Limits.Caps, RateLimits: &m.Limits.Rates},
		Position: openapi.Count(m.Position), AsOf: m.AsOf,
	}, nil
}
