package phone_test

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const number = "+8613800138000"

type bench struct {
	*phone.Store
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

func setup(t *testing.T, caps phone.Caps) *bench {
	t.Helper()
	b := &bench{t: t, pool: pgtest.New(t), at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.Store = phone.New(b.pool, phone.Options{Now: b.now, Countries: []string{"86", "49", "1"}, Excluded: []string{"1876", "1900"}, Caps: caps})
	return b
}

func (b *bench) member() uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, $2, 'en', 'UTC', now())`, id, id.String()+"@example.com")
	require.NoError(b.t, err)
	return id
}

func from(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)}) }

// code is what the newest message of somebody says.
func (b *bench) code(user uuid.UUID) string {
	b.t.Helper()
	var id uuid.UUID
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT code_id FROM identity.phone_codes WHERE user_id = $1 ORDER BY asked_at DESC LIMIT 1`, user).Scan(&id))
	digits, err := b.MakeCode(b.t.Context(), id)
	require.NoError(b.t, err)
	return digits
}

func (b *bench) refused(code domain.Code, err error) {
	b.t.Helper()
	require.Equal(b.t, code, domain.CodeOf(err), "%v", err)
}

func wrong(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+5)%10 }, code)
}

// TestTriesAndTimes: five tries, ten minutes, once; of many at once no more than five are looked at, and a right one counts once.
func TestTriesAndTimes(t *testing.T) {
	t.Parallel()
	b := setup(t, phone.Caps{})
	user := b.member()
	require.NoError(t, b.Add(t.Context(), user, number, from(1)))
	b.refused(factor.CodeWrong, b.Confirm(t.Context(), user, "000000"))
	first := b.code(user)
	right := b.code(user) // the next attempt
	if first != right {
		b.refused(factor.CodeWrong, b.Confirm(t.Context(), user, first))
	}
	b.step(phone.Life)
	b.refused(factor.CodeWrong, b.Confirm(t.Context(), user, right))

	require.NoError(t, b.Add(t.Context(), user, number, from(1)))
	right = b.code(user)
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() { _ = b.Confirm(t.Context(), user, wrong(right)) })
	}
	group.Wait()
	var tries int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT tries FROM identity.phone_codes WHERE user_id = $1`, user).Scan(&tries))
	require.Equal(t, phone.MaxTries, tries)
	b.refused(factor.CodeWrong, b.Confirm(t.Context(), user, right))

	b.step(5 * time.Minute)
	require.NoError(t, b.Add(t.Context(), user, number, from(1)))
	right = b.code(user)
	done := make(chan error, 4)
	for range 4 {
		group.Go(func() { done <- b.Confirm(t.Context(), user, right) })
	}
	group.Wait()
	close(done)
	good := 0
	for err := range done {
		if err == nil {
			good++
			continue
		}
		b.refused(factor.CodeWrong, err)
	}
	require.Equal(t, 1, good)
}

// TestCapsAreExact also for many at once; the refusals are the same.
func TestCapsAreExact(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		caps     phone.Caps
		one, net bool // number, network
		reset    time.Duration
	}{
		"number":  {phone.Caps{NumberHour: 3}, true, false, time.Hour},
		"day":     {phone.Caps{NumberDay: 3}, true, false, 24 * time.Hour},
		"network": {phone.Caps{NetworkHour: 3}, false, true, time.Hour},
		"country": {phone.Caps{CountryDay: 3}, false, false, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, row.caps)
			ask := func(n int, user uuid.UUID) error {
				to, at := "+49151000000"+strconv.Itoa(10+n), from(n)
				if row.one {
					to = number
				}
				if row.net {
					at = from(1)
				}
				return b.Add(t.Context(), user, to, at)
			}
			var group sync.WaitGroup
			done := make(chan error, 10)
			for n := range 10 {
				user := b.member()
				group.Go(func() { done <- ask(n, user) })
			}
			group.Wait()
			close(done)
			good := 0
			for err := range done {
				if err == nil {
					good++
					continue
				}
				b.refused(phone.CodeTooMany, err)
			}
			require.Equal(t, 3, good)
			var rows int
			require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.messages`).Scan(&rows))
			require.Equal(t, 3, rows)
			b.step(row.reset)
			require.NoError(t, ask(11, b.member()))
			b.step(30 * 24 * time.Hour)
			gone, err := b.Prune(t.Context())
			require.NoError(t, err)
			require.Positive(t, gone)
		})
	}
}

// TestANumberOfThree: a fourth account learns that the number is taken only by its code.
func TestANumberOfThree(t *testing.T) {
	t.Parallel()
	b := setup(t, phone.Caps{})
	for n := range phone.MaxAccounts + 1 {
		user := b.member()
		require.NoError(t, b.Add(t.Context(), user, number, from(n)))
		err := b.Confirm(t.Context(), user, b.code(user))
		if n < phone.MaxAccounts {
			require.NoError(t, err)
			continue
		}
		b.refused(domain.CodeConflict, err)
	}
}

// TestTheFirstFactorBeginsAnew: networks that were known by a password alone are not any more; those in which a code was shown stay when the number changes.
func TestTheFirstFactorBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, phone.Caps{})
	user := b.member()
	for _, known := range []int{0, 1} {
		_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.factor_networks (user_id, network, used_at) VALUES ($1, '203.0.113.0/24', $2)`, user, b.now())
		require.NoError(t, err)
		require.NoError(t, b.Add(t.Context(), user, number, from(1)))
		require.NoError(t, b.Confirm(t.Context(), user, b.code(user)))
		var left int
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.factor_networks`).Scan(&left))
		require.Equal(t, known, left)
		b.step(time.Hour)
	}
}

// TestThePauseDoubles between messages that nobody answers.
func TestThePauseDoubles(t *testing.T) {
	t.Parallel()
	b := setup(t, phone.Caps{NumberHour: 100, NumberDay: 100})
	user := b.member()
	for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		require.NoError(t, b.Add(t.Context(), user, number, from(1)))
		b.step(wait - time.Second)
		b.refused(phone.CodeTooMany, b.Add(t.Context(), user, number, from(1)))
		b.step(time.Second)
	}
	b.refused(domain.CodeInvalid, b.Add(t.Context(), user, "+33123456789", from(1)))
	require.False(t, phone.New(b.pool, phone.Options{}).On())
}

// TestPartsOfACountryCanBeExcluded: North America is listed, and its dear parts are not.
func TestPartsOfACountryCanBeExcluded(t *testing.T) {
	t.Parallel()
	b := setup(t, phone.Caps{})
	for i, row := range []struct {
		number string
		sent   bool
	}{{"+12125550100", true}, {"+18765550100", false}, {"+1 (900) 555-0100", false}, {"+4915150000000", true}} {
		err := b.Add(t.Context(), b.member(), row.number, from(i))
		if row.sent {
			require.NoError(t, err, row.number)
			continue
		}
		b.refused(domain.CodeInvalid, err)
	}
	var n int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.messages`).Scan(&n))
	require.Equal(t, 2, n)
}
