package commands

import (
	"context"
	"errors"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// charged is a charge as the log has it. Events never change, so it is read before the log is locked.
type charged struct {
	charge              wallet.UsageCharged
	placedAt, chargedAt time.Time
}

// streams are what a decision on the charge looks at.
func (c *charged) streams(ref ChargeRef) []domain.StreamID {
	return []domain.StreamID{wallet.Stream(ref.WalletID), charge.Stream(ref.GenerationID), catalog.EndpointStream(c.charge.Endpoint)}
}

// charged reads a charge and its hold. Errors: charge_not_found, ledger_unavailable.
func (a *App) charged(ctx context.Context, ref ChargeRef) (*charged, error) {
	placed, err := a.at(ctx, ref, ref.HoldPosition)
	if err != nil {
		return nil, err
	}
	settled, err := a.at(ctx, ref, ref.ChargePosition)
	if err != nil {
		return nil, err
	}
	hold, ok := placed.data.(wallet.HoldPlaced)
	if !ok || hold.HoldID != ref.GenerationID {
		return nil, errNoCharge
	}
	e, ok := settled.data.(wallet.UsageCharged)
	if !ok || e.HoldID != ref.GenerationID {
		return nil, errNoCharge
	}
	return &charged{charge: e, placedAt: placed.row.RecordedAt.UTC(), chargedAt: settled.row.RecordedAt.UTC()}, nil
}

var errNoCharge = domain.Errorf(domain.CodeChargeNotFound, "there is no charge of this generation")

// stored is an event of the log with its row.
type stored struct {
	row  eventstore.Event
	data domain.Event
}

// at reads the event at a position, which has to be one of the wallet's.
func (a *App) at(ctx context.Context, ref ChargeRef, position int64) (stored, error) {
	if position < 1 {
		return stored{}, errNoCharge
	}
	rows, err := a.log.Read(ctx, position-1, 1)
	switch {
	case errors.Is(err, eventstore.ErrUnavailable):
		return stored{}, domain.Errorf(domain.CodeUnavailable, "the ledger cannot be read now").Wrap(err)
	case err != nil:
		return stored{}, domain.Errorf(domain.CodeInternal, "the ledger cannot be read").Wrap(err)
	case len(rows) != 1 || rows[0].Position != position || rows[0].StreamID != wallet.Stream(ref.WalletID):
		return stored{}, errNoCharge
	}
	data, err := a.registry.Decode(rows[0].Type, rows[0].Body)
	if err != nil {
		return stored{}, domain.Errorf(domain.CodeInternal, "an event cannot be read").Wrap(err)
	}
	return stored{rows[0], data}, nil
}
