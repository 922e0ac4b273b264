package config_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

// TestOAuth: services and networks are read, and what is wrong with them is said without their secrets.
func TestOAuth(t *testing.T) {
	t.Parallel()
	c, _, err := config.Load([]string{
		`MASSROUTER_OAUTH_PROVIDERS=[{"kind":"github","client_id":"a","client_secret":"topsecret"}]`, "MASSROUTER_OAUTH_ALLOW_NETWORKS=10.0.0.0/8, 127.0.0.1/32",
	}, config.RoleDev)
	require.NoError(t, err)
	require.Len(t, c.OAuth.Providers(), 1)
	require.Equal(t, "GitHub", c.OAuth.Providers()[0].Name)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}, c.OAuth.Reachable())

	_, _, err = config.Load([]string{`MASSROUTER_OAUTH_PROVIDERS=[{"kind":"github","client_secret":"topsecret"}]`, "MASSROUTER_OAUTH_ALLOW_NETWORKS=all"}, config.RoleDev)
	require.ErrorContains(t, err, "MASSROUTER_OAUTH_PROVIDERS")
	require.ErrorContains(t, err, "no client_id")
	require.ErrorContains(t, err, "MASSROUTER_OAUTH_ALLOW_NETWORKS")
	require.NotContains(t, err.Error(), "topsecret")
}
