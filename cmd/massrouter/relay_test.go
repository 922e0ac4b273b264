package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/redistest"
)

// TestOperatorsFollowTheRelay reads a bus, and publishes a part of the log again.
func TestOperatorsFollowTheRelay(t *testing.T) {
	t.Parallel()
	database, server := pgtest.URL(t), redistest.Start(t)
	environ := []string{"DATABASE_URL=" + database, "BUS_URL=" + server.URL()}
	s := serve(t, database, func(c *config.Config) { c.Bus.BusURL = config.NewSecret(server.URL()) })
	s.open("7")
	const name = "redis:massrouter.events"
	position := func() (lines []relayLine) {
		require.NoError(t, json.Unmarshal([]byte(do(t, environ, "relay", "status", "--json")), &lines))
		return lines
	}
	await(t, func() bool { l := position(); return len(l) == 1 && l[0].Position == 3 })
	line := position()[0]
	require.Equal(t, name, line.Name)
	require.Equal(t, "publishing", line.State)
	require.Zero(t, line.Lag)
	require.NotNil(t, line.PublishedAt)
	require.Contains(t, do(t, environ, "relay", "status"), name)

	tailed := strings.Split(strings.TrimSpace(do(t, environ, "relay", "tail", "--group", "looking", "--limit", "3", "--json")), "\n")
	require.Len(t, tailed, 3)
	for i, text := range tailed {
		var m messageLine
		require.NoError(t, json.Unmarshal([]byte(text), &m))
		require.Equal(t, strconv.Itoa(i+1), m.Metadata["position"])
		require.Contains(t, string(m.Payload), m.ID)
	}

	require.Contains(t, do(t, environ, "relay", "seek", name, "1"), "moved from 3 to 1")
	again := do(t, environ, "relay", "tail", "--group", "looking", "--limit", "2")
	require.Contains(t, again, "wallet.topped_up.v1")
	require.Contains(t, again, "apikey.issued.v1")

	for want, args := range map[string][]string{
		"not_found":       {"relay", "seek", "kafka:massrouter.events", "0"},
		"invalid_request": {"relay", "seek", name, "99"},
	} {
		result := call(t.Context(), environ, args...)
		require.Equal(t, exitFailure, result.code)
		require.Contains(t, result.err, want)
	}
	require.Equal(t, exitUsage, call(t.Context(), environ, "relay", "seek", name, "x").code)
	require.Equal(t, exitUsage, call(t.Context(), environ, "relay", "tail").code)
	require.Equal(t, exitUsage, call(t.Context(), nil, "relay", "tail", "--group", "g").code)
}
