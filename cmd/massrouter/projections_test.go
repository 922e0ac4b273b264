package main

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
)

// lineOf is the build of a projection in a slot.
func lineOf(t *testing.T, lines []projectionLine, name, slot string) projectionLine {
	t.Helper()
	for _, line := range lines {
		if line.Name == name && line.Slot == slot {
			return line
		}
	}
	require.Fail(t, "no such build", "%s %s in %v", slot, name, lines)
	return projectionLine{}
}

// An operator looks at the read models of a running service, checks them, rebuilds one, goes back, and takes a repaired one.
func TestReadModelsAreRebuiltBesideARunningService(t *testing.T) {
	t.Parallel()
	url, vendor := pgtest.URL(t), vendorServer(t)
	s := serve(t, url, nil)
	s.publish(vendor, "test/thinker", "thinker?tokens=30&reasoning=12&cached=4", tokenRates())
	a := s.open("20")
	for range 3 {
		require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", false)).status)
	}
	var head client.LedgerHead
	s.ask(http.MethodGet, "/console/v1/ledger/head", operatorToken, nil).decode(t, &head)
	require.NoError(t, s.WaitFor(t.Context(), int64(head.Position)))
	environ := []string{"DATABASE_URL=" + url}

	lines := decoded[[]projectionLine](t, do(t, environ, "projections", "list", "--json"))
	require.Len(t, lines, len(projections.All()))
	one := lineOf(t, lines, "balance", "live")
	require.Equal(t, []any{"live", 1, int64(head.Position), int64(0), int64(1), false},
		[]any{one.State, one.Build, one.Position, one.Lag, one.Rows, one.RowsEstimated})
	require.Regexp(t, `(?m)^balance +v1 +live 1 +live +\d+ +0 +1 +2\d\d\d-`, do(t, environ, "projections", "list"))
	before := decoded[digestLine](t, do(t, environ, "projections", "digest", "balance", "--json"))
	require.Equal(t, int64(head.Position), before.Position)
	require.Regexp(t, `digest +`+before.Digest, do(t, environ, "projections", "digest", "balance"))
	early := decoded[digestLine](t, do(t, environ, "projections", "digest", "balance", "--position", "1", "--json"))
	require.Equal(t, int64(1), early.Position)
	require.NotEqual(t, before.Digest, early.Digest)

	lines = decoded[[]projectionLine](t, do(t, environ, "projections", "rebuild", "balance", "--json"))
	require.Equal(t, 2, lineOf(t, lines, "balance", "live").Build)
	require.Equal(t, "kept", lineOf(t, lines, "balance", "kept").State)
	require.Equal(t, before, decoded[digestLine](t, do(t, environ, "projections", "digest", "balance", "--json")))
	require.Regexp(t, `(?m)^balance +v1 +live 1 `, do(t, environ, "projections", "rollback", "balance"))
	require.NotContains(t, do(t, environ, "projections", "drop", "balance"), "kept")
	require.Contains(t, call(t.Context(), environ, "projections", "rollback", "balance").err, "balance has no kept build")

	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `UPDATE views.balance_v1 SET credited_total = credited_total + 1`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	c := call(t.Context(), environ, "projections", "verify", "--json")
	require.Equal(t, exitFailure, c.code)
	require.Contains(t, c.err, "not what the log makes of it")
	for _, compared := range decoded[[]comparisonLine](t, c.out) {
		require.Equal(t, compared.Name != "balance", compared.Equal, compared.Name)
	}
	c = call(t.Context(), environ, "projections", "rebuild", "balance", "--json")
	require.Equal(t, exitFailure, c.code)
	require.Equal(t, []differenceLine{{"balance_v1", a.wallet.String(), "changed"}}, decoded[comparisonLine](t, c.out).Differences)
	require.Contains(t, c.err, "row "+a.wallet.String()+" of balance_v1 has other values")
	do(t, environ, "projections", "switch", "balance")
	require.Regexp(t, `^balance at position \d+: the same\n$`, do(t, environ, "projections", "verify", "balance"))
	require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", false)).status)
}

func TestProjectionsCommandsRefuseMistakes(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + pgtest.URL(t)}
	for _, args := range [][]string{{"rebuild"}, {"verify", "balance", "keys"}, {"digest", "balance", "--position", "0"}, {"switch", "a", "b"}} {
		require.Equal(t, exitUsage, call(t.Context(), environ, append([]string{"projections"}, args...)...).code, args)
	}
	for _, command := range []string{"rebuild", "switch", "rollback", "drop", "digest", "verify"} {
		c := call(t.Context(), environ, "projections", command, "nothing")
		require.Equal(t, exitFailure, c.code)
		require.Contains(t, c.err, `there is no projection "nothing"`)
	}
}
