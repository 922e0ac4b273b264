package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// register is where keys are looked up.
type register struct {
	mu   sync.Mutex
	keys map[uuid.UUID]auth.Key
	// What changes are found by; old is given as of the beginning when it is set.
	positions map[uuid.UUID]int64
	state     auth.State
	old       *auth.Key
	passes    int

	err     error
	lookups atomic.Int64
	gate    chan struct{} // when set, look-ups wait for it
}

func (r *register) Key(_ context.Context, id uuid.UUID) (auth.Key, auth.State, error) {
	r.lookups.Add(1)
	if r.gate != nil {
		<-r.gate
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return auth.Key{}, auth.State{}, r.err
	}
	key, ok := r.keys[id]
	if !ok {
		return auth.Key{}, auth.State{}, domain.Errorf(domain.CodeKeyNotFound, "no such key")
	}
	state := r.state
	if r.old != nil {
		key, state = *r.old, auth.State{Build: state.Build}
	}
	return key, state, nil
}

func (r *register) Changed(_ context.Context, after int64) ([]uuid.UUID, auth.State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.passes++ }()
	if r.err != nil {
		return nil, auth.State{}, r.err
	}
	var ids []uuid.UUID
	for id, position := range r.positions {
		if position > after {
			ids = append(ids, id)
		}
	}
	return ids, r.state, nil
}

func (r *register) set(k auth.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Position++
	r.keys[k.ID], r.positions[k.ID] = k, r.state.Position
}

// passed waits until the changed keys have been asked for once more, from now on.
func (r *register) passed(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	before := r.passes
	r.mu.Unlock()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.passes > before+1 // one may have been under way
	}, 10*time.Second, time.Millisecond)
}

type bundle struct {
	*auth.Authenticator
	keys   *register
	secret string
	key    auth.Key
	clock  *atomic.Int64 // seconds
}

func (b *bundle) step(d time.Duration) { b.clock.Add(int64(d)) }

func setup(t *testing.T, size int) *bundle {
	t.Helper()
	clock := new(atomic.Int64)
	now := func() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC).Add(time.Duration(clock.Load())) }
	id := uuid.New()
	secret := apikey.Secret(id, [32]byte{1, 2, 3})
	key := auth.Key{ID: id, WalletID: uuid.New(), Hash: apikey.HashSecret(secret)}
	keys := &register{keys: map[uuid.UUID]auth.Key{id: key}, positions: map[uuid.UUID]int64{id: 1}, state: auth.State{Build: 1, Position: 1}}
	return &bundle{Authenticator: auth.New(keys, auth.Options{Now: now, Size: size, Watch: time.Millisecond}), keys: keys, secret: secret, key: key, clock: clock}
}

// otherEnd is a secret with another last digit.
func otherEnd(secret string) string {
	const last = "0"
	if cut, ok := strings.CutSuffix(secret, last); ok {
		return cut + "1"
	}
	return secret[:len(secret)-1] + last
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, row := range map[string]struct {
		change func(*auth.Key)
		secret func(string) string
		want   domain.Code
	}{
		"right":             {want: ""},
		"of nobody":         {secret: func(string) string { return apikey.Secret(uuid.New(), [32]byte{}) }, want: domain.CodeKeyInvalid},
		"wrong":             {secret: otherEnd, want: domain.CodeKeyInvalid},
		"of another kind":   {secret: func(string) string { return "sk-or-v1-abcdef" }, want: domain.CodeKeyInvalid},
		"empty":             {secret: func(string) string { return "" }, want: domain.CodeKeyInvalid},
		"in capitals":       {secret: strings.ToUpper, want: domain.CodeKeyInvalid},
		"revoked":           {change: func(k *auth.Key) { k.Revoked = true }, want: domain.CodeKeyRevoked},
		"disabled":          {change: func(k *auth.Key) { k.Disabled = true }, want: domain.CodeKeyDisabled},
		"expired":           {change: func(k *auth.Key) { k.Limits.ExpiresAt = at }, want: domain.CodeKeyExpired},
		"expires later":     {change: func(k *auth.Key) { k.Limits.ExpiresAt = at.Add(time.Second) }, want: ""},
		"old, in its grace": {change: func(k *auth.Key) { k.OldHash, k.Hash, k.OldHashUntil = k.Hash, apikey.Hash{1}, at.Add(time.Second) }, want: ""},
		"old, grace over":   {change: func(k *auth.Key) { k.OldHash, k.Hash, k.OldHashUntil = k.Hash, apikey.Hash{1}, at }, want: domain.CodeKeyInvalid},
		"old, never rotated": {
			change: func(k *auth.Key) { k.OldHash, k.Hash = k.Hash, apikey.Hash{1} }, want: domain.CodeKeyInvalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 0)
			if row.change != nil {
				row.change(&b.key)
				b.keys.set(b.key)
			}
			if row.secret != nil {
				b.secret = row.secret(b.secret)
			}
			key, err := b.Secret(t.Context(), b.secret)
			require.Equal(t, row.want, domain.CodeOf(err))
			if row.want == "" {
				require.Equal(t, b.key.ID, key.ID)
				require.Equal(t, b.key.WalletID, key.WalletID)
				return
			}
			require.Zero(t, key)
			if b.secret != "" {
				require.NotContains(t, err.Error(), b.secret, "secrets are never repeated")
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	for header, want := range map[string]domain.Code{
		"Bearer " + b.secret:     "",
		"bearer " + b.secret:     "",
		"Bearer   " + b.secret:   "",
		"":                       domain.CodeUnauthenticated,
		"Bearer":                 domain.CodeUnauthenticated,
		"Bearer ":                domain.CodeUnauthenticated,
		"Basic " + b.secret:      domain.CodeUnauthenticated,
		b.secret:                 domain.CodeUnauthenticated,
		"Bearer " + b.secret[1:]: domain.CodeKeyInvalid,
	} {
		_, secret, err := b.Header(t.Context(), header)
		require.Equal(t, want, domain.CodeOf(err), "%q", strings.ReplaceAll(header, b.secret, "…"))
		if want == "" {
			require.Equal(t, b.secret, secret)
		}
	}
}

func TestWhatIsRememberedAndForHowLong(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	check := func(want domain.Code, lookups int64) {
		t.Helper()
		_, err := b.Secret(t.Context(), b.secret)
		require.Equal(t, want, domain.CodeOf(err))
		require.Equal(t, lookups, b.keys.lookups.Load())
	}
	check("", 1)
	check("", 1)
	b.key.Revoked = true
	b.keys.set(b.key)
	b.step(5*time.Second - time.Nanosecond)
	check("", 1)
	b.step(time.Nanosecond)
	check(domain.CodeKeyRevoked, 2)

	stranger := apikey.Secret(uuid.New(), [32]byte{})
	for _, step := range []struct {
		after   time.Duration
		lookups int64
	}{{0, 3}, {time.Second - 1, 3}, {1, 4}} {
		b.step(step.after)
		_, err := b.Secret(t.Context(), stranger)
		require.Equal(t, domain.CodeKeyInvalid, domain.CodeOf(err))
		require.Equal(t, step.lookups, b.keys.lookups.Load())
	}
}

// watched is a bundle whose keys are watched.
func watched(t *testing.T) *bundle {
	t.Helper()
	b := setup(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	b.keys.passed(t)
	return b
}

func (b *bundle) ask(t *testing.T) (domain.Code, int64) {
	t.Helper()
	_, err := b.Secret(t.Context(), b.secret)
	return domain.CodeOf(err), b.keys.lookups.Load()
}

func (b *bundle) expect(t *testing.T, want domain.Code, lookups int64) {
	t.Helper()
	code, n := b.ask(t)
	require.Equal(t, want, code)
	require.Equal(t, lookups, n)
}

func TestAWatchedKeyIsRememberedUntilItChanges(t *testing.T) {
	t.Parallel()
	b := watched(t)
	b.expect(t, "", 1)
	for range 59 {
		b.step(5 * time.Second)
		b.keys.passed(t)
		b.expect(t, "", 1)
	}
	b.key.Revoked = true
	b.keys.set(b.key)
	b.keys.passed(t)
	b.expect(t, domain.CodeKeyRevoked, 2)
	b.step(5 * time.Minute)
	b.keys.passed(t)
	b.expect(t, domain.CodeKeyRevoked, 3)
}

func TestAKeyIsBelievedForSecondsWhileItsChangesCannotBeSeen(t *testing.T) {
	t.Parallel()
	b := watched(t)
	b.expect(t, "", 1)
	b.step(4 * time.Second)
	b.keys.passed(t)
	b.keys.mu.Lock()
	b.keys.err = errors.New("connection refused")
	b.keys.mu.Unlock()
	b.keys.passed(t)
	b.step(5*time.Second - 1)
	b.expect(t, "", 1)
	b.step(1)
	b.expect(t, domain.CodeUnavailable, 2)
}

// An answer that was on its way while the key changed may be older than the last look at changes: no later look finds that change.
func TestALookUpThatWasOvertakenIsBelievedForSeconds(t *testing.T) {
	t.Parallel()
	b := watched(t)
	old := b.key
	b.key.Revoked = true
	b.keys.set(b.key)
	b.keys.passed(t)
	b.keys.mu.Lock()
	b.keys.old = &old
	b.keys.mu.Unlock()
	b.expect(t, "", 1)
	b.keys.mu.Lock()
	b.keys.old = nil
	b.keys.mu.Unlock()
	b.step(5 * time.Second)
	b.keys.passed(t)
	b.expect(t, domain.CodeKeyRevoked, 2)
}

func TestKeysOfAnotherBuildAreLookedUpAgain(t *testing.T) {
	t.Parallel()
	b := watched(t)
	b.expect(t, "", 1)
	b.keys.mu.Lock()
	b.keys.state.Build++
	b.keys.mu.Unlock()
	b.keys.passed(t)
	b.step(5 * time.Second)
	b.keys.passed(t)
	b.expect(t, "", 2)
	b.step(5 * time.Second)
	b.keys.passed(t)
	b.expect(t, "", 2)
}

func TestADatabaseThatIsAwayIsNotRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	b.keys.err = errors.New("connection refused")
	_, err := b.Secret(t.Context(), b.secret)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	b.keys.mu.Lock()
	b.keys.err = nil
	b.keys.mu.Unlock()
	_, err = b.Secret(t.Context(), b.secret)
	require.NoError(t, err)
}

func TestOneLookUpForAllWhoAsk(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	b.keys.gate = make(chan struct{})
	first, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := b.Secret(first, b.secret)
		gaveUp <- err
	}()
	cancel()
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(<-gaveUp), "who goes away waits no longer")
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 20 {
		wg.Go(func() {
			if _, err := b.Secret(t.Context(), b.secret); err != nil {
				failed.Add(1)
			}
		})
	}
	close(b.keys.gate)
	wg.Wait()
	require.Zero(t, failed.Load())
	require.LessOrEqual(t, b.keys.lookups.Load(), int64(2))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, 3)
	ask := func(secret string) {
		t.Helper()
		_, err := b.Secret(t.Context(), secret)
		require.NotEqual(t, domain.CodeUnavailable, domain.CodeOf(err))
	}
	ask(b.secret)
	for range 50 {
		ask(apikey.Secret(uuid.New(), [32]byte{}))
	}
	before := b.keys.lookups.Load()
	ask(b.secret)
	require.Equal(t, before, b.keys.lookups.Load(), "made-up secrets push no real key out")

	others := make([]string, 3)
	for i := range others {
		id := uuid.New()
		others[i] = apikey.Secret(id, [32]byte{9})
		b.keys.set(auth.Key{ID: id, Hash: apikey.HashSecret(others[i])})
		ask(others[i])
	}
	before = b.keys.lookups.Load()
	ask(others[0])
	require.Equal(t, before, b.keys.lookups.Load())
	ask(b.secret)
	require.Equal(t, before+1, b.keys.lookups.Load(), "the one used longest ago was forgotten")
}

func TestScopesAreTheKeysRateLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	key, err := b.Secret(t.Context(), b.secret)
	require.NoError(t, err)
	require.Nil(t, key.Scopes())
	b.key.Limits.Rates = apikey.RateLimits{RequestsPerMinute: 1, TokensPerMinute: 2, Parallel: 3}
	b.keys.set(b.key)
	b.step(5 * time.Second)
	key, err = b.Secret(t.Context(), b.secret)
	require.NoError(t, err)
	own := limit.Scope{Kind: "key", ID: key.ID.String(), Limits: limit.Limits{Requests: 1, Tokens: 2, Parallel: 3}}
	require.Equal(t, []limit.Scope{own}, key.Scopes())
	key.Limits.MemberID, key.MemberRates, key.WalletRates = uuid.New(), apikey.RateLimits{Parallel: 4}, apikey.RateLimits{TokensPerMinute: 5}
	require.Equal(t, []limit.Scope{
		own,
		{Kind: "member", ID: key.WalletID.String() + "/" + key.Limits.MemberID.String(), Limits: limit.Limits{Parallel: 4}},
		{Kind: "wallet", ID: key.WalletID.String(), Limits: limit.Limits{Tokens: 5}},
	}, key.Scopes())
	key.Limits.Rates, key.MemberRates = apikey.RateLimits{}, apikey.RateLimits{}
	require.Len(t, key.Scopes(), 1)
}
