package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/projections"
)

// The service serves its own log: a witness who has nothing but its address cosigns it, and a charge's receipt, asked for over
// HTTP, verifies offline.
func TestTheLogAndItsReceiptsAreServed(t *testing.T) {
	t.Parallel()
	vendor, p := vendorServer(t), serveProved(t)
	p.publish(vendor, "test/thinker", "thinker?tokens=30&reasoning=12&cached=4", tokenRates())
	a := p.open("20")
	answer := p.ask(http.MethodPost, "/v1/chat/completions", a.secret, chat("test/thinker", false))
	require.Equal(t, http.StatusOK, answer.status)
	path := "/console/v1/charges/" + answer.header.Get("X-Generation-Id") + "/receipt"
	got := p.ask(http.MethodGet, path, operatorToken, nil)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	verified := decoded[receiptResult](t, do(t, nil, "audit", "verify-receipt", write(t, "receipt.json", string(got.body)), "--key", p.publicKey, "--json"))
	require.True(t, verified.OK)
	require.Contains(t, verified.Body, answer.header.Get("X-Generation-Id")[len("gen-"):])
	require.Equal(t, http.StatusUnauthorized, p.ask(http.MethodGet, path, a.secret, nil).status)

	witnessKey := filepath.Join(t.TempDir(), "witness.key")
	do(t, nil, "audit", "keygen", "witness.test/w2", "--out", witnessKey)
	do(t, p.environ(), "audit", "checkpoint")
	witnessed := decoded[witnessResult](t, do(t, nil, "audit", "witness", "--state", filepath.Join(t.TempDir(), "state"), "--key", witnessKey,
		"--log", p.base+"/log", "--log-key", p.publicKey, "--json"))
	require.Positive(t, witnessed.Size)
	report := decoded[audit.TileReport](t, do(t, nil, "audit", "verify-tiles", "--log", p.base+"/log", "--key", p.publicKey, "--json"))
	require.Empty(t, report.Wrong)
	require.GreaterOrEqual(t, report.Checkpoint.Size, witnessed.Size)
	require.Equal(t, http.StatusNotFound, p.ask(http.MethodGet, "/log/.lock", "", nil).status)
	require.Equal(t, "public, max-age=1", p.ask(http.MethodGet, "/log/checkpoint", "", nil).header.Get("Cache-Control"))
}

// The read models' state is there for operators and for probers.
func TestReadModelsSayWhereTheyStand(t *testing.T) {
	t.Parallel()
	p := serveProved(t)
	p.open("20")
	var head client.LedgerHead
	p.ask(http.MethodGet, "/console/v1/ledger/head", operatorToken, nil).decode(t, &head)
	require.NoError(t, p.WaitFor(t.Context(), int64(head.Position)))

	var listed client.ProjectionList
	p.ask(http.MethodGet, "/console/v1/projections", operatorToken, nil).decode(t, &listed)
	require.Len(t, listed.Items, len(projections.All()))
	p.base = p.OpsURL()
	probed := p.ask(http.MethodGet, "/readyz", "", nil)
	var ready struct {
		Status  string
		Details struct {
			Projections []struct {
				Name, State   string
				Position, Lag json.Number
			}
		}
	}
	probed.decode(t, &ready)
	require.Equal(t, "ok", ready.Status)
	require.Len(t, ready.Details.Projections, len(projections.All()))
	for _, one := range ready.Details.Projections {
		require.Equal(t, "live", one.State)
		require.True(t, slices.ContainsFunc(listed.Items, func(l client.ProjectionBuild) bool { return l.Name == one.Name }))
	}
}
