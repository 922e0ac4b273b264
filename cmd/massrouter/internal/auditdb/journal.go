package auditdb

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// journal compares the books: entries as they come, what accounts come to when a stretch is over, and the accounts' balances
// at the checkpoint. Balances are sums of legs, not what events state.
type journal struct {
	view      *view
	entries   *merge[bookEntry]
	stretches *merge[bookStretch]
	accounts  map[bookAccount]*bookBalance
	stretch   int64
	current   []*bookBalance // that have a row of the stretch
	want      bookEntry      // of the event under way
}

func newJournal(ctx context.Context, v *view) ([]comparer, error) {
	j := &journal{view: v, accounts: map[bookAccount]*bookBalance{}}
	all := []comparer{j, j.balancesAtCheckpoint()}
	var err error
	if j.entries, err = newScreened(ctx, v, bookEntries(v)); err != nil {
		return all, err
	}
	j.stretches, err = newScreened(ctx, v, bookStretches(v))
	return all, err
}

func (j *journal) tables() []Table { return []Table{j.entries.table(), j.stretches.table()} }

func (j *journal) close() {
	j.entries.close()
	j.stretches.close()
}

// Observe compares what an event that moves money posts.
func (j *journal) Observe(_ context.Context, step *audit.Step) error {
	_, ok := step.Data.(wallet.Posting)
	if !ok || step.Wallet == nil || !j.view.covers(step) {
		return nil
	}
	if stretch := step.Row.Position / stretchOfBooks; stretch != j.stretch {
		if err := j.compareStretch(); err != nil {
			return err
		}
		j.stretch = stretch
	}
	want := &j.want
	want.of(step)
	want.post(step)
	for i := range want.house {
		leg := &want.house[i]
		leg.balance.value = j.move(want, leg.account, leg.amount.value)
	}
	j.move(want, "wallet:*", want.onWallet.value)
	j.move(want, "hold:*", want.onHolds.value)
	return j.entries.check(want)
}

const stretchOfBooks = 1024 // positions

// move adds to an account and returns its balance.
func (j *journal) move(e *bookEntry, account string, amount money.Amount) money.Amount {
	key := bookAccount{account, e.currency}
	b := j.accounts[key]
	if b == nil {
		b = &bookBalance{first: e.position}
		j.accounts[key] = b
	}
	b.balance, b.last = b.balance.Add(amount), e.position
	if b.stretch == nil {
		b.stretch = &bookStretch{bookAccount: key, bucket: j.stretch, recordedAt: e.recordedAt, first: e.position}
		j.current = append(j.current, b)
	}
	b.stretch.position, b.stretch.balance.value = e.position, b.balance
	return b.balance
}

// compareStretch compares the rows of a stretch that is over.
func (j *journal) compareStretch() error {
	all := make([]*bookStretch, len(j.current))
	for i, b := range j.current {
		all[i], b.stretch = b.stretch, nil
	}
	j.current = j.current[:0]
	slices.SortFunc(all, func(a, b *bookStretch) int {
		return cmp.Or(cmp.Compare(a.position, b.position), strings.Compare(a.account, b.account), strings.Compare(a.currency, b.currency))
	})
	for _, want := range all {
		if err := j.stretches.check(want); err != nil {
			return err
		}
	}
	return nil
}

// End reports rows that no event called for.
func (j *journal) End(context.Context, *audit.State) error {
	return errors.Join(j.compareStretch(), j.entries.end(), j.stretches.end())
}

// of makes the row of an event, without its legs.
func (e *bookEntry) of(step *audit.Step) {
	*e = bookEntry{
		position: step.Row.Position, recordedAt: step.Row.RecordedAt, wallet: step.Wallet.ID,
		walletBalance: amount{value: step.Wallet.Available}, holdsBalance: amount{value: step.Wallet.Held}, house: e.house[:0],
	}
	switch event := step.Data.(type) {
	case wallet.ToppedUp:
		e.kind, e.reference, e.reason = "top_up", event.Reference, event.Reason
	case wallet.Granted:
		e.kind, e.reference, e.reason = "grant", event.Reference, event.Reason
	case wallet.Adjusted:
		e.kind, e.reference, e.reason = "adjustment", event.Reference, event.Reason
	case wallet.HoldPlaced:
		e.kind, e.generation = "hold", event.HoldID
	case wallet.UsageCharged:
		e.kind, e.generation, e.key, e.model = "charge", event.HoldID, event.KeyID, event.Model
	case wallet.ChargeCorrected:
		e.kind, e.generation, e.key, e.model = "correction", event.HoldID, event.KeyID, event.Model
		e.reference, e.reason = event.Evidence, event.Reason
	case wallet.HoldReleased:
		e.kind, e.generation, e.reason = "release", event.HoldID, event.Reason
	case wallet.HoldExpired:
		e.kind, e.generation = "expiry", event.HoldID
	}
}

// post sums the legs on the wallet's accounts, and those on accounts of the house by name.
func (e *bookEntry) post(step *audit.Step) {
	e.currency = string(step.Currency)
	for i := range step.Entry {
		leg := &step.Entry[i]
		switch account := string(leg.Account); {
		case strings.HasPrefix(account, "wallet:"):
			e.onWallet.value = e.onWallet.value.Add(leg.Amount)
		case strings.HasPrefix(account, "hold:"):
			e.onHolds.value = e.onHolds.value.Add(leg.Amount)
		default:
			at, found := slices.BinarySearchFunc(e.house, account, func(l bookLeg, account string) int { return strings.Compare(l.account, account) })
			if !found {
				e.house = slices.Insert(e.house, at, bookLeg{account: account})
			}
			sum := &e.house[at].amount
			sum.value = sum.value.Add(leg.Amount)
		}
	}
}
