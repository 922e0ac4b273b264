package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
)

// process is the program in a process of its own.
type process struct {
	cmd   *exec.Cmd
	first startedLine
	ended chan error
}

// spawn starts the program and waits for the line that says where it listens.
func spawn(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.CommandContext(t.Context(), self, args...), ended: make(chan error, 1)}
	p.cmd.Env = append(append(os.Environ(), asMain+"=1"), environ...)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	err = json.NewDecoder(out).Decode(&p.first)
	go func() {
		_, _ = io.Copy(io.Discard, out) // ends with the process
		p.ended <- p.cmd.Wait()
	}()
	require.NoError(t, err)
	return p
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

func TestFirstSignalFinishesCallsAndTheSecondDoesNot(t *testing.T) {
	t.Parallel()
	url, vendor := pgtest.URL(t), vendorServer(t)
	home := serve(t, url, nil) // keeps the read models
	home.publish(vendor, "test/short", "short?tokens=40&between=20ms", tokenRates())
	home.publish(vendor, "test/endless", "endless?tokens=100&between=1s", tokenRates())
	a := home.open("1")
	start := func() (*process, *service) {
		p := spawn(t, []string{
			"DATABASE_URL=" + url, "MASSROUTER_OPERATOR_TOKEN=" + operatorToken, "MASSROUTER_JOURNAL_DIR=" + t.TempDir(),
			"MASSROUTER_VENDOR_KEY_SIM=" + vendorSecret, "MASSROUTER_LISTEN=127.0.0.1:0", "MASSROUTER_OPS_LISTEN=127.0.0.1:0",
		}, "serve", "--json")
		away := *home
		away.base = p.first.BaseURL
		return p, &away
	}

	p, away := start()
	running := away.stream("test/short", a.secret)
	p.signal(t, syscall.SIGTERM)
	require.True(t, strings.HasSuffix(running.finish(), "data: [DONE]\n\n"))
	require.NoError(t, <-p.ended)
	_, charged := findCall(t, events(t, url), running.hold())
	require.Positive(t, charged.Position)

	p, away = start()
	running = away.stream("test/endless", a.secret)
	p.signal(t, syscall.SIGINT)
	awaitClosed(t, away.base) // the first one has arrived: two at once would count as one
	p.signal(t, syscall.SIGINT)
	var exit *exec.ExitError
	require.ErrorAs(t, <-p.ended, &exit)
	require.Equal(t, exitFailure, exit.ExitCode())
	_, err := io.ReadAll(running.in)
	require.Error(t, err, "the stream was cut")
	require.NoError(t, running.response.Body.Close())
}
