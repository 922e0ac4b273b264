package totp_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/totp"
)

// TestAgainstTheRFC: the last six digits of RFC 6238's test values for SHA-1.
func TestAgainstTheRFC(t *testing.T) {
	t.Parallel()
	secret := totp.Secret("12345678901234567890")
	require.Equal(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", secret.Text())
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, err := secret.Check(code, time.Unix(at, 0), 0)
		require.NoError(t, err, at)
		require.Equal(t, at/30, step)
		for off, good := range map[int64]bool{-60: false, -30: true, 30: true, 60: false} {
			_, err := secret.Check(code, time.Unix(at/30*30+off, 0), 0)
			require.Equal(t, good, err == nil, "%d %d", at, off)
		}
		_, err = secret.Check(code, time.Unix(at, 0), at/30)
		require.ErrorIs(t, err, totp.ErrWrong, "it was used")
		_, err = secret.Check(code, time.Unix(at, 0), at/30+1)
		require.ErrorIs(t, err, totp.ErrWrong, "a later one was used")
		_, err = secret.Check(code, time.Unix(at, 0), at/30-1)
		require.NoError(t, err)
	}
	for _, code := range []string{"", "28708", "2870820", "28708 ", "２８７０８２"} {
		_, err := secret.Check(code, time.Unix(59, 0), 0)
		require.ErrorIs(t, err, totp.ErrWrong, code)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	a, b := totp.New(), totp.New()
	require.NotEqual(t, a, b)
	require.Len(t, a, 20)
	u, err := url.Parse(a.URI("Mass Router", "ann+x@example.com"))
	require.NoError(t, err)
	require.Equal(t, "otpauth", u.Scheme)
	require.Equal(t, "totp", u.Host)
	require.Equal(t, "/Mass Router:ann+x@example.com", u.Path)
	require.Equal(t, a.Text(), u.Query().Get("secret"))
	require.Equal(t, "Mass Router", u.Query().Get("issuer"))
}
