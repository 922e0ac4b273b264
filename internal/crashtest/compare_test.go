package crashtest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
)

const (
	// unfinished counts what can still be brought to its end soon: charges of kept answers, read models behind the log.
	unfinished = `SELECT (SELECT count(*) FROM gateway.answers WHERE settlement IS NOT NULL AND NOT settled) +
		(SELECT count(*) FROM views.checkpoints c, ledger.log_heads h WHERE c.position < h.position)`
	// unswept counts the calls of killed processes that the sweeper has not found yet. Those that it has found are
	// suspect, and wait for news longer than a test does.
	unswept = ` + (SELECT count(*) FROM views.generations_v1 g WHERE state = 'running'
		AND NOT EXISTS (SELECT FROM views.generations_ends_v1 e WHERE e.generation_id = g.generation_id))`
)

// quiet waits until all that can be resolved is resolved, then stops the service cleanly: the journals are empty then.
func (s *service) quiet(t *testing.T) {
	t.Helper()
	pool, query := s.pool(t), unfinished
	if !testing.Short() { // the sweeper takes its time
		query += unswept
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var n int64
		require.NoError(c, pool.QueryRow(t.Context(), query).Scan(&n))
		require.Zero(c, n)
	}, 2*time.Minute, 200*time.Millisecond)
	for _, one := range append(s.serve, s.work) {
		one.stop(t)
	}
}

func (s *service) pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), s.database.URL("postgres"))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// book is the log as this test reads it.
type book struct {
	charges  map[uuid.UUID][]wallet.UsageCharged
	byWallet map[uuid.UUID]int // charges
	credits  map[string]int    // by reference
	posted   map[domain.StreamID]money.Amount
	held     map[domain.StreamID]money.Amount
	trial    money.Amount
}

// compare holds the ledger against what the clients were told.
func (s *service) compare(t *testing.T, l *load) {
	t.Helper()
	b := s.read(t)
	require.NotEmpty(t, l.told.costs)
	for id, cost := range l.told.costs {
		charges := b.charges[id]
		require.Len(t, charges, 1, "the charge of generation %s, of which a client was told %s", id, cost)
		require.Equal(t, cost.String(), charges[0].Charge.String(), "generation %s", id)
	}
	for id, charges := range b.charges {
		require.Len(t, charges, 1, "generation %s", id)
	}
	// Each of these calls was tried until it was answered: it was charged once, however often it was tried.
	for i, a := range l.sure {
		require.Equal(t, l.keys[i], b.byWallet[a.wallet], "the charges of wallet %s", a.wallet)
	}
	require.NotEmpty(t, l.told.credits)
	for key := range l.told.credits {
		require.Equal(t, 1, b.credits[key], "the top-up with key %s", key)
	}
	for stream, posted := range b.posted {
		require.GreaterOrEqual(t, posted.Sub(b.held[stream]).Sign(), 0, "%s: %s, of which %s held", stream, posted, b.held[stream])
	}
	require.Equal(t, "0", b.trial.String())
}

// read folds the log; a missing position is an error.
func (s *service) read(t *testing.T) *book {
	t.Helper()
	store, err := postgres.Open(t.Context(), s.pool(t), postgres.Options{})
	require.NoError(t, err)
	defer store.Close()
	registry, err := commands.Registry()
	require.NoError(t, err)
	b := &book{
		charges: map[uuid.UUID][]wallet.UsageCharged{}, byWallet: map[uuid.UUID]int{}, credits: map[string]int{},
		posted: map[domain.StreamID]money.Amount{}, held: map[domain.StreamID]money.Amount{},
	}
	for last := int64(0); ; {
		events, err := eventstore.ReadDense(t.Context(), store, last, 1000)
		require.NoError(t, err)
		if len(events) == 0 {
			head, err := store.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, head.Position, last)
			return b
		}
		for i := range events {
			event, err := registry.Decode(events[i].Type, events[i].Body)
			require.NoError(t, err)
			b.fold(t, events[i].StreamID, event)
		}
		last = events[len(events)-1].Position
	}
}

func (b *book) fold(t *testing.T, stream domain.StreamID, event domain.Event) {
	t.Helper()
	if posting, ok := event.(wallet.Posting); ok {
		_, entry := posting.Posting()
		b.trial = b.trial.Add(entry.Sum())
		for _, leg := range entry {
			switch string(leg.Account)[:5] {
			case "walle":
				b.posted[stream] = b.posted[stream].Add(leg.Amount)
			case "hold:":
				b.posted[stream], b.held[stream] = b.posted[stream].Add(leg.Amount), b.held[stream].Add(leg.Amount)
			}
		}
	}
	switch e := event.(type) {
	case wallet.UsageCharged:
		b.charges[e.HoldID] = append(b.charges[e.HoldID], e)
		id, err := uuid.Parse(stream.Identity())
		require.NoError(t, err)
		b.byWallet[id]++
	case wallet.ToppedUp:
		b.credits[e.Reference]++
	}
}

// audit runs the independent verifier.
func (s *service) audit(t *testing.T) {
	t.Helper()
	var result struct {
		OK  bool `json:"ok"`
		Log struct {
			Events    int64 `json:"events"`
			OpenHolds int64 `json:"open_holds"`
			Trial     []struct {
				Amount string `json:"amount"`
			} `json:"trial_balance"`
		} `json:"log"`
	}
	require.NoError(t, json.Unmarshal(s.program.call(t, s.environ, "audit", "verify", "--json"), &result))
	require.True(t, result.OK)
	for _, sum := range result.Log.Trial {
		require.Equal(t, "0", sum.Amount)
	}
	t.Logf("the auditor verified %d events; %d holds of killed processes wait for their expiry", result.Log.Events, result.Log.OpenHolds)
}
