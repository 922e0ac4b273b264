package auditlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestStrangersAreForgottenInBatches: of many, only those of before the time, and nobody who was signed in; entries that have no link yet, too. What is
// left is still proved.
func TestStrangersAreForgottenInBatches(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	l := New(pool)
	record := func(name string, n int, actor string, person uuid.UUID) {
		for i := range n {
			ctx := trail.With(t.Context(), trail.NewScope(trail.Who{Operation: "SignIn", Actor: actor, Person: person, Address: fmt.Sprintf("%s-%d", name, i), UserAgent: "a browser"}))
			require.NoError(t, l.Record(ctx, trail.Change{Result: trail.Refused}))
		}
	}
	const strangers, batch = 7, 3
	record("stranger", strangers-2, "", uuid.Nil)
	record("stranger-at-an-account", 2, "", uuid.New())
	somebody := uuid.New()
	record("known", 2, trail.Of("user", somebody), somebody)
	require.NoError(t, l.Record(t.Context(), trail.Change{Action: "nothing personal"}))
	_, err := l.Seal(t.Context())
	require.NoError(t, err)
	record("waiting", 1, "", uuid.Nil)
	var before time.Time
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&before))
	record("young", 2, "", uuid.Nil)
	hash := func() []byte {
		var found []Finding
		s, err := Verify(t.Context(), pool, nil, func(f Finding) { found = append(found, f) })
		require.NoError(t, err)
		require.Empty(t, found)
		return s.Hash
	}
	chained := hash()

	n, err := l.forgetStrangers(t.Context(), before, batch)
	require.NoError(t, err)
	require.EqualValues(t, strangers+1, n)
	require.Equal(t, chained, hash())
	var left string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT string_agg(e::text, ' ') FROM audit.entries e`).Scan(&left))
	require.NotContains(t, left, "stranger-")
	require.NotContains(t, left, "waiting-")
	for _, kept := range []string{"known-0", "known-1", "young-0", "young-1"} {
		require.Contains(t, left, kept)
	}
	n, err = l.ForgetStrangers(t.Context(), before)
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = l.Seal(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, chained, hash(), "what was erased before it had a link is chained")
}
