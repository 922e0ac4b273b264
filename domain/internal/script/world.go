package script

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

// defaultKey is the key of calls that name none; it has no caps.
const defaultKey = "default"

// world is what a script talks about: one wallet, its keys, one endpoint with its prices, and a clock.
type world struct {
	now      time.Time
	wallet   *wallet.State
	endpoint *catalog.EndpointState
	caps     map[string]wallet.Caps
	tokens   map[string]int64 // completion tokens that a call may produce
	charged  *wallet.UsageCharged
	books    map[money.Account]money.Amount
	refusal  *domain.Error // of the last step
}

func newWorld() *world {
	w := &world{
		now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), wallet: wallet.New(), endpoint: &catalog.EndpointState{},
		caps: map[string]wallet.Caps{defaultKey: {}}, tokens: map[string]int64{}, books: map[money.Account]money.Amount{},
	}
	w.endpoint.Apply(catalog.EndpointPublished{Endpoint: catalog.Endpoint{
		ID: "acme/chat@acme", Model: "acme/chat", Vendor: "acme", UpstreamModel: "chat", ContextLength: 1 << 20,
		MaxCompletionTokens: 1 << 20, Status: catalog.Active,
	}}, w.now)
	return w
}

// idOf gives each name in a script an id.
func idOf(kind, name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(kind+" "+name)) }

func (w *world) step(s statement) error {
	if s.word == "then" {
		return w.check(s)
	}
	if w.refusal != nil {
		return fmt.Errorf("the step before was refused: %w", w.refusal)
	}
	err := match(w.actions(), s)
	var refusal *domain.Error
	if s.word == "when" && errors.As(err, &refusal) {
		w.refusal = refusal
		return nil
	}
	if err != nil {
		return err
	}
	return w.balanced()
}

// check answers a "then". After a refusal the first one has to speak of it.
func (w *world) check(s statement) error {
	refusal := w.refusal
	err := match(w.assertions(), s)
	if err == nil && refusal != nil && w.refusal != nil {
		return fmt.Errorf("the step before was refused: %w", refusal)
	}
	return err
}

// apply folds what was decided and books its entry.
func (w *world) apply(e wallet.Event, err error) error {
	if err != nil {
		return err
	}
	w.wallet.Apply(e, w.now)
	p, ok := e.(wallet.Posting)
	if !ok {
		return nil
	}
	_, entry := p.Posting()
	for _, leg := range entry {
		w.books[leg.Account] = w.books[leg.Account].Add(leg.Amount)
	}
	return nil
}

// balanced holds after each step: the trial balance is zero and the books say what the wallet says.
func (w *world) balanced() error {
	total := money.Zero()
	for _, balance := range w.books {
		total = total.Add(balance)
	}
	if !total.IsZero() {
		return fmt.Errorf("the trial balance is %s", total)
	}
	if own := w.books[w.wallet.Account()]; !own.Equal(w.wallet.Available()) {
		return fmt.Errorf("the wallet's account has %s, its state %s", own, w.wallet.Available())
	}
	return w.wallet.Check()
}
