package credential_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/limit"
)

// TestKeysAreNeverShown, however a credential is printed, encoded or logged.
func TestKeysAreNeverShown(t *testing.T) {
	t.Parallel()
	c := credential.Credential{ID: "acme/eu", Secret: "correct-horse", Limits: limit.Limits{Requests: 5}}
	encoded, err := json.Marshal(map[string]any{"one": c, "many": []credential.Credential{c}})
	require.NoError(t, err)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "credential", c)
	for _, shown := range []string{
		string(encoded), logged.String(), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x %d", c, c, c, c, c, c, c),
		fmt.Sprintf("%v %+v", &c, []credential.Credential{c}), fmt.Sprint(c.Scope()),
	} {
		require.NotContains(t, shown, "horse")
		require.Contains(t, shown, "acme/eu")
	}
	require.Equal(t, limit.Scope{Kind: "vendor_key", ID: "acme/eu", Limits: limit.Limits{Requests: 5}}, c.Scope())
}

// TestNamesSayNothingOfKeys: they are short, the same every time, differ for different keys and vendors, and pass their own check.
func TestNamesSayNothingOfKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9_-]{20,60}`).Draw(t, "secret")
		name := credential.Name("acme", secret)
		require.Len(t, name, 10)
		require.Equal(t, name, credential.Name("acme", secret))
		require.NotEqual(t, name, credential.Name("zenith", secret))
		require.NotEqual(t, name, credential.Name("acme", secret+"x"))
		require.NoError(t, credential.CheckName(name, secret))
		require.Equal(t, "acme/"+name, credential.ID("acme", "", secret))
		require.Equal(t, "acme/eu", credential.ID("acme", "eu", secret))
	})
}

func TestNamesAreChecked(t *testing.T) {
	t.Parallel()
	const secret = "sk-Live-0123456789"
	for _, name := range []string{"eu", "eu-1", "a.b_c", "sk", "live"} {
		require.NoError(t, credential.CheckName(name, secret), name)
	}
	for _, name := range []string{"", "EU", "a b", "-a", strings.Repeat("a", 41), "sk-live-0123456789", "0123456789", "my-sk-live-0123456789", "a\x00"} {
		err := credential.CheckName(name, secret)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		if name != "" {
			require.NotContains(t, err.Error(), name)
		}
	}
}
