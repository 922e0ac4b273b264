package command

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/problem"
)

// Contents erases what is stored of calls; see content.Store for what each method promises. Safe for concurrent use.
type Contents interface {
	// Wallet is whose call a generation is. Errors: not_found, ledger_unavailable.
	Wallet(ctx context.Context, generation uuid.UUID) (uuid.UUID, error)
	Erase(ctx context.Context, wallet, generation uuid.UUID) error
	EraseAll(ctx context.Context, wallet uuid.UUID) error
	Apply(ctx context.Context, wallet uuid.UUID, p wallet.ContentStorage) error
}

func noContents() error {
	return domain.Errorf(problem.CodeNotConfigured, "this service stores nothing of calls: it needs a keyset to seal it")
}

// SetContentStorage says whether what the calls of a wallet ask and answer is stored. The decision comes first: what is stored is brought in line
// with it at once, or else by the sweep.
func (a *API) SetContentStorage(ctx context.Context, r SetContentStorageRequestObject) (SetContentStorageResponseObject, error) {
	if a.contents == nil {
		return nil, noContents()
	}
	m, err := contract.Meta(ctx, r.Params.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	_, done, err := a.app.SetContentStorage(ctx, m, commands.SetContentStorage{WalletID: r.WalletID, Storage: *r.Body})
	if err != nil {
		return nil, err
	}
	if !done.Replayed { // a repeated request says nothing of what was decided since
		if err := a.contents.Apply(ctx, r.WalletID, *r.Body); err != nil {
			return nil, err
		}
	}
	return SetContentStorage200JSONResponse(receipt(done)), nil
}

// EraseContents erases what is stored of all calls of a wallet.
func (a *API) EraseContents(ctx context.Context, r EraseContentsRequestObject) (EraseContentsResponseObject, error) {
	if a.contents == nil {
		return nil, noContents()
	}
	if _, err := contract.Meta(ctx, r.Params.IdempotencyKey); err != nil {
		return nil, err
	}
	if err := a.contents.EraseAll(ctx, r.WalletID); err != nil {
		return nil, err
	}
	return EraseContents200JSONResponse{Erased: true}, nil
}

// EraseContent erases what is stored of a call.
func (a *API) EraseContent(ctx context.Context, r EraseContentRequestObject) (EraseContentResponseObject, error) {
	if a.contents == nil {
		return nil, noContents()
	}
	if _, err := contract.Meta(ctx, r.Params.IdempotencyKey); err != nil {
		return nil, err
	}
	id, err := domain.ParseGenerationID(r.GenerationID)
	if err != nil {
		return nil, err
	}
	owner, err := a.contents.Wallet(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := a.contents.Erase(ctx, owner, id); err != nil {
		return nil, err
	}
	return EraseContent200JSONResponse{Erased: true}, nil
}
