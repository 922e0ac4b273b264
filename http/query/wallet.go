package query

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/statement"
)

// GetWallet shows a wallet.
func (a *API) GetWallet(ctx context.Context, r GetWalletRequestObject) (GetWalletResponseObject, error) {
	at, err := a.moment(ctx, r.Params.AsOf, r.Params.MinPosition)
	if err != nil {
		return nil, err
	}
	w, err := a.wallet(ctx, r.WalletID, at, position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	answer := GetWallet200JSONResponse{Wallet: walletOf(w), Position: openapi.Count(w.Position), AsOf: w.AsOf}
	if at.Position != 0 {
		answer.Wallet.OpenHolds = nil // it is not kept for the past
	}
	return answer, nil
}

// wallet reads a wallet as of a moment, or as it is.
func (a *API) wallet(ctx context.Context, id uuid.UUID, at checkpoint.At, least int64) (balance.Wallet, error) {
	if at.Position != 0 {
		return a.views.Balance.WalletAsOf(ctx, id, at)
	}
	return a.views.Balance.Wallet(ctx, id, least)
}

// ListWallets lists wallets.
func (a *API) ListWallets(ctx context.Context, r ListWalletsRequestObject) (ListWalletsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := a.views.Balance.Wallets(ctx, balance.Request{
		Owner: chosen(r.Params.Owner), Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	answer := ListWallets200JSONResponse{
		Items: make([]Wallet, len(page.Wallets)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i, w := range page.Wallets {
		answer.Items[i] = walletOf(w)
	}
	return answer, nil
}

func walletOf(w balance.Wallet) Wallet {
	holds := openapi.Count(w.OpenHolds)
	return Wallet{
		ID: w.ID, Owner: w.Owner, Currency: w.Currency, Posted: w.Posted, Held: w.Held, Available: w.Available,
		CreditedTotal: w.CreditedTotal, ChargedTotal: w.ChargedTotal, OpenHolds: &holds,
		OpenedAt: w.OpenedAt.UTC(),
	}
}

// GetStatement lists the movements of a wallet that exists.
func (a *API) GetStatement(ctx context.Context, r GetStatementRequestObject) (GetStatementResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	kinds := make([]string, 0, len(statement.Kinds()))
	for _, kind := range chosen(r.Params.Kind) {
		kinds = append(kinds, string(kind))
	}
	if len(kinds) > len(statement.Kinds()) {
		return nil, domain.Errorf(domain.CodeInvalid, "kind is given at most %d times", len(statement.Kinds())).With("parameter", "kind")
	}
	at, err := a.moment(ctx, r.Params.AsOf, r.Params.MinPosition)
	if err != nil {
		return nil, err
	}
	least := position(r.Params.MinPosition)
	if _, err := a.wallet(ctx, r.WalletID, at, least); err != nil {
		return nil, err
	}
	page, err := a.views.Statement.List(ctx, statement.Request{
		WalletID: r.WalletID, From: chosen(r.Params.From), To: chosen(r.Params.To), Kinds: kinds,
		Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: least, AsOf: at,
	})
	if err != nil {
		return nil, err
	}
	answer := GetStatement200JSONResponse{
		Items: make([]Movement, len(page.Movements)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Movements {
		answer.Items[i] = movement(&page.Movements[i])
	}
	return answer, nil
}

func movement(m *statement.Movement) Movement {
	answer := Movement{
		Position: openapi.Count(m.Position), RecordedAt: m.RecordedAt.UTC(), Kind: MovementKind(m.Kind), Amount: m.Amount,
		Currency: m.Currency, BalanceBefore: m.BalanceBefore, BalanceAfter: m.BalanceAfter, KeyID: m.KeyID,
		Reason: present(m.Reason), Reference: present(m.Reference), Model: present(m.Model),
	}
	if m.GenerationID != nil {
		answer.GenerationID = present(domain.GenerationID(*m.GenerationID))
	}
	return answer
}
