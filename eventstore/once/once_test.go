package once_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/once"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// bundle has a table of effects beside that of requests.
type bundle struct {
	t    *testing.T
	pool *pgxpool.Pool
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, pool: pgtest.New(t)}
	b.exec(`CREATE TABLE effects (n bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL)`)
	return b
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

func (b *bundle) count(table string) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
	return n
}

// waiting counts who waits for another's transaction.
func (b *bundle) waiting() (n int) {
	err := b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&n)
	if err != nil {
		b.t.Error(err)
	}
	return n
}

// outcome is an answer as rooms have them.
type outcome struct {
	ID     uuid.UUID
	Number int64
}

// do makes an effect of a request, and then fails as it is told to.
func do(ctx context.Context, tx pgx.Tx, q once.Request, what string, failure error) (outcome, bool, error) {
	return once.Do(ctx, tx, q, []any{"note", what}, func() (o outcome, err error) {
		o.ID = uuid.New()
		if err := tx.QueryRow(ctx, `INSERT INTO effects (what) VALUES ($1) RETURNING n`, what).Scan(&o.Number); err != nil {
			return o, err
		}
		return o, failure
	})
}

func (b *bundle) do(q once.Request, what string, failure error) (o outcome, replayed bool, err error) {
	err = pgx.BeginFunc(context.Background(), b.pool, func(tx pgx.Tx) (err error) {
		o, replayed, err = do(context.Background(), tx, q, what, failure)
		return err
	})
	return o, replayed, err
}

func asked() once.Request { return once.Request{ID: uuid.New(), Actor: "user:a"} }

func TestTheFirstAnswerIsGivenAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := asked()
	first, replayed, err := b.do(q, "x", nil)
	require.NoError(t, err)
	require.False(t, replayed)
	for range 3 {
		again, replayed, err := b.do(q, "x", errors.New("never reached"))
		require.NoError(t, err)
		require.True(t, replayed)
		require.Equal(t, first, again)
	}
	other, replayed, err := b.do(asked(), "x", nil)
	require.NoError(t, err)
	require.False(t, replayed, "the same input under another id is another request")
	require.NotEqual(t, first, other)
	require.Equal(t, 2, b.count("effects"))
}

// TestWhatIsNotTheSameRequestIsRefused, and learns nothing of the first one's answer.
func TestWhatIsNotTheSameRequestIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := asked()
	_, _, err := b.do(q, "x", nil)
	require.NoError(t, err)
	for what, other := range map[string]once.Request{"y": q, "x": {ID: q.ID, Actor: "user:b"}} {
		o, replayed, err := b.do(other, what, nil)
		require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
		require.False(t, replayed)
		require.Zero(t, o)
	}
	require.Equal(t, 1, b.count("effects"))
}

func TestARequestWhoseEffectFailsWasNeverThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q, broken := asked(), errors.New("broken")
	_, _, err := b.do(q, "x", broken)
	require.ErrorIs(t, err, broken)
	require.Zero(t, b.count("effects"))
	require.Zero(t, b.count("once.requests"))
	_, replayed, err := b.do(q, "y", nil)
	require.NoError(t, err, "another input, too: nothing was done")
	require.False(t, replayed)
}

// TestACrashBetweenLeavesNothing: the connection dies after the effect and before the end of the transaction.
func TestACrashBetweenLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := asked()
	pooled, err := b.pool.Acquire(t.Context())
	require.NoError(t, err)
	conn := pooled.Hijack()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, _, err = do(t.Context(), tx, q, "x", nil)
	require.NoError(t, err)
	require.NoError(t, conn.PgConn().Conn().Close()) // without a word to the server
	o, replayed, err := b.do(q, "x", nil)            // waits for the server to notice
	require.NoError(t, err)
	require.False(t, replayed)
	require.NotZero(t, o)
	require.Equal(t, 1, b.count("effects"))
}

// TestTwoAtOnce: the second waits for the first, and does what it left undone.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		end      func(pgx.Tx, context.Context) error
		replayed bool
	}{
		"that is done":   {pgx.Tx.Commit, true},
		"that is undone": {pgx.Tx.Rollback, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			q := asked()
			tx, err := b.pool.Begin(t.Context())
			require.NoError(t, err)
			first, _, err := do(t.Context(), tx, q, "x", nil)
			require.NoError(t, err)
			type result struct {
				outcome
				replayed bool
				err      error
			}
			second := make(chan result, 1)
			go func() {
				o, replayed, err := b.do(q, "x", nil)
				second <- result{o, replayed, err}
			}()
			require.Eventually(t, func() bool { return b.waiting() == 1 }, time.Minute, time.Millisecond)
			require.NoError(t, row.end(tx, t.Context()))
			got := <-second
			require.NoError(t, got.err)
			require.Equal(t, row.replayed, got.replayed)
			require.Equal(t, row.replayed, got.outcome == first)
			require.Equal(t, 1, b.count("effects"))
		})
	}
}

func TestManyAtOnceHaveOneEffect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := asked()
	var all sync.WaitGroup
	var mu sync.Mutex
	answers, fresh := map[outcome]int{}, 0
	for range 16 {
		all.Go(func() {
			o, replayed, err := b.do(q, "x", nil)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			answers[o]++
			if !replayed {
				fresh++
			}
		})
	}
	all.Wait()
	require.Len(t, answers, 1)
	require.Equal(t, 1, fresh)
	require.Equal(t, 1, b.count("effects"))
}

// TestAfterItsTimeARequestIsNew, whether it was forgotten already or not.
func TestAfterItsTimeARequestIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pruned, kept, young := asked(), asked(), asked()
	for _, q := range []once.Request{pruned, kept, young} {
		_, _, err := b.do(q, "x", nil)
		require.NoError(t, err)
	}
	var right bool
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT expires_at BETWEEN now() + interval '719 hours' AND now() + interval '720 hours' FROM once.requests WHERE id = $1`,
		young.ID).Scan(&right))
	require.True(t, right)
	b.exec(`UPDATE once.requests SET expires_at = now() WHERE id = $1`, pruned.ID)
	n, err := once.Prune(t.Context(), b.pool)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	b.exec(`UPDATE once.requests SET expires_at = now() WHERE id = $1`, kept.ID)
	for _, q := range []once.Request{pruned, kept} {
		_, replayed, err := b.do(q, "y", nil)
		require.NoError(t, err)
		require.False(t, replayed)
		_, replayed, err = b.do(q, "y", nil)
		require.NoError(t, err)
		require.True(t, replayed, "and is known from then on")
	}
	_, replayed, err := b.do(young, "x", nil)
	require.NoError(t, err)
	require.True(t, replayed)
	n, err = once.Prune(t.Context(), b.pool)
	require.NoError(t, err)
	require.Zero(t, n)
}

// TestPruneWaitsForNobody and takes all there is.
func TestPruneWaitsForNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`INSERT INTO once.requests (id, expires_at) SELECT gen_random_uuid(), now() - interval '1 hour' FROM generate_series(1, 2500)`)
	q := asked()
	_, _, err := b.do(q, "x", nil)
	require.NoError(t, err)
	b.exec(`UPDATE once.requests SET expires_at = now() WHERE id = $1`, q.ID)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, replayed, err := do(t.Context(), tx, q, "x", nil)
	require.NoError(t, err)
	require.False(t, replayed)
	n, err := once.Prune(t.Context(), b.pool)
	require.NoError(t, err)
	require.EqualValues(t, 2500, n)
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, 1, b.count("once.requests"))
}

// TestOldRequestsAreNotDoneAgain: those that were moved into the table have no answer.
func TestOldRequestsAreNotDoneAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := asked()
	b.exec(`INSERT INTO once.requests (id, expires_at) VALUES ($1, now() + interval '1 day')`, q.ID)
	_, _, err := b.do(q, "x", nil)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	require.Zero(t, b.count("effects"))
}

// TestOnlyHashesAreKept of what was asked, and equal inputs cannot be told.
func TestOnlyHashesAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		_, _, err := b.do(asked(), "sk-secret", nil)
		require.NoError(t, err)
	}
	var text string
	var different int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(r::text, ' '), count(DISTINCT input_hash) FROM once.requests r`).Scan(&text, &different))
	require.NotContains(t, text, "sk-secret")
	require.NotContains(t, text, "user:a")
	require.Equal(t, 2, different)
}
