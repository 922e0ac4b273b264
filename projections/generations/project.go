// Package generations is the read model of calls: one row each, with everything that explains its charge.
package generations

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
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
func (Projection) Tables() []string { return []string{"views.generations_v1"} }

// call is what a batch says of one generation.
type call struct {
	placed        *wallet.HoldPlaced // when the hold was placed in the batch, with the two below
	walletID      uuid.UUID
	placedAt      time.Time
	holdPosition  int64
	expiresAt     *time.Time // when the batch extended it
	state         State
	endedAt       *time.Time // when the batch ended it, with the position
	endPosition   *int64
	settled       bool // charged or released: what follows is known
	vendor        string
	provenance    string
	charge        money.Amount
	debited       money.Amount
	uncollectible money.Amount
	vendorCost    money.Amount
	usage         *string
	lineItems     *string
	facts         *string
	releaseReason string
	late          bool
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	calls := &calls{byID: map[uuid.UUID]*call{}}
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		if err := calls.fold(event, &events[i]); err != nil {
			return fmt.Errorf("position %d: %w", events[i].Position, err)
		}
	}
	calls.write(w)
	return nil
}

// calls keeps what a batch says in the order in which the generations appear.
type calls struct {
	byID  map[uuid.UUID]*call
	order []uuid.UUID
}

func (s *calls) get(id uuid.UUID) *call {
	c, ok := s.byID[id]
	if !ok {
		c = &call{}
		s.byID[id], s.order = c, append(s.order, id)
	}
	return c
}

func (s *calls) fold(event wallet.Event, at *runner.Event) (err error) {
	switch e := event.(type) {
	case wallet.HoldPlaced:
		c := s.get(e.HoldID)
		c.placed, c.placedAt, c.holdPosition, c.state = &e, at.RecordedAt, at.Position, Running
		c.walletID, err = at.Entity()
	case wallet.HoldExtended: // ends a suspicion
		c := s.get(e.HoldID)
		c.expiresAt, c.state = &e.ExpiresAt, Running
	case wallet.HoldSuspected:
		s.get(e.HoldID).state = Suspect
	case wallet.HoldExpired:
		s.get(e.HoldID).end(Expired, at)
	case wallet.HoldReleased:
		c := s.get(e.HoldID)
		c.end(Released, at)
		c.settled, c.releaseReason = true, e.Reason
		c.facts, err = encode(e.Call.AppendJSON)
	case wallet.UsageCharged:
		err = s.get(e.HoldID).charged(&e, at)
	case wallet.Opened, wallet.ToppedUp, wallet.Granted, wallet.Adjusted:
	}
	return err
}

func (c *call) end(state State, at *runner.Event) {
	c.state, c.endedAt, c.endPosition = state, &at.RecordedAt, &at.Position
}

func (c *call) charged(e *wallet.UsageCharged, at *runner.Event) (err error) {
	c.end(Charged, at)
	c.settled, c.late, c.vendor, c.provenance = true, e.Late, e.Vendor, string(e.Provenance)
	c.charge, c.debited, c.uncollectible, c.vendorCost = e.Charge, e.Debited(), e.Uncollectible, e.VendorCost
	if c.usage, err = encode(e.Usage.AppendJSON); err != nil {
		return err
	}
	items := func(dst []byte) ([]byte, error) { return usage.AppendJSON(dst, e.LineItems) }
	if c.lineItems, err = encode(items); err != nil {
		return err
	}
	c.facts, err = encode(e.Call.AppendJSON)
	return err
}

func encode(appendJSON func([]byte) ([]byte, error)) (*string, error) {
	body, err := appendJSON(nil)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	text := string(body)
	return &text, nil
}
