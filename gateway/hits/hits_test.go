package hits_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const patience = time.Minute

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func hit(owner, key uuid.UUID, at time.Time) hits.Hit {
	return hits.Hit{
		ID: uuid.New(), Wallet: owner, Key: key, Source: uuid.New(), Model: "acme/large", Saved: money.MustParse("0.00125"), Streamed: true,
		Duration: 3 * time.Millisecond, At: at.UTC().Truncate(time.Microsecond),
	}
}

// ended runs a recorder until all that waits is recorded.
func ended(t *testing.T, r *hits.Recorder) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, r.Run(ctx))
}

func recorder(pool *pgxpool.Pool, o hits.Options) *hits.Recorder {
	o.Flush, o.Logger = patience, zerolog.Nop()
	return hits.NewRecorder(hits.New(pool), o)
}

// TestHitsAreFoundAndCounted: at once in the process that had them, later everywhere; by their UTC day, key and model; once each.
func TestHitsAreFoundAndCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	r := recorder(pool, hits.Options{})
	owner, key, other := uuid.New(), uuid.New(), uuid.New()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first, late, next, foreign := hit(owner, key, noon), hit(owner, key, time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)), hit(owner, other, noon.Add(12*time.Hour)), hit(uuid.New(), key, noon)
	for _, h := range []hits.Hit{first, late, next, foreign, first} {
		r.Put(h)
	}
	got, err := r.Find(t.Context(), first.ID, owner)
	require.NoError(t, err)
	require.Equal(t, first, got)
	ended(t, r)

	elsewhere := hits.New(pool)
	got, err = elsewhere.Find(t.Context(), first.ID, owner)
	require.NoError(t, err)
	require.Equal(t, first.Saved.String(), got.Saved.String())
	got.Saved = first.Saved
	require.Equal(t, first, got)
	for _, wrong := range [][2]uuid.UUID{{first.ID, foreign.Wallet}, {uuid.New(), owner}} {
		_, err = r.Find(t.Context(), wrong[0], wrong[1])
		require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	}
	again := recorder(pool, hits.Options{})
	again.Put(first) // as when it is not known whether it was recorded
	again.Put(hit(owner, key, noon.Add(time.Hour)))
	ended(t, again)

	days, err := elsewhere.Days(t.Context(), owner, noon, noon.Add(24*time.Hour))
	require.NoError(t, err)
	require.Len(t, days, 2)
	require.Equal(t, []string{"2026-03-02", "2026-03-01"}, []string{days[0].Day.Format(time.DateOnly), days[1].Day.Format(time.DateOnly)})
	require.Equal(t, []int64{1, 3}, []int64{days[0].Hits, days[1].Hits})
	require.Equal(t, "0.00375", days[1].Saved.String())
	require.Equal(t, key, days[1].Key)
	days, err = elsewhere.Days(t.Context(), owner, noon, noon)
	require.NoError(t, err)
	require.Len(t, days, 1)
	for _, span := range [][2]time.Time{{noon, noon.Add(-time.Hour)}, {noon, noon.AddDate(2, 0, 0)}} {
		_, err = elsewhere.Days(t.Context(), owner, span[0], span[1])
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}

func TestHitsBeyondTheRoomAreLostAndCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	lost := 0
	r := recorder(pool, hits.Options{Waiting: 2, OnLost: func(n int) { lost += n }})
	owner, key := uuid.New(), uuid.New()
	now := time.Now()
	for range 5 {
		r.Put(hit(owner, key, now))
	}
	ended(t, r)
	require.Equal(t, 3, lost)
	days, err := r.Days(t.Context(), owner, now, now)
	require.NoError(t, err)
	require.Equal(t, int64(2), days[0].Hits)
}

// TestHitsOfManyAtOnce: two processes count the same keys at the same time, while the database is away for a moment.
func TestHitsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	owner, keys := uuid.New(), []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var running, putting sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 {
		r := recorder(pool, hits.Options{})
		running.Go(func() { _ = r.Run(ctx) }) // what it did is looked at below
		for i := range 4 {
			putting.Go(func() {
				for n := range 500 {
					r.Put(hit(owner, keys[(i+n)%len(keys)], now))
				}
			})
		}
	}
	_, err := pool.Exec(t.Context(), `ALTER TABLE gateway.cache_hits RENAME TO away`)
	require.NoError(t, err)
	putting.Wait()
	_, err = pool.Exec(t.Context(), `ALTER TABLE gateway.away RENAME TO cache_hits`)
	require.NoError(t, err)
	cancel()
	running.Wait()
	days, err := hits.New(pool).Days(t.Context(), owner, now, now)
	require.NoError(t, err)
	var total int64
	for _, d := range days {
		total += d.Hits
	}
	require.EqualValues(t, 4000, total)
}

func TestOldHitsGoAndTheirCountStays(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	r := recorder(pool, hits.Options{})
	owner := uuid.New()
	old, fresh := hit(owner, uuid.New(), time.Now().Add(-hits.Keep-time.Hour)), hit(owner, uuid.New(), time.Now())
	r.Put(old)
	r.Put(fresh)
	ended(t, r)
	n, err := r.Purge(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	_, err = r.Find(t.Context(), old.ID, owner)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
	_, err = r.Find(t.Context(), fresh.ID, owner)
	require.NoError(t, err)
	days, err := r.Days(t.Context(), owner, old.At, old.At)
	require.NoError(t, err)
	require.Len(t, days, 1)
}
