package session_test

import (
	"context"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const (
	patience = 30 * time.Second
	tick     = 10 * time.Millisecond
)

type bench struct {
	*session.Store
	pool *pgxpool.Pool
	mu   sync.Mutex
	at   time.Time
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{pool: pgtest.New(t), at: time.Now()}
	b.Store = session.New(b.pool, b.now)
	return b
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) step(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func (b *bench) user(t *testing.T) uuid.UUID {
	t.Helper()
	id := uuid.New()
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, $2, 'en', 'UTC', now())`,
		id, id.String()+"@example.com")
	require.NoError(t, err)
	return id
}

var laptop = session.Device{UserAgent: "a browser", Address: netip.MustParseAddr("203.0.113.9")}

func (b *bench) begin(t *testing.T, user uuid.UUID, audience token.Audience) (made session.Session, secret string) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		var err error
		made, secret, err = b.Begin(t.Context(), tx, user, audience, []string{"pwd"}, laptop, session.Origin{})
		return err
	}))
	return made, secret
}

func requireRefused(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err), "%v", err)
}

// TestEachTokenOnce: the next one follows from each; an old one within the leeway makes the same one again, and ends the session after it.
func TestEachTokenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.user(t)
	made, first := b.begin(t, user, token.Portal)
	got, second, reused, err := b.Refresh(t.Context(), first, token.Portal, session.Device{UserAgent: "another", Address: netip.MustParseAddr("::ffff:198.51.100.1")})
	require.NoError(t, err)
	require.False(t, reused)
	require.NotEqual(t, first, second)
	require.Equal(t, made.ID, got.ID)
	require.Equal(t, "another", got.Device.UserAgent)
	require.Equal(t, "198.51.100.1", got.Device.Address.String())

	b.step(session.Leeway - time.Millisecond)
	_, again, _, err := b.Refresh(t.Context(), first, token.Portal, laptop)
	require.NoError(t, err)
	require.Equal(t, second, again)
	_, third, _, err := b.Refresh(t.Context(), second, token.Portal, laptop)
	require.NoError(t, err)
	require.NotEqual(t, second, third)

	b.step(time.Millisecond)
	got, next, reused, err := b.Refresh(t.Context(), first, token.Portal, laptop)
	requireRefused(t, err)
	require.True(t, reused)
	require.Equal(t, user, got.User)
	require.Empty(t, next)
	for _, secret := range []string{second, third, first} {
		_, _, reused, err = b.Refresh(t.Context(), secret, token.Portal, laptop)
		requireRefused(t, err)
		require.False(t, reused, "it is told once")
	}
	all, err := b.List(t.Context(), user)
	require.NoError(t, err)
	require.Empty(t, all)
}

// TestRenewing: the new token follows from none before, whether used or not, and from it the next ones do.
func TestRenewing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made, first := b.begin(t, b.user(t), token.Portal)
	_, second, _, err := b.Refresh(t.Context(), first, token.Portal, laptop)
	require.NoError(t, err)
	b.step(time.Second)
	renew := func(id uuid.UUID) (got session.Session, secret string, err error) {
		err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) (err error) {
			got, secret, err = b.Renew(t.Context(), tx, id, []string{"otp", "pwd"}, session.Device{UserAgent: "another"})
			return err
		})
		return got, secret, err
	}
	got, own, err := renew(made.ID)
	require.NoError(t, err)
	require.Equal(t, made.ID, got.ID)
	require.Equal(t, []string{"otp", "pwd"}, got.Factors)
	require.Equal(t, made.CreatedAt, got.CreatedAt)
	require.Equal(t, made.ExpiresAt, got.ExpiresAt)
	require.Equal(t, domain.Moment(b.now()), got.AuthenticatedAt)
	require.Equal(t, "another", got.Device.UserAgent)
	for _, old := range []string{first, second} {
		_, _, reused, err := b.Refresh(t.Context(), old, token.Portal, laptop)
		require.Equal(t, session.CodeRenewed, domain.CodeOf(err))
		require.False(t, reused)
	}
	_, next, _, err := b.Refresh(t.Context(), own, token.Portal, laptop)
	require.NoError(t, err)
	b.step(session.Leeway)
	for _, old := range []string{first, second} {
		_, _, reused, err := b.Refresh(t.Context(), old, token.Portal, laptop)
		requireRefused(t, err)
		require.False(t, reused)
	}
	_, last, _, err := b.Refresh(t.Context(), next, token.Portal, laptop)
	require.NoError(t, err)
	_, _, reused, err := b.Refresh(t.Context(), own, token.Portal, laptop)
	requireRefused(t, err)
	require.True(t, reused, "the new ones are used once, as any")
	_, _, _, err = b.Refresh(t.Context(), last, token.Portal, laptop)
	requireRefused(t, err)
	_, _, err = renew(made.ID)
	requireRefused(t, err)
	_, _, err = renew(uuid.New())
	requireRefused(t, err)
}

// TestManyAtOnce: however many requests of a browser refresh at the same time, all get the same next token.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, secret := b.begin(t, b.user(t), token.Portal)
	nexts := make(chan string, 20)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, next, _, err := b.Refresh(context.Background(), secret, token.Portal, laptop)
			if err != nil {
				next = err.Error()
			}
			nexts <- next
		})
	}
	group.Wait()
	close(nexts)
	next := <-nexts
	for other := range nexts {
		require.Equal(t, next, other)
	}
	_, _, _, err := b.Refresh(t.Context(), next, token.Portal, laptop)
	require.NoError(t, err)
}

func TestWhatIsNoTokenHere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.user(t)
	_, portal := b.begin(t, user, token.Portal)
	_, admin := b.begin(t, user, token.Admin)
	for _, secret := range []string{"", "x", portal + "x"} {
		_, _, _, err := b.Refresh(t.Context(), secret, token.Portal, laptop)
		requireRefused(t, err)
	}
	_, _, _, err := b.Refresh(t.Context(), portal, token.Admin, laptop)
	requireRefused(t, err)
	_, _, _, err = b.Refresh(t.Context(), admin, token.Portal, laptop)
	requireRefused(t, err)

	b.step(time.Hour) // an operator's session ends when it is not used
	_, _, _, err = b.Refresh(t.Context(), admin, token.Admin, laptop)
	requireRefused(t, err)
	_, next, _, err := b.Refresh(t.Context(), portal, token.Portal, laptop)
	require.NoError(t, err)
	for range 3 { // used or not, a session has an end
		b.step(29 * 24 * time.Hour)
		_, next, _, err = b.Refresh(t.Context(), next, token.Portal, laptop)
		require.NoError(t, err)
	}
	b.step(4 * 24 * time.Hour)
	_, _, _, err = b.Refresh(t.Context(), next, token.Portal, laptop)
	requireRefused(t, err)
}

func TestEnding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, other := b.user(t), b.user(t)
	one, secret := b.begin(t, user, token.Portal)
	two, _ := b.begin(t, user, token.Portal)
	three, _ := b.begin(t, user, token.Portal)
	theirs, _ := b.begin(t, other, token.Portal)
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(b.End(t.Context(), user, theirs.ID, session.Revoked)), "nobody ends another's session")
	require.NoError(t, b.End(t.Context(), user, one.ID, session.SignedOut))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(b.End(t.Context(), user, one.ID, session.SignedOut)))
	_, _, _, err := b.Refresh(t.Context(), secret, token.Portal, laptop)
	requireRefused(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		n, err := b.EndAll(t.Context(), tx, user, three.ID, session.Credentials)
		require.Equal(t, int64(1), n)
		return err
	}))
	all, err := b.List(t.Context(), user)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, three, all[0])
	require.NotEqual(t, two.ID, all[0].ID)
	all, err = b.List(t.Context(), other)
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestTooManySessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.user(t)
	var secrets []string
	for range session.MaxPerUser + 2 {
		_, secret := b.begin(t, user, token.Portal)
		secrets = append(secrets, secret)
		b.step(time.Second)
	}
	all, err := b.List(t.Context(), user)
	require.NoError(t, err)
	require.Len(t, all, session.MaxPerUser)
	for n, secret := range secrets {
		_, _, _, err := b.Refresh(t.Context(), secret, token.Portal, laptop)
		require.Equal(t, n < 2, err != nil, n)
	}
	var entries int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries e JOIN identity.sessions s ON e.target = 'session:' || s.session_id
		WHERE s.revoked_for = 'too_many' AND e.person = $1 AND e.body -> 'after' ->> 'ended_for' = 'too_many'`, user).Scan(&entries))
	require.Equal(t, 2, entries, "each that ended has an entry")
}

// TestEveryProcessLearns: a session that ends is known by others, also by one that begins after it, and by one that cannot look any more.
func TestEveryProcessLearns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.user(t)
	kept, _ := b.begin(t, user, token.Portal)
	gone, _ := b.begin(t, user, token.Portal)
	process := func() *session.Ended {
		r := session.NewEnded(b.pool, func(err error) { t.Error(err) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		return r
	}
	has := func(r *session.Ended, s session.Session) bool {
		ended, err := r.Has(t.Context(), s.ID)
		require.NoError(t, err)
		return ended
	}
	running := process()
	require.False(t, has(running, gone))
	require.NoError(t, b.End(t.Context(), user, gone.ID, session.Revoked))
	require.Eventually(t, func() bool { return has(running, gone) }, patience, tick)
	require.False(t, has(running, kept))
	require.Eventually(t, func() bool { return has(process(), gone) }, patience, tick)
	asleep := session.NewEnded(b.pool, nil) // has never looked
	require.True(t, has(asleep, gone))
	require.False(t, has(asleep, kept))
	require.True(t, has(asleep, session.Session{ID: uuid.New()}), "a session that is erased has ended")
}
