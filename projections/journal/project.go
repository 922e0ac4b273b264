package journal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "journal"
	Version = 2
)

// Projection writes the books.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{"views.journal_entries_v2", "views.journal_balances_v2", "views.journal_stretches_v2"}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	carried, ok := w.Carried.(*books)
	if !ok {
		return fmt.Errorf("the books are carried as %T", w.Carried)
	}
	b := batch{books: carried}
	e := &entry{}
	for i := range events {
		event, ok := events[i].Data.(wallet.Event)
		if !ok || !e.read(event) {
			continue
		}
		if err := e.post(&events[i], carried); err != nil {
			return err
		}
		b.add(e)
	}
	b.write(w)
	return nil
}

// entry is an event as the books see it.
type entry struct {
	event                    *runner.Event
	kind                     string
	wallet                   uuid.UUID
	generation, key          uuid.NullUUID
	currency                 money.Currency
	legs                     money.Entry
	after                    wallet.Balances
	reference, reason, model string
	onWallet, onHolds        money.Amount
	onHouse                  []posting // one an account, by name
}

// read makes an entry of an event. It is false for events that move no money.
func (e *entry) read(event wallet.Event) bool {
	*e = entry{onHouse: e.onHouse[:0]}
	switch event := event.(type) {
	case wallet.ToppedUp:
		e.posts(TopUp, event.Currency, event.Entry, event.Balances)
		e.reference, e.reason = event.Reference, event.Reason
	case wallet.Granted:
		e.posts(Grant, event.Currency, event.Entry, event.Balances)
		e.reference, e.reason = event.Reference, event.Reason
	case wallet.Adjusted:
		e.posts(Adjustment, event.Currency, event.Entry, event.Balances)
		e.reference, e.reason = event.Reference, event.Reason
	case wallet.HoldPlaced:
		e.posts(Hold, event.Currency, event.Entry, event.Balances)
		e.ofCall(event.HoldID)
	case wallet.UsageCharged:
		e.posts(Charge, event.Currency, event.Entry, event.Balances)
		e.ofCall(event.HoldID)
		e.key, e.model = uuid.NullUUID{UUID: event.KeyID, Valid: true}, event.Model
	case wallet.ChargeCorrected:
		e.posts(Correction, event.Currency, event.Entry, event.Balances)
		e.ofCall(event.HoldID)
		e.key, e.model = uuid.NullUUID{UUID: event.KeyID, Valid: true}, event.Model
		e.reference, e.reason = event.Evidence, event.Reason
	case wallet.HoldReleased:
		e.posts(Release, event.Currency, event.Entry, event.Balances)
		e.ofCall(event.HoldID)
		e.reason = event.Reason
	case wallet.HoldExpired:
		e.posts(Expiry, event.Currency, event.Entry, event.Balances)
		e.ofCall(event.HoldID)
	case wallet.Opened, wallet.HoldExtended, wallet.HoldSuspected, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
		return false
	}
	return true
}

func (e *entry) posts(kind string, currency money.Currency, legs money.Entry, after wallet.Balances) {
	e.kind, e.currency, e.legs, e.after = kind, currency, legs, after
}

func (e *entry) ofCall(id uuid.UUID) { e.generation = uuid.NullUUID{UUID: id, Valid: true} }

// posting is a leg on an account of the house.
type posting struct {
	account *account
	amount  money.Amount
}

// post sorts the legs by whose account they are on.
func (e *entry) post(event *runner.Event, b *books) (err error) {
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
			account, err := b.house(leg.Account, e.currency)
			if err != nil {
				return fmt.Errorf("the entry at position %d: %w", event.Position, err)
			}
			e.house(account, leg.Amount)
		}
	}
	return nil
}

func (e *entry) house(account *account, amount money.Amount) {
	place, found := slices.BinarySearchFunc(e.onHouse, account.name, func(p posting, name money.Account) int {
		return strings.Compare(string(p.account.name), string(name))
	})
	if found {
		e.onHouse[place].amount = e.onHouse[place].amount.Add(amount)
		return
	}
	e.onHouse = slices.Insert(e.onHouse, place, posting{account, amount})
}
