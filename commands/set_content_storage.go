package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SetContentStorage says whether what the calls of a wallet ask and answer is stored, and for how long.
type SetContentStorage struct {
	WalletID uuid.UUID             `json:"wallet_id"`
	Storage  wallet.ContentStorage `json:"content_storage,omitzero"` // nothing is stored when missing
}

// SetContentStorage records the owner's decision. What is stored already is not its part.
func (a *App) SetContentStorage(ctx context.Context, m Meta, c SetContentStorage) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SetContentStorage) name() string { return "set_content_storage" }

func (c SetContentStorage) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID)}
}

func (c SetContentStorage) decide(d *executor.Decision) (Done, error) {
	stream := wallet.Stream(c.WalletID)
	e, err := state[*wallet.State](d, stream).SetContentStorage(wallet.SetContentStorage{Storage: c.Storage})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(stream, e)
}
