package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// SetMemberLimits replaces the caps and rate limits that the keys of one member of a wallet share.
type SetMemberLimits struct {
	WalletID uuid.UUID           `json:"wallet_id"`
	MemberID uuid.UUID           `json:"member_id"`
	Limits   wallet.MemberLimits `json:"limits,omitzero"`
}

// SetMemberLimits records the limits.
func (a *App) SetMemberLimits(ctx context.Context, m Meta, c SetMemberLimits) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (SetMemberLimits) name() string { return "set_member_limits" }

func (c SetMemberLimits) streams() []domain.StreamID {
	return []domain.StreamID{wallet.Stream(c.WalletID)}
}

func (c SetMemberLimits) decide(d *executor.Decision) (Done, error) {
	stream := wallet.Stream(c.WalletID)
	e, err := state[*wallet.State](d, stream).SetMemberLimits(wallet.SetMemberLimits{MemberID: c.MemberID, Limits: c.Limits})
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(stream, e)
}
