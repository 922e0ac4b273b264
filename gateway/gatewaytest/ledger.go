package gatewaytest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// Clock is a clock that a test may move.
type Clock struct{ ahead atomic.Int64 }

// NewClock makes a clock that shows the machine's time.
func NewClock() *Clock { return new(Clock) }

// Now is the time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Step moves the clock.
func (c *Clock) Step(d time.Duration) { c.ahead.Add(int64(d)) }

// Faults are those of the store.
type Faults struct{ away atomic.Bool }

func (f *Faults) begin() error {
	if f.away.Load() {
		return eventstore.ErrUnavailable
	}
	return nil
}

// Log collects what is logged.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// History is all events of a wallet, and what they add up to.
type History struct {
	State    *wallet.State
	Placed   []wallet.HoldPlaced
	Extended []wallet.HoldExtended
	Charged  []wallet.UsageCharged
	Released []wallet.HoldReleased
}

// History reads the wallet of the kit's customer from the log.
func (k *Kit) History() History {
	k.T.Helper()
	return k.HistoryOf(k.Wallet)
}

// HistoryOf reads a wallet from the log.
func (k *Kit) HistoryOf(id uuid.UUID) History {
	k.T.Helper()
	registry, err := commands.Registry()
	require.NoError(k.T, err)
	all, err := k.Store.Read(context.Background(), 0, 1<<30)
	require.NoError(k.T, err)
	h := History{State: wallet.New()}
	for _, e := range all {
		if e.StreamID != wallet.Stream(id) {
			continue
		}
		event, err := registry.Decode(e.Type, e.Body)
		require.NoError(k.T, err)
		h.State.Apply(event, e.RecordedAt)
		switch event := event.(type) {
		case wallet.HoldPlaced:
			h.Placed = append(h.Placed, event)
		case wallet.HoldExtended:
			h.Extended = append(h.Extended, event)
		case wallet.UsageCharged:
			h.Charged = append(h.Charged, event)
		case wallet.HoldReleased:
			h.Released = append(h.Released, event)
		}
	}
	require.NoError(k.T, h.State.Check())
	return h
}

// Settled is the history once no hold is open: every call was charged or released.
func (k *Kit) Settled() History {
	k.T.Helper()
	h := k.History()
	require.Empty(k.T, h.State.Holds)
	require.True(k.T, h.State.Held.IsZero())
	return h
}

// Only is the one charge of the kit's customer.
func (k *Kit) Only() wallet.UsageCharged {
	k.T.Helper()
	h := k.Settled()
	require.Len(k.T, h.Charged, 1)
	require.Empty(k.T, h.Released)
	return h.Charged[0]
}

// OnlyReleased is the one release of the kit's customer, who paid nothing.
func (k *Kit) OnlyReleased() wallet.HoldReleased {
	k.T.Helper()
	h := k.Settled()
	require.Len(k.T, h.Released, 1)
	require.Empty(k.T, h.Charged)
	require.Equal(k.T, "100", h.State.Available().String())
	return h.Released[0]
}

// Cost is what a usage costs at the kit's prices.
func Cost(u usage.Usage) money.Amount {
	total := money.Zero()
	for class, price := range map[usage.Class]string{
		usage.Input: InputPrice, usage.CacheRead: CachePrice, usage.CacheWrite: WritePrice, usage.Output: OutputPrice,
		usage.Reasoning: ReasoningPrice,
	} {
		total = total.Add(money.MustPrice(price).Times(u[class]))
	}
	return total
}
