package http_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/generations"
)

// chargesOf finds charges as the program does.
type chargesOf struct{ calls *generations.Query }

func (c chargesOf) Charge(ctx context.Context, id uuid.UUID) (commands.ChargeRef, error) {
	g, err := c.calls.Generation(ctx, id, nil, 0)
	if domain.CodeOf(err) == domain.CodeNotFound || err == nil && g.ChargePosition == 0 {
		return commands.ChargeRef{}, domain.Errorf(domain.CodeChargeNotFound, "there is no charge of this generation")
	}
	return commands.ChargeRef{GenerationID: g.ID, WalletID: g.WalletID, HoldPosition: g.HoldPosition, ChargePosition: g.ChargePosition}, err
}
