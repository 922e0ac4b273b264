package command

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

// operatorPSP is who holds the cash of a top-up by hand.
const operatorPSP = "operator"

// OpenWallet opens a wallet. An id that the caller left out follows from the command's, so a replay finds the same.
func (a *API) OpenWallet(ctx context.Context, r OpenWalletRequestObject) (OpenWalletResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	c := commands.OpenWallet{WalletID: domain.DeriveID(m.CommandID, "wallet"), Owner: r.Body.Owner, Currency: r.Body.Currency}
	if r.Body.WalletID != nil {
		c.WalletID = *r.Body.WalletID
	}
	b, done, err := a.app.OpenWallet(ctx, m, c)
	if err != nil {
		return nil, err
	}
	return OpenWallet200JSONResponse(balance(c.WalletID, b, done)), nil
}

// TopUpWallet credits money that came in from outside.
func (a *API) TopUpWallet(ctx context.Context, r TopUpWalletRequestObject) (TopUpWalletResponseObject, error) {
	m, err := contract.Meta(ctx, &r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	c := commands.TopUp{
		WalletID: r.WalletID, Amount: r.Body.Amount, Currency: r.Body.Currency, PSP: operatorPSP,
		Reason: r.Body.Reason, Reference: chosen(r.Body.Reference),
	}
	if r.Body.Psp != nil {
		c.PSP = *r.Body.Psp
	}
	b, done, err := a.app.TopUp(ctx, m, c)
	if err != nil {
		return nil, err
	}
	return TopUpWallet200JSONResponse(balance(c.WalletID, b, done)), nil
}

// GrantCredit gives promotional credit.
func (a *API) GrantCredit(ctx context.Context, r GrantCreditRequestObject) (GrantCreditResponseObject, error) {
	m, err := contract.Meta(ctx, &r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b, done, err := a.app.Grant(ctx, m, commands.Grant{
		WalletID: r.WalletID, Amount: r.Body.Amount, Currency: r.Body.Currency,
		Reason: r.Body.Reason, Reference: chosen(r.Body.Reference),
	})
	if err != nil {
		return nil, err
	}
	return GrantCredit200JSONResponse(balance(r.WalletID, b, done)), nil
}

// AdjustWallet corrects a balance.
func (a *API) AdjustWallet(ctx context.Context, r AdjustWalletRequestObject) (AdjustWalletResponseObject, error) {
	m, err := contract.Meta(ctx, &r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b, done, err := a.app.Adjust(ctx, m, commands.Adjust{
		WalletID: r.WalletID, Amount: r.Body.Amount, Currency: r.Body.Currency,
		Reason: r.Body.Reason, Reference: chosen(r.Body.Reference),
	})
	if err != nil {
		return nil, err
	}
	return AdjustWallet200JSONResponse(balance(r.WalletID, b, done)), nil
}

// ReleaseHold frees a hold whose call is known to have produced nothing.
func (a *API) ReleaseHold(ctx context.Context, r ReleaseHoldRequestObject) (ReleaseHoldResponseObject, error) {
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	b, done, err := a.app.ReleaseHold(ctx, m, commands.ReleaseHold{HoldID: r.HoldID, WalletID: r.WalletID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ReleaseHold200JSONResponse(balance(r.WalletID, b, done)), nil
}

func balance(id uuid.UUID, b commands.Balance, r commands.Receipt) BalanceReceipt {
	return BalanceReceipt{
		WalletID: id, Posted: b.Posted, Held: b.Held, Available: b.Available,
		Position: openapi.Count(r.Position), RecordedAt: r.RecordedAt.UTC(), Replayed: r.Replayed,
	}
}
