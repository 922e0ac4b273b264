package factor_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// boxes is a sealer that shows whether places are kept apart; the real one has tests of its own.
type boxes struct{}

func (boxes) mark(name string, owner uuid.UUID) []byte { return append([]byte(name), owner[:]...) }

func (b boxes) Seal(text []byte, name string, owner uuid.UUID) ([]byte, error) {
	sealed := append(b.mark(name, owner), text...)
	for i := range sealed {
		sealed[i] ^= 0xa5
	}
	return sealed, nil
}

func (b boxes) Open(sealed []byte, name string, owner uuid.UUID) ([]byte, error) {
	text := bytes.Clone(sealed)
	for i := range text {
		text[i] ^= 0xa5
	}
	rest, ok := bytes.CutPrefix(text, b.mark(name, owner))
	if !ok {
		return nil, errors.New("it was sealed for another place")
	}
	return rest, nil
}

type bench struct {
	*factor.Store
	t    *testing.T
	pool *pgxpool.Pool
	user uuid.UUID
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
	b := &bench{t: t, pool: pgtest.New(t), user: uuid.New(), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.Store = factor.New(b.pool, boxes{}, "MassRouter", b.now)
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, 'ann@example.com', 'en', 'UTC', now())`, b.user)
	require.NoError(t, err)
	return b
}

// code is what the app shows now.
func (b *bench) code(secret string) string {
	b.t.Helper()
	c, err := totp.GenerateCode(secret, b.now())
	require.NoError(b.t, err)
	return c
}

func (b *bench) check(typed string) error {
	return pgx.BeginFunc(context.Background(), b.pool, func(tx pgx.Tx) error { return b.CheckTOTP(context.Background(), tx, b.user, typed) })
}

func (b *bench) recover(typed string) (left int, err error) {
	err = pgx.BeginFunc(context.Background(), b.pool, func(tx pgx.Tx) error {
		left, err = b.CheckRecovery(context.Background(), tx, b.user, typed)
		return err
	})
	return left, err
}

func (b *bench) requireCode(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

func (b *bench) enrolled() (secret string, codes []string) {
	b.t.Helper()
	e, err := b.BeginTOTP(b.t.Context(), b.user, "ann@example.com")
	require.NoError(b.t, err)
	codes, err = b.ConfirmTOTP(b.t.Context(), b.user, b.code(e.Secret))
	require.NoError(b.t, err)
	b.step(time.Minute)
	return e.Secret, codes
}

func TestAnApp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.ConfirmTOTP(t.Context(), b.user, "000000")
	b.requireCode(domain.CodeNotFound, err)
	first, err := b.BeginTOTP(t.Context(), b.user, "ann@example.com")
	require.NoError(t, err)
	second, err := b.BeginTOTP(t.Context(), b.user, "ann@example.com")
	require.NoError(t, err)
	require.Contains(t, second.URI, second.Secret)
	b.requireCode(factor.CodeWrong, b.check(b.code(second.Secret))) // it does not count yet
	_, err = b.ConfirmTOTP(t.Context(), b.user, b.code(first.Secret))
	b.requireCode(factor.CodeWrong, err)
	methods, err := b.Of(t.Context(), b.pool, b.user)
	require.NoError(t, err)
	require.Empty(t, methods)
	codes, err := b.ConfirmTOTP(t.Context(), b.user, b.code(second.Secret))
	require.NoError(t, err)
	require.Len(t, codes, code.RecoveryCount)
	methods, err = b.Of(t.Context(), b.pool, b.user)
	require.NoError(t, err)
	require.Equal(t, []factor.Method{factor.TOTP, factor.Recovery}, methods)
	b.requireCode(factor.CodeWrong, b.check(b.code(second.Secret))) // it was used to confirm
	b.step(30 * time.Second)
	require.NoError(t, b.check(" "+b.code(second.Secret)[:3]+" "+b.code(second.Secret)[3:]))
	b.requireCode(factor.CodeWrong, b.check(b.code(second.Secret)))
	_, err = b.BeginTOTP(t.Context(), b.user, "ann@example.com")
	b.requireCode(domain.CodeConflict, err)
	for _, typed := range []string{"", "12345", "abcdef", strings.Repeat("1", 100)} {
		b.requireCode(factor.CodeWrong, b.check(typed))
	}

	var row []byte
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT secret FROM identity.totp`).Scan(&row))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(second.Secret)
	require.NoError(t, err)
	require.NotContains(t, string(row), string(raw))

	require.NoError(t, b.RemoveTOTP(t.Context(), b.user))
	b.requireCode(domain.CodeNotFound, b.RemoveTOTP(t.Context(), b.user))
	_, err = b.recover(codes[0])
	b.requireCode(factor.CodeWrong, err)
	_, err = b.RenewRecovery(t.Context(), b.user)
	b.requireCode(domain.CodeNotFound, err)
}

// TestASecretThatWaits: a secret whose first code nobody has shown is worth nothing after ten minutes, or five wrong ones, however many come at once.
func TestASecretThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begin := func() string {
		e, err := b.BeginTOTP(t.Context(), b.user, "ann@example.com")
		require.NoError(t, err)
		return e.Secret
	}
	late := begin()
	b.step(factor.EnrolmentLife)
	_, err := b.ConfirmTOTP(t.Context(), b.user, b.code(late))
	b.requireCode(domain.CodeNotFound, err)

	guessed := begin()
	const at = 40
	results := make(chan error, at)
	var group sync.WaitGroup
	for range at {
		group.Go(func() {
			_, err := b.ConfirmTOTP(context.Background(), b.user, "abcdef")
			results <- err
		})
	}
	group.Wait()
	close(results)
	looked := 0
	for err := range results {
		if domain.CodeOf(err) == factor.CodeWrong {
			looked++
			continue
		}
		b.requireCode(domain.CodeNotFound, err)
	}
	require.Equal(t, factor.MaxTries, looked)
	_, err = b.ConfirmTOTP(t.Context(), b.user, b.code(guessed))
	b.requireCode(domain.CodeNotFound, err)

	again := begin()
	for range factor.MaxTries - 1 {
		_, err = b.ConfirmTOTP(t.Context(), b.user, "abcdef")
		b.requireCode(factor.CodeWrong, err)
	}
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = b.ConfirmTOTP(t.Context(), b.user, b.code(again))
	require.NoError(t, err)
	b.step(factor.EnrolmentLife + time.Minute)
	n, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "what counts stays")
	require.NoError(t, b.check(b.code(again)))

	require.NoError(t, b.RemoveTOTP(t.Context(), b.user))
	begin()
	b.step(factor.EnrolmentLife + time.Second)
	n, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
}

// TestACodeIsGoodOnce: however many show it at the same time.
func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	secret, codes := b.enrolled()
	for _, try := range []func() error{
		func() error { return b.check(b.code(secret)) },
		func() error { _, err := b.recover(codes[3]); return err },
	} {
		var group sync.WaitGroup
		results := make(chan error, 10)
		for range 10 {
			group.Go(func() { results <- try() })
		}
		group.Wait()
		close(results)
		good := 0
		for err := range results {
			if err == nil {
				good++
				continue
			}
			b.requireCode(factor.CodeWrong, err)
		}
		require.Equal(t, 1, good)
	}
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, codes := b.enrolled()
	for n, c := range codes[:3] {
		left, err := b.recover(strings.ToLower(c))
		require.NoError(t, err)
		require.Equal(t, len(codes)-1-n, left)
	}
	fresh, err := b.RenewRecovery(t.Context(), b.user)
	require.NoError(t, err)
	_, err = b.recover(codes[5])
	b.requireCode(factor.CodeWrong, err)
	_, err = b.recover("")
	b.requireCode(factor.CodeWrong, err)
	for _, c := range fresh {
		_, err := b.recover(c)
		require.NoError(t, err)
	}
	methods, err := b.Of(t.Context(), b.pool, b.user)
	require.NoError(t, err)
	require.Equal(t, []factor.Method{factor.TOTP}, methods)
}
