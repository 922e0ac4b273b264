package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
)

func TestEventsArePrintedInTheirOrder(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := serve(t, database, nil)
	s.open("7")
	environ := []string{"DATABASE_URL=" + database}
	lines := strings.Split(strings.TrimSpace(do(t, environ, "events", "tail", "--json")), "\n")
	require.Len(t, lines, 3)
	for i, want := range []string{"wallet.opened.v1", "wallet.topped_up.v1", "apikey.issued.v1"} {
		var line eventLine
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &line))
		require.EqualValues(t, i+1, line.Position)
		require.Equal(t, want, line.Type)
		require.True(t, json.Valid(line.Body))
		require.Len(t, line.LeafHash, 64)
	}
	require.Contains(t, do(t, environ, "events", "tail", "--from", "2", "--limit", "1"), "wallet.topped_up")
	only := do(t, environ, "events", "tail", "--type", "apikey.issued.v1")
	require.Equal(t, 1, strings.Count(only, "\n"))
	require.Equal(t, exitUsage, call(t.Context(), environ, "events", "tail", "--from", "0").code)
}

// lineWriter hands over each line that is written.
type lineWriter struct {
	lines chan string
	rest  []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.lines <- string(line)
		w.rest = rest
	}
}

func TestEventsAreFollowedAsTheyCome(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := serve(t, database, nil)
	ctx, cancel := context.WithCancel(t.Context())
	out, code := &lineWriter{lines: make(chan string, 10)}, make(chan int, 1)
	go func() {
		sh := shell{in: strings.NewReader(""), out: out, err: io.Discard, environ: []string{"DATABASE_URL=" + database}}
		code <- run(ctx, []string{"events", "tail", "--follow"}, sh)
	}()
	s.open("7")
	for _, want := range []string{"wallet.opened", "wallet.topped_up", "apikey.issued"} {
		require.Contains(t, <-out.lines, want)
	}
	cancel()
	require.Equal(t, exitOK, <-code, "stopping is no failure")
}

func TestProjectionsAreListedAndRebuilt(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	s := serve(t, database, nil)
	a := s.open("7")
	environ := []string{"DATABASE_URL=" + database}
	names := map[string]bool{}
	for _, line := range decoded[[]projectionLine](t, do(t, environ, "projections", "list", "--json")) {
		names[line.Name] = true
		require.Equal(t, "live", line.State)
		require.EqualValues(t, 3, line.Position)
	}
	require.Len(t, names, len(projections.All()))

	builds := decoded[[]projectionLine](t, do(t, environ, "projections", "rebuild", "balance", "--json"))
	require.Len(t, builds, 2, "the new one, and the one that was live before")
	require.EqualValues(t, 3, builds[0].Position)
	require.Equal(t, "7", s.wallet(a).Posted.String())
	unknown := call(t.Context(), environ, "projections", "rebuild", "karma")
	require.Equal(t, exitFailure, unknown.code)
	require.Contains(t, unknown.err, `no projection "karma"`)
}
