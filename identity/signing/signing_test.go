package signing_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/signing"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// bound seals by turning the bits around, and binds to the place: real sealing has tests of its own.
type bound struct{}

func (bound) Seal(text []byte, name string, owner uuid.UUID) ([]byte, error) {
	sealed := append([]byte(name), owner[:]...)
	for _, c := range text {
		sealed = append(sealed, ^c)
	}
	return sealed, nil
}

func (bound) Open(sealed []byte, name string, owner uuid.UUID) ([]byte, error) {
	prefix := append([]byte(name), owner[:]...)
	if len(sealed) < len(prefix) || !slices.Equal(sealed[:len(prefix)], prefix) {
		return nil, errors.New("sealed for another place")
	}
	text := slices.Clone(sealed[len(prefix):])
	for i := range text {
		text[i] = ^text[i]
	}
	return text, nil
}

type bench struct {
	*signing.Store
	t    *testing.T
	pool *pgxpool.Pool
	mu   sync.Mutex
	at   time.Time
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

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.Store = signing.New(b.pool, bound{}, b.now)
	return b
}

// process is what one process would have loaded now.
func (b *bench) process() *token.Issuer {
	b.t.Helper()
	keys, err := b.Load(b.t.Context())
	require.NoError(b.t, err)
	issuer, err := token.NewIssuer("https://massrouter.example", b.now, keys...)
	require.NoError(b.t, err)
	return issuer
}

func (b *bench) token(i *token.Issuer) string {
	b.t.Helper()
	text, _, err := i.Issue(token.Claims{User: uuid.New(), Session: uuid.New(), Audience: token.Portal})
	require.NoError(b.t, err)
	return text
}

func TestTheFirstKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all := make([]string, 8)
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			keys, err := b.Load(t.Context())
			if err == nil && len(keys) == 1 {
				all[i] = keys[0].ID
			}
		})
	}
	group.Wait()
	require.NotEmpty(t, all[0])
	require.Len(t, slices.Compact(all), 1)
	var seed []byte
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT seed FROM identity.signing_keys`).Scan(&seed))
	require.NotContains(t, string(seed), all[0])
}

func TestNoTokenIsRefusedWhileKeysChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.process() // looks for keys again half a minute late
	made, err := b.Rotate(t.Context())
	require.NoError(t, err)
	require.Equal(t, b.now().Add(signing.Notice), made.SignsFrom)
	_, err = b.Rotate(t.Context())
	require.Equal(t, domain.CodeConflict, domain.CodeOf(err))
	first := b.token(old)

	b.step(30 * time.Second)
	keys, err := b.List(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.True(t, keys[0].Signs)
	require.Equal(t, made.Thumb, keys[1].Thumb)
	old = b.process()

	b.step(signing.Notice - 30*time.Second)
	fresh := b.process()
	second := b.token(fresh)
	_, err = old.Check(second, token.Portal)
	require.NoError(t, err, "a process that has not looked since knows the new key")
	keys, err = b.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, made.Thumb, keys[0].Thumb)
	require.True(t, keys[0].Signs)
	third := b.token(old) // still signs with the old key
	_, err = fresh.Check(first, token.Portal)
	require.NoError(t, err)

	b.step(token.Life)
	_, err = b.process().Check(third, token.Portal)
	require.NoError(t, err, "within the leeway of clocks")
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	b.step(5 * time.Minute)
	keys, err = b.List(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	n, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.NotNil(t, b.process())
}

func TestAKeyThatWasMovedDoesNotOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.process()
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.signing_keys SET key_id = $1`, uuid.New())
	require.NoError(t, err)
	_, err = b.Load(t.Context())
	require.ErrorContains(t, err, "another place")
}
