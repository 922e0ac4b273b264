package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

func TestPlainHTTPIsForLoopback(t *testing.T) {
	t.Parallel()
	for listen, fine := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "localhost:8080": true, "0.0.0.0:8080": false, "[::]:8080": false, ":8080": false, "10.0.0.1:8080": false,
	} {
		_, _, err := config.Load(serving("MASSROUTER_LISTEN="+listen), config.RoleServe)
		require.Equal(t, fine, err == nil, listen)
		if !fine {
			require.ErrorContains(t, err, "MASSROUTER_INSECURE_HTTP", listen)
		}
		_, _, err = config.Load(serving("MASSROUTER_LISTEN="+listen, "MASSROUTER_INSECURE_HTTP=true"), config.RoleServe)
		require.NoError(t, err, "it was said")
	}
}

func TestProtection(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rules")
	require.NoError(t, os.WriteFile(rules, []byte("deny 203.0.113.0/24\n"), 0o600))
	c, _, err := config.Load(serving("MASSROUTER_TRUSTED_PROXIES=10.0.0.0/8, 192.0.2.1", "MASSROUTER_ADDRESS_RULES_FILE="+rules, "MASSROUTER_LIMIT_SIGN_IN=5"), config.RoleServe)
	require.NoError(t, err)
	proxies, err := c.Protect.Proxies()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}, proxies)
	require.Equal(t, int64(5), c.Protect.SignInRate)
	require.NoError(t, os.WriteFile(rules, []byte("deny everybody"), 0o600))
	for _, wrong := range []string{
		"TRUSTED_PROXIES=all", "ADDRESS_RULES_FILE=" + rules, "ADDRESS_RULES_FILE=" + rules + ".not", "LIMIT_ADDRESS=-1", "LIMIT_CONSOLE=-1",
		"LIMIT_SIGN_IN=1000000001", "LIMIT_USER=-1", "LIMIT_KEY_QUERIES=-1", "FIREWALL=on", "TLS_CERT_FILE=" + rules,
	} {
		name, _, _ := strings.Cut(wrong, "=")
		_, _, err := config.Load(serving("MASSROUTER_"+wrong), config.RoleServe)
		require.ErrorContains(t, err, "MASSROUTER_"+name, wrong)
	}
	_, _, err = config.Load(serving("MASSROUTER_TLS_CERT_FILE="+rules, "MASSROUTER_TLS_KEY_FILE="+rules), config.RoleServe)
	require.ErrorContains(t, err, "MASSROUTER_TLS_CERT_FILE")
}
