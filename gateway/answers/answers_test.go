package answers_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const secret = "sk-mr-v1-of-the-caller" //nolint:gosec // opens nothing

type bundle struct {
	*answers.Store
	pool *pgxpool.Pool
	key  uuid.UUID
}

func setup(t *testing.T) bundle {
	t.Helper()
	pool := pgtest.New(t)
	return bundle{Store: answers.New(pool), pool: pool, key: uuid.New()}
}

func (b bundle) claim(t *testing.T, token, body string) answers.Claim {
	t.Helper()
	c, err := answers.NewClaim(b.key, token, []byte(body), uuid.New())
	require.NoError(t, err)
	return c
}

// take claims a token that nobody has.
func (b bundle) take(t *testing.T, token, body string) answers.Claim {
	t.Helper()
	c := b.claim(t, token, body)
	kept, err := b.Claim(t.Context(), c, secret, time.Minute)
	require.NoError(t, err)
	require.Nil(t, kept)
	return c
}

// age moves everything that is stored into the past.
func (b bundle) age(t *testing.T, by string) {
	t.Helper()
	_, err := b.pool.Exec(t.Context(), `UPDATE gateway.answers SET lease_until = lease_until - $1::interval, expires_at = expires_at - $1::interval`, by)
	require.NoError(t, err)
}

func answer(body string) answers.Answer {
	return answers.Answer{Streamed: true, Body: []byte(body), Settlement: []byte(`{"charge":1}`)}
}

func TestTheFirstAnswerIsGivenAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.take(t, "token", "body")
	require.NoError(t, b.Keep(t.Context(), first, secret, answer("data: hello\n\n")))

	again := b.claim(t, "token", "body")
	for _, settled := range []bool{false, true} {
		kept, err := b.Claim(t.Context(), again, secret, time.Minute)
		require.NoError(t, err)
		require.Equal(t, &answers.Answer{
			Generation: first.Generation, Streamed: true, Body: []byte("data: hello\n\n"),
			Settlement: []byte(`{"charge":1}`), Settled: settled,
		}, kept)
		require.NoError(t, b.Settled(t.Context(), first))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	running := b.take(t, "running", "body")
	kept := b.take(t, "kept", "body")
	require.NoError(t, b.Keep(t.Context(), kept, secret, answer("x")))
	large := b.take(t, "large", "body")
	require.NoError(t, b.Keep(t.Context(), large, secret, answer(strings.Repeat("x", answers.MaxBody+1))))

	for name, row := range map[string]struct {
		token, body, secret string
		want                domain.Code
	}{
		"still running":      {"running", "body", secret, domain.CodeInProgress},
		"running, otherwise": {"running", "other", secret, domain.CodeIdempotencyConflict},
		"kept, otherwise":    {"kept", "other", secret, domain.CodeIdempotencyConflict},
		"too large":          {"large", "body", secret, answers.CodeTooLarge},
		"another secret":     {"kept", "body", "sk-mr-v1-rotated", answers.CodeUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := b.Claim(t.Context(), b.claim(t, row.token, row.body), row.secret, time.Minute)
			require.Equal(t, row.want, domain.CodeOf(err))
			require.Nil(t, got)
			if row.want == domain.CodeInProgress {
				var e *domain.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "2", e.Details["retry_after"])
			}
		})
	}
	other := b
	other.key = uuid.New()
	other.take(t, "kept", "body") // another key's token is another token
	require.NoError(t, b.Renew(t.Context(), running, time.Hour))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", strings.Repeat("a", 256), "a\nb", "é", "a\x7f", "a\x00"} {
		_, err := answers.NewClaim(uuid.New(), token, nil, uuid.New())
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%q", token)
	}
	for _, token := range []string{"a", strings.Repeat("a", 255), " ~", "018f-uuid"} {
		_, err := answers.NewClaim(uuid.New(), token, nil, uuid.New())
		require.NoError(t, err, "%q", token)
	}
}

func TestFailuresFreeTheToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.take(t, "token", "body")
	require.NoError(t, b.Free(t.Context(), first))
	require.ErrorIs(t, b.Free(t.Context(), first), answers.ErrLost)
	second := b.take(t, "token", "another body")
	require.NoError(t, b.Keep(t.Context(), second, secret, answer("x")))
	require.ErrorIs(t, b.Free(t.Context(), second), answers.ErrLost, "an answer is not freed")
}

func TestALeaseThatEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.take(t, "token", "body")
	require.NoError(t, b.Renew(t.Context(), first, 10*time.Minute))
	b.age(t, "9 minutes")
	_, err := b.Claim(t.Context(), b.claim(t, "token", "body"), secret, time.Minute)
	require.Equal(t, domain.CodeInProgress, domain.CodeOf(err), "it was renewed")
	b.age(t, "2 minutes")
	second := b.take(t, "token", "body")
	require.NotEqual(t, first.Generation, second.Generation)

	require.ErrorIs(t, b.Keep(t.Context(), first, secret, answer("late")), answers.ErrLost)
	require.ErrorIs(t, b.Renew(t.Context(), first, time.Minute), answers.ErrLost)
	require.ErrorIs(t, b.Free(t.Context(), first), answers.ErrLost)
	require.ErrorIs(t, b.Settled(t.Context(), first), answers.ErrLost)
	require.NoError(t, b.Keep(t.Context(), second, secret, answer("mine")))
}

func TestOneOfManyGetsTheToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	var mine, running, other atomic.Int64
	for range 40 {
		c := b.claim(t, "token", "body")
		wg.Go(func() {
			_, err := b.Claim(t.Context(), c, secret, time.Minute)
			switch domain.CodeOf(err) {
			case "":
				mine.Add(1)
			case domain.CodeInProgress:
				running.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int64{1, 39, 0}, []int64{mine.Load(), running.Load(), other.Load()})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	settled, unsettled := b.take(t, "settled", "body"), b.take(t, "unsettled", "body")
	for _, c := range []answers.Claim{settled, unsettled} {
		require.NoError(t, b.Keep(t.Context(), c, secret, answer("x")))
	}
	require.NoError(t, b.Settled(t.Context(), settled))
	b.take(t, "running", "body")
	b.age(t, "23 hours")
	n, err := b.PurgeAll(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	b.age(t, "2 hours")
	fresh := b.take(t, "fresh", "body")
	n, err = b.PurgeAll(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(2), n, "an answer whose charge is not sent stays")
	require.NoError(t, b.Renew(t.Context(), fresh, time.Minute))
	b.take(t, "settled", "another body")

	kept, err := b.Claim(t.Context(), b.claim(t, "unsettled", "body"), secret, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "x", string(kept.Body))
}

func TestAnExpiredAnswerMakesRoom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.take(t, "token", "body")
	require.NoError(t, b.Keep(t.Context(), first, secret, answer("x")))
	require.NoError(t, b.Settled(t.Context(), first))
	b.age(t, "25 hours")
	b.take(t, "token", "another body")
}

func TestUnsettled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, large := b.take(t, "first", "body"), b.take(t, "large", "body")
	b.take(t, "running", "body")
	require.NoError(t, b.Keep(t.Context(), first, secret, answer("x")))
	require.NoError(t, b.Keep(t.Context(), large, secret, answer(strings.Repeat("x", answers.MaxBody+1))))
	list, err := b.Unsettled(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, list, "their runs may still be at it")

	b.age(t, "2 minutes")
	list, err = b.Unsettled(t.Context(), 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []answers.Unsettled{
		{Claim: first, Settlement: []byte(`{"charge":1}`)}, {Claim: large, Settlement: []byte(`{"charge":1}`)},
	}, list)
	require.NoError(t, b.Settled(t.Context(), list[0].Claim))
	list, err = b.Unsettled(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestThePlatformCannotReadAnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.take(t, "my token", "my body")
	require.NoError(t, b.Keep(t.Context(), c, secret, answer("my answer")))
	var row []byte
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT convert_to(a::text, 'UTF8') || sealed || salt FROM gateway.answers a`).Scan(&row))
	for _, text := range []string{"my token", "my body", "my answer", secret} {
		require.False(t, bytes.Contains(row, []byte(text)), text)
	}

	for _, damage := range []string{
		`sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)`,
		`salt = set_byte(salt, 0, get_byte(salt, 0) # 1)`,
		`generation_id = gen_random_uuid()`,
	} {
		tx, err := b.pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), `CREATE TABLE gateway.copy AS SELECT * FROM gateway.answers`)
		require.NoError(t, err)
		require.NoError(t, tx.Commit(t.Context()))
		_, err = b.pool.Exec(t.Context(), `UPDATE gateway.answers SET `+damage)
		require.NoError(t, err)
		_, err = b.Claim(t.Context(), b.claim(t, "my token", "my body"), secret, time.Minute)
		require.Equal(t, answers.CodeUnreadable, domain.CodeOf(err), damage)
		_, err = b.pool.Exec(t.Context(), `TRUNCATE gateway.answers; INSERT INTO gateway.answers SELECT * FROM gateway.copy; DROP TABLE gateway.copy`)
		require.NoError(t, err)
	}
	kept, err := b.Claim(t.Context(), b.claim(t, "my token", "my body"), secret, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "my answer", string(kept.Body))
}

func TestWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.claim(t, "token", "body")
	b.pool.Close()
	_, err := b.Claim(t.Context(), c, secret, time.Minute)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	for _, err := range []error{
		b.Keep(t.Context(), c, secret, answer("x")), b.Free(t.Context(), c), b.Settled(t.Context(), c), b.Renew(t.Context(), c, time.Minute),
	} {
		require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	}
	_, err = b.Unsettled(t.Context(), 1)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	_, err = b.PurgeAll(t.Context())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	require.Error(t, b.Keep(t.Context(), c, "", answer("x")), "there is nothing to seal with")
}
