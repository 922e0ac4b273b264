package account_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestManyOldSignUps: those that nobody has proved are all forgotten at the next look, however many; newer ones are not.
func TestManyOldSignUps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SignUp(t.Context(), wish(email, secret)))
	_, err := b.pool.Exec(t.Context(), `INSERT INTO identity.sign_ups (sign_up_id, email, name, language, zone, password, created_at)
		SELECT gen_random_uuid(), '', '', 'en', 'UTC', '', created_at - interval '7 days 1 second' FROM identity.sign_ups, generate_series(1, 2500)`)
	require.NoError(t, err)
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(2500), n)
	require.Equal(t, 1, b.count("identity.sign_ups"))
}
