// Package generations is the read model of calls: one row each, with everything that explains its charge.
package generations

import (
	"fmt"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "generations"
	Version = 1
)

// Projection writes the generations view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{"views.generations_v1", "views.generations_ends_v1", "views.generations_corrections_v1"}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	var b batch
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		if err := b.fold(event, &events[i]); err != nil {
			return fmt.Errorf("position %d: %w", events[i].Position, err)
		}
	}
	b.write(w)
	return nil
}

func (b *batch) fold(event wallet.Event, at *runner.Event) error {
	switch e := event.(type) {
	case wallet.HoldPlaced:
		return b.place(&e, at)
	case wallet.HoldExtended: // ends a suspicion
		m := b.move(e.HoldID)
		m.state, m.expiresAt = Running, &e.ExpiresAt
	case wallet.HoldSuspected:
		b.move(e.HoldID).state = Suspect
	case wallet.HoldExpired:
		m := b.move(e.HoldID)
		m.state, m.expiredAt, m.position = Expired, &at.RecordedAt, &at.Position
	case wallet.HoldReleased:
		return b.release(&e, at)
	case wallet.UsageCharged:
		return b.charge(&e, at)
	case wallet.ChargeCorrected:
		return b.corrected.add(&e, at)
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
	}
	return nil
}

func (b *batch) place(e *wallet.HoldPlaced, at *runner.Event) error {
	walletID, err := at.Entity()
	if err != nil {
		return err
	}
	b.placed.add(e, walletID, at)
	return nil
}

func (b *batch) release(e *wallet.HoldReleased, at *runner.Event) error {
	b.ended.add(e.HoldID, Released, at)
	b.ended.result(e.Vendor, "", e.Reason, false)
	b.ended.amounts(money.Zero(), money.Zero(), e.VendorCost)
	if len(e.Usage) == 0 {
		b.ended.usage.Maybe(nil)
	} else if err := encode(&b.ended.usage, e.Usage.AppendJSON); err != nil {
		return err
	}
	b.ended.lineItems.Maybe(nil)
	return encode(&b.ended.facts, e.Call.AppendJSON)
}

func (b *batch) charge(e *wallet.UsageCharged, at *runner.Event) error {
	b.ended.add(e.HoldID, Charged, at)
	b.ended.result(e.Vendor, string(e.Provenance), "", e.Late)
	b.ended.amounts(e.Charge, e.Uncollectible, e.VendorCost)
	if err := encode(&b.ended.usage, e.Usage.AppendJSON); err != nil {
		return err
	}
	items := func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) }
	if err := encode(&b.ended.lineItems, items); err != nil {
		return err
	}
	return encode(&b.ended.facts, e.Call.AppendJSON)
}

func encode(to *column.Texts, appendJSON func([]byte) ([]byte, error)) error {
	if err := to.Write(appendJSON); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return nil
}
