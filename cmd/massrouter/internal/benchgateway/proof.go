package benchgateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/sim"
)

// Proof compares the ledger's sums with the vendor's own.
type Proof struct {
	Equal    bool     `json:"equal"`
	Ledger   Sums     `json:"ledger"`
	Vendor   Sums     `json:"vendor"`
	Problems []string `json:"problems,omitempty"`
}

// Sums is what was served or charged.
type Sums struct {
	Calls int64        `json:"calls"`
	Units usage.Usage  `json:"units"`
	Money money.Amount `json:"money"`
}

// errProof says that the ledger is wrong.
var errProof = errors.New("the ledger and the vendor do not agree")

func (p Proof) err() error {
	if p.Equal {
		return nil
	}
	return fmt.Errorf("%w: %v", errProof, p.Problems)
}

func (p *Proof) want(ok bool, format string, args ...any) {
	if !ok {
		p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
	}
}

// prove reads both sides after the service has ended.
func (s *stage) prove(ctx context.Context) (Proof, error) {
	var p Proof
	totals, err := s.totals(ctx)
	if err != nil {
		return p, err
	}
	book, err := s.readLedger(ctx)
	if err != nil {
		return p, err
	}
	billed := totals.Models[upstreamBilled]
	p.Vendor = sumsOf(billed)
	p.Ledger = book.charged
	p.want(totals.InFlight == 0, "the vendor is still answering %d calls", totals.InFlight)
	p.want(billed.Unreported == sim.Usage{}, "the vendor served what it did not report: %+v", billed.Unreported)
	p.want(p.Ledger.Calls == p.Vendor.Calls, "%d calls were charged, %d served", p.Ledger.Calls, p.Vendor.Calls)
	p.want(maps.Equal(p.Ledger.Units, p.Vendor.Units), "charged %v, served %v", p.Ledger.Units, p.Vendor.Units)
	p.want(p.Ledger.Money.Equal(p.Vendor.Money), "charged %s, served for %s", p.Ledger.Money, p.Vendor.Money)
	p.want(len(book.open) == 0, "%d holds were left open", len(book.open))
	p.want(book.uncollectible.IsZero(), "%s could not be collected", book.uncollectible)
	p.want(book.trial.IsZero(), "the legs of all entries sum to %s", book.trial)
	p.want(book.posted().Equal(book.credited.Sub(p.Ledger.Money)), "the wallets hold %s, credited were %s", book.posted(), book.credited)
	p.Equal = len(p.Problems) == 0
	return p, nil
}

// sumsOf prices what the vendor says it served.
func sumsOf(row sim.Row) Sums {
	u := usage.Usage{
		usage.Input:     row.Reported.Prompt - row.Reported.Cached - row.Reported.CacheWrite,
		usage.CacheRead: row.Reported.Cached, usage.CacheWrite: row.Reported.CacheWrite,
		usage.Output: row.Reported.Completion - row.Reported.Reasoning, usage.Reasoning: row.Reported.Reasoning,
		usage.Request: row.Completed,
	}
	sums := Sums{Calls: row.Completed, Units: usage.Usage{}}
	for class, n := range u {
		sums.Money = sums.Money.Add(rates()[class].Times(n))
		if n != 0 {
			sums.Units[class] = n
		}
	}
	return sums
}

func (s *stage) totals(ctx context.Context) (sim.Totals, error) {
	var totals sim.Totals
	answer, err := s.get(ctx, "/sim/totals?wait=30s")
	if err != nil {
		return totals, fmt.Errorf("ask the vendor for its totals: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if err := json.NewDecoder(answer.Body).Decode(&totals); err != nil {
		return totals, fmt.Errorf("read the vendor's totals: %w", err)
	}
	return totals, nil
}

// book is the ledger added up from its raw events.
type book struct {
	charged       Sums
	uncollectible money.Amount
	credited      money.Amount
	trial         money.Amount
	open          map[uuid.UUID]bool
	wallets       map[domain.StreamID]money.Amount // posted
}

func (b *book) posted() money.Amount {
	sum := money.Zero()
	for _, amount := range b.wallets {
		sum = sum.Add(amount)
	}
	return sum
}

const readBatch = 5000

func (s *stage) readLedger(ctx context.Context) (*book, error) {
	pool, err := database.Open(ctx, s.db.URL, 2)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	store, err := postgres.Open(ctx, pool, postgres.Options{})
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer store.Close()
	registry, err := commands.Registry()
	if err != nil {
		return nil, err
	}
	b := &book{open: map[uuid.UUID]bool{}, wallets: map[domain.StreamID]money.Amount{}, charged: Sums{Units: usage.Usage{}}}
	for last := int64(0); ; {
		events, err := eventstore.ReadDense(ctx, store, last, readBatch)
		if err != nil || len(events) == 0 {
			return b, err
		}
		for i := range events {
			event, err := registry.Decode(events[i].Type, events[i].Body)
			if err != nil {
				return nil, err
			}
			b.fold(events[i].StreamID, event)
		}
		last = events[len(events)-1].Position
	}
}

// fold adds one event.
func (b *book) fold(stream domain.StreamID, event domain.Event) {
	if p, ok := event.(wallet.Posting); ok {
		_, entry := p.Posting()
		b.trial = b.trial.Add(entry.Sum())
	}
	switch e := event.(type) {
	case wallet.ToppedUp:
		b.credited, b.wallets[stream] = b.credited.Add(e.Amount), e.Posted
	case wallet.HoldPlaced:
		b.open[e.HoldID] = true
	case wallet.HoldReleased:
		delete(b.open, e.HoldID)
	case wallet.HoldExpired:
		delete(b.open, e.HoldID)
	case wallet.UsageCharged:
		delete(b.open, e.HoldID)
		b.wallets[stream] = e.Posted
		b.uncollectible = b.uncollectible.Add(e.Uncollectible)
		b.charged.Calls++
		b.charged.Money = b.charged.Money.Add(e.Charge)
		for class, n := range e.Usage {
			if n != 0 {
				b.charged.Units[class] += n
			}
		}
	}
}
