package content_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const (
	patience = time.Minute
	marker   = "a text that nobody else may read"
)

type bundle struct {
	*content.Store
	t    *testing.T
	pool *pgxpool.Pool
	keys *envelope.Keyring
}

func setup(t *testing.T) *bundle {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keys, err := envelope.Open(text, nil)
	require.NoError(t, err)
	pool := pgtest.New(t)
	return &bundle{Store: content.New(pool, keys), t: t, pool: pool, keys: keys}
}

// write runs a writer until all of the calls are dealt with, and says what became of them.
func (b *bundle) write(o content.WriterOptions, calls ...content.Call) map[content.State]int {
	b.t.Helper()
	var mu sync.Mutex
	became := map[content.State]int{}
	o.OnCall = func(s content.State) {
		mu.Lock()
		defer mu.Unlock()
		became[s]++
	}
	o.Flush, o.Logger = patience, zerolog.Nop()
	w := content.NewWriter(b.Store, o)
	for _, c := range calls {
		w.Put(c)
	}
	ended, cancel := context.WithCancel(b.t.Context())
	cancel()
	require.NoError(b.t, w.Run(ended), "what waits is written before the end")
	return became
}

func call(owner uuid.UUID) content.Call {
	body := content.Body{Media: "application/json", Bytes: []byte(`{"q":"` + marker + `"}`), Length: 100_000}
	return content.Call{
		Generation: uuid.New(), Wallet: owner, Key: uuid.New(), Dialect: "openai", Operation: "chat", Streamed: true,
		Request: body, Response: content.Body{Media: "text/event-stream", Bytes: []byte("data: " + marker), Length: int64(len(marker)) + 6},
		StartedAt: time.Now().UTC().Truncate(time.Microsecond), Retention: time.Hour,
	}
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

func (b *bundle) count() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM gateway.contents`).Scan(&n))
	return n
}

func (b *bundle) gone(c content.Call) {
	b.t.Helper()
	_, err := b.Get(b.t.Context(), c.Generation, nil)
	require.Equal(b.t, domain.CodeNotFound, domain.CodeOf(err))
}

func TestWhatIsStoredIsSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := call(uuid.New())
	require.Equal(t, map[content.State]int{content.Stored: 1}, b.write(content.WriterOptions{}, c))
	got, err := b.Get(t.Context(), c.Generation, []uuid.UUID{uuid.New(), c.Wallet})
	require.NoError(t, err)
	require.Equal(t, content.Content{Call: c, State: content.Stored, ExpiresAt: c.StartedAt.Add(time.Hour)}, got)
	require.True(t, got.Request.Truncated())
	require.False(t, got.Response.Truncated())

	var raw []byte
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT sealed FROM gateway.contents`).Scan(&raw))
	require.False(t, bytes.Contains(raw, []byte(marker)))
	_, err = b.Get(t.Context(), c.Generation, []uuid.UUID{uuid.New()})
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err), "another wallet's is not there")

	b.exec(`UPDATE gateway.contents SET wallet_id = $1`, uuid.New())
	_, err = b.Get(t.Context(), c.Generation, nil)
	require.Equal(t, content.CodeUnreadable, domain.CodeOf(err), "moved to another owner it does not open")
}

// TestWithoutRoom: beyond the bytes that may wait, calls are noted without their bodies; beyond the number, not at all.
func TestWithoutRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, third := call(uuid.New()), call(uuid.New()), call(uuid.New())
	size := int64(len(first.Request.Bytes) + len(first.Response.Bytes))
	got := b.write(content.WriterOptions{Bytes: size, Calls: 2}, first, second, third)
	require.Equal(t, map[content.State]int{content.Stored: 1, content.Dropped: 2}, got)
	noted, err := b.Get(t.Context(), second.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, content.Dropped, noted.State)
	require.Empty(t, noted.Request.Bytes)
	require.Equal(t, second.Request.Length, noted.Request.Length)
	b.gone(third)
}

// TestHostileTexts: what callers have a hand in does not stop what comes after it.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad, good := call(uuid.New()), call(uuid.New())
	bad.Model, bad.Request.Media = "a\x00b\xff"+strings.Repeat("ü", 1000), "multipart/form-data; boundary=\x00"
	bad.Request.Bytes, bad.Response.Bytes = []byte{0, 255, 0}, nil
	require.Equal(t, map[content.State]int{content.Stored: 2}, b.write(content.WriterOptions{}, bad, good))
	got, err := b.Get(t.Context(), bad.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 255, 0}, got.Request.Bytes)
	require.Empty(t, got.Response.Bytes)
}

func TestItsTimeEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, rest := call(uuid.New()), call(uuid.New())
	b.write(content.WriterOptions{}, c, rest)
	b.exec(`UPDATE gateway.contents SET expires_at = now() WHERE generation_id = $1`, c.Generation)
	b.gone(c)
	n, err := b.Sweep(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Equal(t, 1, b.count())
}

// TestErasedStaysErased: of calls that had begun nothing is shown or stored after an erasure, whenever it comes; of later ones it is.
func TestErasedStaysErased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := uuid.New()
	there, late, other, single := call(owner), call(owner), call(uuid.New()), call(owner)
	b.write(content.WriterOptions{}, there, other)
	require.NoError(t, b.EraseAll(t.Context(), owner))
	b.write(content.WriterOptions{}, late)
	b.gone(there)
	b.gone(late)
	require.Equal(t, 1, b.count())
	_, err := b.Get(t.Context(), other.Generation, nil)
	require.NoError(t, err)

	single.StartedAt = time.Now().Add(time.Minute)
	require.NoError(t, b.Erase(t.Context(), uuid.New(), other.Generation))
	got, err := b.Get(t.Context(), other.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, content.Stored, got.State, "another wallet erases nothing")
	require.NoError(t, b.Erase(t.Context(), other.Wallet, other.Generation))
	got, err = b.Get(t.Context(), other.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, content.Erased, got.State)
	require.Empty(t, got.Request.Bytes)

	before := call(uuid.New())
	require.NoError(t, b.Erase(t.Context(), before.Wallet, before.Generation))
	b.write(content.WriterOptions{}, before)
	got, err = b.Get(t.Context(), before.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, content.Erased, got.State, "what comes late is not stored")
	b.write(content.WriterOptions{}, single)
	got, err = b.Get(t.Context(), single.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, content.Stored, got.State)
}

// TestErasingWhileOthersStore: whatever the order, an erasure leaves nothing of calls that began before it.
func TestErasingWhileOthersStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := uuid.New()
	w := content.NewWriter(b.Store, content.WriterOptions{Flush: patience, Logger: zerolog.Nop()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	started := time.Now().Add(-time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				c := call(owner)
				c.StartedAt = started
				w.Put(c)
			}
		})
	}
	require.Eventually(t, func() bool { return b.count() > 0 }, patience, time.Millisecond)
	require.NoError(t, b.EraseAll(t.Context(), owner))
	wg.Wait()
	cancel()
	require.NoError(t, <-ended)
	require.Zero(t, b.count())
}

func TestTheOwnersDecisionHoldsForWhatIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := uuid.New()
	kept, other, foreign := call(owner), call(owner), call(uuid.New())
	for _, c := range []*content.Call{&kept, &other, &foreign} {
		c.Retention = 48 * time.Hour
	}
	b.write(content.WriterOptions{}, kept, other, foreign)
	require.NoError(t, b.Apply(t.Context(), owner, wallet.ContentStorage{RetentionHours: 24, Keys: []uuid.UUID{kept.Key}}))
	b.gone(other)
	got, err := b.Get(t.Context(), kept.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, got.Retention)
	got, err = b.Get(t.Context(), foreign.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, 48*time.Hour, got.Retention)
	require.NoError(t, b.Apply(t.Context(), owner, wallet.ContentStorage{RetentionHours: 100}))
	got, err = b.Get(t.Context(), kept.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, got.Retention, "what is stored is not prolonged")
	require.NoError(t, b.Apply(t.Context(), owner, wallet.ContentStorage{}))
	b.gone(kept)
	require.Equal(t, 1, b.count())

	late, again := call(owner), call(owner)
	late.StartedAt = time.Now().Add(time.Minute)
	b.write(content.WriterOptions{}, late)
	require.Equal(t, 1, b.count(), "by a process that has not heard of it")
	require.NoError(t, b.EraseAll(t.Context(), owner))
	b.write(content.WriterOptions{}, late)
	require.Equal(t, 1, b.count(), "erasing opens nothing")
	require.NoError(t, b.Apply(t.Context(), owner, wallet.ContentStorage{RetentionHours: 1}))
	again.StartedAt = time.Now().Add(time.Minute)
	b.write(content.WriterOptions{}, again)
	require.Equal(t, 2, b.count())
}

// TestTheSweepKnowsTheOwnersDecision: contents that a process stored which had not heard of it yet.
func TestTheSweepKnowsTheOwnersDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	off, some, on := uuid.New(), uuid.New(), uuid.New()
	stale, unnamed, named, fine := call(off), call(some), call(some), call(on)
	named.Retention = 48 * time.Hour
	b.write(content.WriterOptions{}, stale, unnamed, named, fine)
	for owner, storage := range map[uuid.UUID]string{off: `{}`, some: `{"retention_hours":1,"keys":["` + named.Key.String() + `"]}`, on: `{"retention_hours":24}`} {
		b.exec(`INSERT INTO views.keys_wallets_v1 (wallet_id, price_group, rate_limits, content_storage, updated_at, position) VALUES ($1, '', '{}', $2::jsonb, now(), 1)`, owner, storage)
	}
	_, err := b.Sweep(t.Context())
	require.NoError(t, err)
	b.gone(stale)
	b.gone(unnamed)
	got, err := b.Get(t.Context(), named.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, time.Hour, got.Retention)
	_, err = b.Get(t.Context(), fine.Generation, nil)
	require.NoError(t, err)
	require.Equal(t, 2, b.count())
}

// TestTheDatabaseIsAway: what cannot be stored waits, within its bounds, and is stored when that is possible again.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`ALTER TABLE gateway.contents RENAME TO away`)
	stored := make(chan content.State, 10)
	w := content.NewWriter(b.Store, content.WriterOptions{OnCall: func(s content.State) { stored <- s }, Logger: zerolog.Nop()})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	c := call(uuid.New())
	w.Put(c)
	require.Eventually(t, func() bool {
		var n int
		return b.pool.QueryRow(t.Context(), `SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()`).Scan(&n) == nil && n > 0
	}, patience, 20*time.Millisecond)
	b.exec(`ALTER TABLE gateway.away RENAME TO contents`)
	require.Equal(t, content.Stored, <-stored)
	_, err := b.Get(t.Context(), c.Generation, nil)
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-ended)
}

// TestWhatIsLeftIsErasedQuietly: a program looks at a wallet without an owner again and again, and leaves one entry that says who it is.
func TestWhatIsLeftIsErasedQuietly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := uuid.New()
	entries := func() (all []string) {
		t.Helper()
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT coalesce(array_agg(concat_ws(' ', body ->> 'actor', body ->> 'action', body ->> 'target') ORDER BY entry_id), '{}')
			FROM audit.entries`).Scan(&all))
		return all
	}
	first := call(owner)
	b.write(content.WriterOptions{}, first)
	require.NoError(t, b.EraseAll(t.Context(), owner))
	require.Len(t, entries(), 1)
	var ended time.Time
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&ended))
	for range 3 {
		late := call(owner)
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&late.StartedAt))
		b.write(content.WriterOptions{}, late)
		require.Equal(t, 1, b.count())
		require.NoError(t, b.EraseLeft(t.Context(), owner, ended, "system:leavings"))
		require.Zero(t, b.count())
	}
	require.Equal(t, []string{"system:leavings contents.erase " + trail.Of("contents", owner)}, entries()[1:])
}
