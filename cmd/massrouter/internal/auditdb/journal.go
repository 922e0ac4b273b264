package auditdb

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// journal compares the books: entries and legs as they come, what all wallets and holds come to when a stretch is over, and
// the accounts' balances and the wallets' months at the checkpoint. Balances are sums of legs, not what events state.
type journal struct {
	view      *view
	entries   *merge[bookEntry]
	legs      *merge[bookLeg]
	snapshots *merge[bookSnapshot]
	accounts  map[string]*bookBalance // by account and currency
	stretch   int64
	current   map[money.Currency]*bookSnapshot // of the stretch
	months    map[string]*bookMonth
	held      map[[16]byte]money.Amount // by wallet, before the event
	done      []Table
}

func newJournal(ctx context.Context, v *view) ([]comparer, error) {
	j := &journal{
		view: v, accounts: map[string]*bookBalance{}, current: map[money.Currency]*bookSnapshot{}, months: map[string]*bookMonth{},
		held: map[[16]byte]money.Amount{},
	}
	all := []comparer{j, j.balancesAtCheckpoint(), j.monthsAtCheckpoint()}
	var err error
	if j.entries, err = newMerge(ctx, v, v.table("_entries"), bookEntriesSQL, scanBookEntry, func(e bookEntry) int64 { return e.position }, bookEntry.name); err != nil {
		return all, err
	}
	if j.legs, err = newMerge(ctx, v, v.table("_legs"), bookLegsSQL, scanBookLeg, func(l bookLeg) int64 { return l.position }, bookLeg.name); err != nil {
		return all, err
	}
	j.snapshots, err = newMerge(ctx, v, v.table("_snapshots"), bookSnapshotsSQL, scanBookSnapshot, func(s bookSnapshot) int64 { return s.position }, bookSnapshot.name)
	return all, err
}

func (j *journal) tables() []Table { return j.done }

func (j *journal) close() {
	j.entries.close()
	j.legs.close()
	j.snapshots.close()
}

// Observe compares what an event that moves money posts.
func (j *journal) Observe(_ context.Context, step *audit.Step) error {
	posting, ok := step.Data.(wallet.Posting)
	if !ok || step.Wallet == nil || !j.view.covers(step) {
		return nil
	}
	want := wantEntry(step)
	house := want.post(posting)
	if err := j.entry(want); err != nil {
		return err
	}
	for _, leg := range house {
		if err := j.leg(leg); err != nil {
			return err
		}
	}
	wallets := j.move("wallet:*", want.currency, want.onWallet.value, want.position)
	holds := j.move("hold:*", want.currency, want.onHolds.value, want.position)
	if err := j.snapshot(want, wallets, holds); err != nil {
		return err
	}
	j.month(step, want)
	return nil
}

func (j *journal) entry(want bookEntry) error {
	stored, found, err := j.entries.next(want.position, want.name)
	if found {
		compareBookEntry(j.view.diff(want.position, j.entries.name, want.name), stored, want)
	}
	return err
}

func (j *journal) leg(want bookLeg) error {
	want.balance.value = j.move(want.account, want.currency, want.amount.value, want.position)
	stored, found, err := j.legs.next(want.position, want.name)
	if found {
		d := j.view.diff(want.position, j.legs.name, want.name)
		same(d, "account", stored.account, want.account)
		same(d, "currency", stored.currency, want.currency)
		d.amount("amount", stored.amount, want.amount.value)
		d.amount("balance", stored.balance, want.balance.value)
	}
	return err
}

// move adds to an account and returns its balance.
func (j *journal) move(account, currency string, amount money.Amount, position int64) money.Amount {
	key := account + " " + currency
	b := j.accounts[key]
	if b == nil {
		b = &bookBalance{first: position}
		j.accounts[key] = b
	}
	b.balance, b.last = b.balance.Add(amount), position
	return b.balance
}

const stretchOfBooks = 1024 // positions

func (j *journal) snapshot(e bookEntry, wallets, holds money.Amount) error {
	if stretch := e.position / stretchOfBooks; stretch != j.stretch {
		if err := j.compareStretch(); err != nil {
			return err
		}
		j.stretch = stretch
	}
	s := j.current[money.Currency(e.currency)]
	if s == nil {
		s = &bookSnapshot{currency: e.currency, bucket: j.stretch, recordedAt: e.recordedAt}
		j.current[money.Currency(e.currency)] = s
	}
	s.position, s.wallets.value, s.holds.value = e.position, wallets, holds
	return nil
}

// compareStretch compares the rows of a stretch that is over.
func (j *journal) compareStretch() error {
	var all []*bookSnapshot
	for _, s := range j.current {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *bookSnapshot) int { return int(a.position - b.position) })
	clear(j.current)
	for _, want := range all {
		stored, found, err := j.snapshots.next(want.position, want.name)
		if err != nil {
			return err
		}
		if found {
			d := j.view.diff(want.position, j.snapshots.name, want.name)
			same(d, "currency", stored.currency, want.currency)
			same(d, "bucket", stored.bucket, want.bucket)
			d.time("recorded_at", stored.recordedAt, want.recordedAt)
			d.amount("wallets", stored.wallets, want.wallets.value)
			d.amount("holds", stored.holds, want.holds.value)
		}
	}
	return nil
}

// End reports rows that no event called for.
func (j *journal) End(context.Context, *audit.State) error {
	if err := j.compareStretch(); err != nil {
		return err
	}
	for _, end := range []func() (Table, error){j.entries.end, j.legs.end, j.snapshots.end} {
		table, err := end()
		if err != nil {
			return err
		}
		j.done = append(j.done, table)
	}
	return nil
}

// wantEntry is the row of an event, without its legs.
func wantEntry(step *audit.Step) bookEntry {
	want := bookEntry{
		position: step.Row.Position, recordedAt: step.Row.RecordedAt, wallet: step.Wallet.ID,
		walletBalance: amount{value: step.Wallet.Available}, holdsBalance: amount{value: step.Wallet.Held},
	}
	switch e := step.Data.(type) {
	case wallet.ToppedUp:
		want.kind, want.reference, want.reason = "top_up", e.Reference, e.Reason
	case wallet.Granted:
		want.kind, want.reference, want.reason = "grant", e.Reference, e.Reason
	case wallet.Adjusted:
		want.kind, want.reference, want.reason = "adjustment", e.Reference, e.Reason
	case wallet.HoldPlaced:
		want.kind, want.generation = "hold", e.HoldID
	case wallet.UsageCharged:
		want.kind, want.generation, want.model = "charge", e.HoldID, e.Model
	case wallet.HoldReleased:
		want.kind, want.generation, want.reason = "release", e.HoldID, e.Reason
	case wallet.HoldExpired:
		want.kind, want.generation = "expiry", e.HoldID
	}
	return want
}

// post sums the legs on the wallet's accounts, and returns those on accounts of the house by name.
func (e *bookEntry) post(posting wallet.Posting) []bookLeg {
	currency, entry := posting.Posting()
	e.currency = string(currency)
	house := map[string]money.Amount{}
	for _, leg := range entry {
		switch account := string(leg.Account); {
		case strings.HasPrefix(account, "wallet:"):
			e.onWallet.value = e.onWallet.value.Add(leg.Amount)
		case strings.HasPrefix(account, "hold:"):
			e.onHolds.value = e.onHolds.value.Add(leg.Amount)
		default:
			house[account] = house[account].Add(leg.Amount)
		}
	}
	legs := make([]bookLeg, 0, len(house))
	for account, sum := range house {
		legs = append(legs, bookLeg{account: account, currency: e.currency, position: e.position, amount: amount{value: sum}})
	}
	slices.SortFunc(legs, func(a, b bookLeg) int { return strings.Compare(a.account, b.account) })
	return legs
}

func (e bookEntry) name() string { return strconv.FormatInt(e.position, 10) }

func (l bookLeg) name() string {
	return l.account + " " + l.currency + " " + strconv.FormatInt(l.position, 10)
}

func (s bookSnapshot) name() string { return s.currency + " " + strconv.FormatInt(s.bucket, 10) }

// month counts an event for its wallet's month.
func (j *journal) month(step *audit.Step, e bookEntry) {
	at := step.Row.RecordedAt.UTC()
	key := monthKey(e.wallet, at.Year(), int(at.Month()))
	m := j.months[key]
	if m == nil {
		m = &bookMonth{currency: e.currency, openingPosted: step.PostedBefore, openingHeld: j.held[e.wallet]}
		j.months[key] = m
	}
	switch event := step.Data.(type) {
	case wallet.ToppedUp:
		m.topUps = m.topUps.Add(event.Amount)
	case wallet.Granted:
		m.grants = m.grants.Add(event.Amount)
	case wallet.Adjusted:
		m.adjustments = m.adjustments.Add(event.Amount)
	case wallet.UsageCharged:
		m.charges = m.charges.Add(event.Charge).Sub(event.Uncollectible)
	}
	m.closingPosted, m.closingHeld, m.position = step.Wallet.Posted(), step.Wallet.Held, e.position
	j.held[e.wallet] = step.Wallet.Held
}

func monthKey(id uuid.UUID, year, month int) string {
	return id.String() + " " + strconv.Itoa(year) + "-" + strconv.Itoa(month)
}
