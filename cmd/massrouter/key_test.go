package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestAKeyIsChangedRotatedAndStopped by the operators' commands, and what is not given stays as it is.
func TestAKeyIsChangedRotatedAndStopped(t *testing.T) {
	t.Parallel()
	s := serve(t, pgtest.URL(t), nil)
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	wallet := decoded[client.BalanceReceipt](t, do(t, environ, "wallet", "open", "--json")).WalletID.String()
	issued := decoded[client.SecretReceipt](t, do(t, environ, "key", "issue", wallet, "--name", "laptop", "--cap-day", "5", "--cap-total", "50", "--model", "acme/large",
		"--network", "127.0.0.0/8", "--requests-per-minute", "600", "--expires", "2090-01-01", "--json"))
	key := issued.KeyID.String()
	wait := func(out string) {
		t.Helper()
		require.NoError(t, s.WaitFor(t.Context(), int64(decoded[client.Receipt](t, out).Position)))
	}
	shows := func(want ...string) {
		t.Helper()
		shown := do(t, environ, "key", "show", key)
		for _, one := range want {
			require.Regexp(t, `(?m)^`+one+`$`, shown)
		}
	}
	require.NoError(t, s.WaitFor(t.Context(), int64(issued.Position)))
	shows("name +laptop", "state +active", "cap a day +5", "cap in all +50", "models +acme/large", `networks +127\.0\.0\.0/8`, "expires +2090-01-01 .*", "requests a minute +600")

	wait(do(t, environ, "key", "update", key, "--cap-day", "7.5", "--cap-total", "none", "--parallel", "3", "--json"))
	shows("name +laptop", `cap a day +7\.5`, "cap in all +none", "models +acme/large", `networks +127\.0\.0\.0/8`, "expires +2090-01-01 .*", "requests a minute +600")
	wait(do(t, environ, "key", "update", key, "--name", "desk", "--any-model", "--anywhere", "--expires", "none", "--cap-day", "none", "--requests-per-minute", "0", "--json"))
	shows("name +desk", "cap a day +none", "models +all", "networks +anywhere", "expires +none")
	wait(do(t, environ, "key", "update", key, "--model", "acme/a", "--model", "acme/b", "--network", "127.0.0.1/32", "--expires", "2091-02-03T00:00:00Z", "--json"))
	shows("models +acme/a, acme/b", `networks +127\.0\.0\.1/32`, "expires +2091-02-03 .*")

	second := decoded[client.SecretReceipt](t, do(t, environ, "key", "issue", wallet, "--name", "server", "--json"))
	require.NoError(t, s.WaitFor(t.Context(), int64(second.Position)))
	require.Regexp(t, `(?s)^key +label +name +state +issued +last used\n`+second.KeyID.String()+` +\S+ +server +active +.*\n`+key+` +\S+ +desk +active `, do(t, environ, "key", "list", wallet))
	require.Len(t, decoded[client.KeyPage](t, do(t, environ, "key", "list", wallet, "--json")).Items, 2)
	require.Equal(t, exitUsage, call(t.Context(), environ, "key", "list", "x").code)

	works := func(secret string) bool { return s.try("/api/v1/key", secret) == http.StatusOK }
	refused := func(secret string) bool {
		status := s.try("/api/v1/key", secret)
		return status == http.StatusUnauthorized || status == http.StatusForbidden
	}
	rotated := decoded[client.SecretReceipt](t, do(t, environ, "key", "rotate", key, "--grace", "1h", "--json"))
	require.Equal(t, key, rotated.KeyID.String())
	require.NotNil(t, rotated.OldSecretUntil)
	require.Eventually(t, func() bool { return works(rotated.Secret) }, patience, tick)
	require.True(t, works(issued.Secret))
	out := do(t, environ, "key", "rotate", key, "--grace", "0")
	last := regexp.MustCompile(`secret \(shown once\) +(\S+)`).FindStringSubmatch(out)
	require.Len(t, last, 2, out)
	require.Eventually(t, func() bool { return works(last[1]) && refused(rotated.Secret) && refused(issued.Secret) }, patience, tick)
	require.NotContains(t, do(t, environ, "key", "show", key, "--json"), last[1])

	require.Regexp(t, `^disabled +`+key, do(t, environ, "key", "disable", key, "--reason", "spends too much"))
	require.Eventually(t, func() bool { return refused(last[1]) }, patience, tick)
	shows("state +disabled", "reason +spends too much")
	require.Regexp(t, `^enabled +`+key, do(t, environ, "key", "enable", key))
	require.Eventually(t, func() bool { return works(last[1]) }, patience, tick)

	for _, args := range [][]string{
		{"update", "7"},
		{"update", key, "--cap-day", "much"},
		{"update", key, "--network", "here"},
		{"update", key, "--expires", "soon"},
		{"update", key, "--model", "a/b", "--any-model"},
		{"update", key, "--network", "10.0.0.0/8", "--anywhere"},
		{"rotate", key, "--grace", "1500ms"},
		{"rotate", key, "--grace", "-1s"},
		{"disable"},
		{"enable", "x"},
		{"show"},
	} {
		require.Equal(t, exitUsage, call(t.Context(), environ, append([]string{"key"}, args...)...).code, "%v", args)
	}
	unknown := strings.Repeat("0", 8) + key[8:]
	for _, args := range [][]string{{"show", unknown}, {"update", unknown, "--name", "x"}, {"rotate", unknown}, {"disable", unknown, "--reason", "x"}, {"enable", unknown}} {
		c := call(t.Context(), environ, append([]string{"key"}, args...)...)
		require.Equal(t, exitFailure, c.code, "%v", args)
		require.Contains(t, c.err, "not_found", "%v", args)
	}
	require.Regexp(t, `(?m)operator:token +operator +RotateKey +key:`+key+` +done`, do(t, environ, "audit", "trail", "list", "--action", "RotateKey"))
}
