package journal

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "journal"
	Version = 1
)

// Projection writes the books.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{
		"views.journal_entries_v1", "views.journal_legs_v1", "views.journal_balances_v1", "views.journal_snapshots_v1",
		"views.journal_closes_v1",
	}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	b := newBatch()
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok {
			continue
		}
		e, posts := read(event)
		if !posts {
			continue
		}
		if err := e.post(&events[i]); err != nil {
			return err
		}
		b.add(&e)
	}
	b.write(w)
	return nil
}

// entry is an event as the books see it.
type entry struct {
	event                    *runner.Event
	kind                     string
	wallet                   uuid.UUID
	generation               *uuid.UUID
	currency                 money.Currency
	legs                     money.Entry
	after                    wallet.Balances
	reference, reason, model string
	onWallet, onHolds        money.Amount
	onHouse                  []money.Leg // one an account
}

// read is false for events that move no money.
func read(event wallet.Event) (entry, bool) {
	switch e := event.(type) {
	case wallet.ToppedUp:
		return entry{kind: TopUp, currency: e.Currency, legs: e.Entry, after: e.Balances, reference: e.Reference, reason: e.Reason}, true
	case wallet.Granted:
		return entry{kind: Grant, currency: e.Currency, legs: e.Entry, after: e.Balances, reference: e.Reference, reason: e.Reason}, true
	case wallet.Adjusted:
		return entry{kind: Adjustment, currency: e.Currency, legs: e.Entry, after: e.Balances, reference: e.Reference, reason: e.Reason}, true
	case wallet.HoldPlaced:
		return entry{kind: Hold, currency: e.Currency, legs: e.Entry, after: e.Balances, generation: &e.HoldID}, true
	case wallet.UsageCharged:
		return entry{kind: Charge, currency: e.Currency, legs: e.Entry, after: e.Balances, generation: &e.HoldID, model: e.Model}, true
	case wallet.HoldReleased:
		return entry{kind: Release, currency: e.Currency, legs: e.Entry, after: e.Balances, generation: &e.HoldID, reason: e.Reason}, true
	case wallet.HoldExpired:
		return entry{kind: Expiry, currency: e.Currency, legs: e.Entry, after: e.Balances, generation: &e.HoldID}, true
	case wallet.Opened, wallet.HoldExtended, wallet.HoldSuspected:
	}
	return entry{}, false
}

// post sorts the legs by whose account they are on.
func (e *entry) post(event *runner.Event) (err error) {
	e.event = event
	if e.wallet, err = event.Entity(); err != nil {
		return err
	}
	for _, leg := range e.legs {
		kind, owner, _ := strings.Cut(string(leg.Account), ":")
		switch {
		case kind == "wallet" && owner == event.StreamID.Identity():
			e.onWallet = e.onWallet.Add(leg.Amount)
		case kind == "hold":
			e.onHolds = e.onHolds.Add(leg.Amount)
		case kind == "wallet" || kind == "holds":
			return fmt.Errorf("the entry at position %d has a leg on %q, which is not its wallet's", event.Position, leg.Account)
		default:
			if _, known := Classify(leg.Account); !known {
				return fmt.Errorf("the entry at position %d has a leg on %q, which is not in the chart of accounts", event.Position, leg.Account)
			}
			e.house(leg)
		}
	}
	return nil
}

func (e *entry) house(leg money.Leg) {
	for i := range e.onHouse {
		if e.onHouse[i].Account == leg.Account {
			e.onHouse[i].Amount = e.onHouse[i].Amount.Add(leg.Amount)
			return
		}
	}
	e.onHouse = append(e.onHouse, leg)
}

// moved is by how much the entry changes what the wallet has, held or not.
func (e *entry) moved() money.Amount { return e.onWallet.Add(e.onHolds) }
