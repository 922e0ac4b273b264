package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// asMain makes this test binary behave as the program itself, for tests that need separate processes.
const asMain = "TEST_AS_MASSROUTER"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(kafkatest.Stop(pgtest.Main(m, kafkatest.Goroutines()...)))
}

// called is what a command line did.
type called struct {
	code     int
	out, err string
}

// call runs a command line in this process with an environment of its own.
func call(ctx context.Context, environ []string, args ...string) called {
	var out, errs bytes.Buffer
	code := run(ctx, args, shell{in: strings.NewReader(""), out: &out, err: &errs, environ: environ})
	return called{code: code, out: out.String(), err: errs.String()}
}

// do is call for what has to succeed; it returns the standard output.
func do(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	c := call(t.Context(), environ, args...)
	require.Equal(t, exitOK, c.code, "%v\n%s%s", args, c.out, c.err)
	return c.out
}
