package program

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/generations"
)

// charges finds charges by the read model of calls. It only says where in the log they stand.
type charges struct {
	generations *generations.Query
	log         eventstore.Reader
}

// Charge implements command.Charges. What is in the log already but maybe not in the read model yet is looked up again at the end of the log.
func (c charges) Charge(ctx context.Context, id uuid.UUID) (commands.ChargeRef, error) {
	g, err := c.generations.Generation(ctx, id, nil, 0)
	if domain.CodeOf(err) == domain.CodeNotFound || err == nil && g.ChargePosition == 0 {
		head, headErr := rawLog{c.log}.Head(ctx)
		if headErr != nil {
			return commands.ChargeRef{}, headErr
		}
		g, err = c.generations.Generation(ctx, id, nil, head.Position)
	}
	switch {
	case domain.CodeOf(err) == domain.CodeNotFound, err == nil && g.ChargePosition == 0:
		return commands.ChargeRef{}, domain.Errorf(domain.CodeChargeNotFound, "there is no charge of this generation")
	case err != nil:
		return commands.ChargeRef{}, err
	}
	return commands.ChargeRef{GenerationID: g.ID, WalletID: g.WalletID, HoldPosition: g.HoldPosition, ChargePosition: g.ChargePosition}, nil
}
