package main

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// A ledger that a running service wrote verifies, also while it runs. After a superuser has changed one byte of one event,
// the auditor names the position and fails.
func TestAuditVerifyFindsOneChangedByte(t *testing.T) {
	t.Parallel()
	url, vendor := pgtest.URL(t), vendorServer(t)
	s := serve(t, url, nil)
	s.publish(vendor, "test/thinker", "thinker?tokens=30&reasoning=12&cached=4", tokenRates())
	a := s.open("20")
	for i := range 6 {
		require.Equal(t, http.StatusOK, s.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", i%2 == 0)).status)
	}
	var head client.LedgerHead
	s.ask(http.MethodGet, "/console/v1/ledger/head", operatorToken, nil).decode(t, &head)
	require.NoError(t, s.WaitFor(t.Context(), int64(head.Position)), "every read model is at the end")
	environ := []string{"DATABASE_URL=" + url}
	result := decoded[auditdb.Result](t, do(t, environ, "audit", "verify", "--json"))
	require.True(t, result.OK)
	require.Equal(t, "0", result.Log.TrialBalance[0].Amount)
	for _, table := range result.Tables {
		require.Equal(t, result.Log.Position, table.Position, table.Name)
	}
	text := do(t, nil, "audit", "verify", "--database", url)
	require.Contains(t, text, "Everything agrees.")
	require.Regexp(t, `views\.journal_entries_v2 +13 `, text)
	require.Regexp(t, `trial balance +0 +USD`, text)
	require.Regexp(t, `\d+ events/s`, text)

	position := strconv.FormatInt(result.Log.Position-3, 10)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `SET session_replication_role = replica`)
	require.NoError(t, err)
	tag, err := conn.Exec(t.Context(), `UPDATE ledger.events SET actor = overlay(actor placing 'K' from 1 for 1) WHERE position = $1`, position)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
	require.NoError(t, conn.Close(t.Context()))

	c := call(t.Context(), environ, "audit", "verify")
	require.Equal(t, exitFailure, c.code)
	require.Contains(t, c.err, "the ledger does not verify: one finding, at position "+position+" (leaf_mismatch)")
	require.Regexp(t, `(?m)^`+position+` +leaf_mismatch +wallet-`, c.out)
	c = call(t.Context(), environ, "audit", "verify", "--json")
	require.Equal(t, exitFailure, c.code)
	result = decoded[auditdb.Result](t, c.out)
	require.False(t, result.OK)
	require.Equal(t, position, strconv.FormatInt(result.Log.Findings[0].Position, 10))
}

func TestAuditVerifyRefusesContradictions(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--findings", "0"}, {"--data", "x", "--database", "y"}} {
		c := call(t.Context(), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}, append([]string{"audit", "verify"}, args...)...)
		require.Equal(t, exitUsage, c.code, c.err)
	}
	c := call(t.Context(), nil, "audit", "verify", "--database", "postgres://u:hunter2@[bad")
	require.Equal(t, exitFailure, c.code)
	require.NotContains(t, c.err, "hunter2")
}
