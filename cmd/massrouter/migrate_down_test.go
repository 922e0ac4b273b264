package main

import (
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// TestRecordsAreNotDroppedByTheWay: the audit trail and the events are dropped only when both the loss of data and that of the record are confirmed; a refusal
// changes nothing.
func TestRecordsAreNotDroppedByTheWay(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := serve(t, url, nil)
	do(t, []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}, "wallet", "open")
	require.NoError(t, s.stop())
	environ := []string{"DATABASE_URL=" + url}
	at, err := schema.Read(t.Context(), url)
	require.NoError(t, err)
	const trailBegins = 27
	later := 0
	for _, m := range at.Migrations {
		if m.Version > trailBegins {
			later++
		}
	}
	past := strconv.Itoa(later + 1)
	entries := func() (n int) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM audit.entries`).Scan(&n))
		return n
	}
	before := entries()
	require.Positive(t, before)
	down := func(args ...string) called {
		return call(t.Context(), environ, append([]string{"migrate", "down", "--yes-lose-data"}, args...)...)
	}
	refused := func(got called, flags, not string) {
		t.Helper()
		require.Equal(t, exitUsage, got.code, got.err)
		require.Contains(t, got.err, flags)
		require.NotContains(t, got.err, not)
		now, err := schema.Read(t.Context(), url)
		require.NoError(t, err)
		require.Equal(t, at, now)
		require.Equal(t, before, entries(), "it leaves no entry either")
	}
	refused(down("--steps", past), "add --drop-audit-trail", "--drop-ledger")
	refused(down("--steps", past, "--drop-ledger"), "add --drop-audit-trail", "--drop-ledger")
	refused(down("--steps", "0"), "add --drop-ledger and --drop-audit-trail", "!")
	refused(down("--steps", "1000"), "add --drop-ledger and --drop-audit-trail", "!")
	refused(down("--steps", "0", "--drop-audit-trail"), "add --drop-ledger", "--drop-audit-trail")
	refused(down("--steps", "0", "--drop-ledger"), "add --drop-audit-trail", "--drop-ledger")
	refused(call(t.Context(), environ, "migrate", "down", "--steps", "0", "--drop-ledger", "--drop-audit-trail"), "--yes-lose-data", "add --drop")

	kept := down("--steps", strconv.Itoa(later))
	require.Equal(t, exitOK, kept.code, kept.err)
	require.Regexp(t, `(?m)^0027 +audit +applied$`, kept.out)
	require.Equal(t, before+2, entries(), "what was there, and the command")
	gone := down("--drop-audit-trail")
	require.Equal(t, exitOK, gone.code, gone.err)
	require.Regexp(t, `(?m)^0027 +audit +missing$`, gone.out)
	require.Equal(t, exitUsage, down("--steps", "0", "--drop-audit-trail").code)
	all := down("--steps", "0", "--drop-ledger")
	require.Equal(t, exitOK, all.code, all.err)
	require.Contains(t, all.out, "at version 0 of")
}
