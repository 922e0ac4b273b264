package load_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
	"github.com/massrouter/massrouter/internal/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func target(t *testing.T, server *httptest.Server, model string, stream bool) load.Target {
	t.Helper()
	t.Cleanup(server.Close)
	return ask(t, "openai", server.URL, load.Question{Model: model, Content: "Hello", MaxTokens: 64, Stream: stream})
}

func ask(t *testing.T, dialect, url string, q load.Question) load.Target {
	t.Helper()
	d, ok := load.DialectOf(dialect)
	require.True(t, ok)
	to, err := d.Target(url, []string{"key"}, q)
	require.NoError(t, err)
	return to
}

func simulator(t *testing.T, model string, stream bool) (load.Target, *sim.Server) {
	t.Helper()
	s := sim.New(sim.Options{APIKey: "key"})
	return target(t, httptest.NewServer(s), model, stream), s
}

func crew(t *testing.T, target load.Target, n int) *load.Crew {
	t.Helper()
	c := load.NewCrew(target, n)
	t.Cleanup(c.Close)
	return c
}

func TestRateIsKeptAndEveryCallIsServed(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]bool{"whole": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, server := simulator(t, "m", stream)
			r := crew(t, to, 8).AtRate(t.Context(), 500, 200*time.Millisecond)
			require.EqualValues(t, 100, r.Calls)
			require.Zero(t, r.Failed, r.Failures)
			require.EqualValues(t, 100, server.Totals().Completed)
			require.GreaterOrEqual(t, r.Took, 198*time.Millisecond, "the last call is due at the end")
		})
	}
}

func TestLatencyCountsFromTheMomentACallWasDue(t *testing.T) {
	t.Parallel()
	to, _ := simulator(t, "m?first=50ms", false)
	r := crew(t, to, 1).AtRate(t.Context(), 1000, 10*time.Millisecond)
	require.EqualValues(t, 10, r.Calls)
	q := r.Quantiles(100, 1000)
	require.GreaterOrEqual(t, q[0], 50*time.Millisecond)
	require.GreaterOrEqual(t, q[1], 490*time.Millisecond, "the tenth call waited for nine others")
}

func TestFlatReusesConnections(t *testing.T) {
	t.Parallel()
	to, server := simulator(t, "m", false)
	r := crew(t, to, 4).Flat(t.Context(), 100*time.Millisecond)
	require.Positive(t, r.Calls)
	require.Zero(t, r.Failed, r.Failures)
	require.Equal(t, r.Calls, server.Totals().Completed)
}

func TestFailuresAreCountedByKind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ model, want string }{
		"refused":    {"m?fault=503", "status 503"},
		"cut":        {"m?fault=cut", "read"},
		"no [DONE]":  {"m?fault=cut&variant=close", "read"},
		"broken end": {"m?fault=malformed&variant=json", "without data: [DONE]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, _ := simulator(t, c.model, true)
			r := crew(t, to, 1).AtRate(t.Context(), 100, 30*time.Millisecond)
			require.EqualValues(t, 3, r.Calls)
			require.EqualValues(t, 3, r.Failed)
			for text := range r.Failures {
				require.Contains(t, text, c.want)
			}
			require.Zero(t, r.Quantiles(500)[0], "a failed call has no latency")
		})
	}
}

func TestLongBodiesAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	to, server := simulator(t, "m?fault=long&tokens=20000", true)
	r := crew(t, to, 1).AtRate(t.Context(), 100, 20*time.Millisecond)
	require.EqualValues(t, 2, r.Calls)
	require.Zero(t, r.Failed, r.Failures)
	require.EqualValues(t, 2*20_000, server.Totals().Unreported.Completion, "nobody asked for the usage")
}

func TestStreamsAreHeldOpenTogether(t *testing.T) {
	t.Parallel()
	const n = 20
	to, server := simulator(t, "m?tokens=20&between=10ms&stamped=1", true)
	inFlight := int64(0)
	r, err := crew(t, to, n).HoldOpen(t.Context(), func() { inFlight = server.Totals().InFlight })
	require.NoError(t, err)
	require.Zero(t, r.Failed, r.Failures)
	require.EqualValues(t, n, inFlight)
}

func TestStrangeServerIsAFailure(t *testing.T) {
	t.Parallel()
	to := target(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {}\n\n"))
	})), "m", true)
	r := crew(t, to, 1).AtRate(t.Context(), 100, 10*time.Millisecond)
	require.EqualValues(t, 1, r.Failed)
}

func TestEveryDialectIsAskedAndItsTokensAreTimed(t *testing.T) {
	t.Parallel()
	const tokens = 12
	for _, d := range load.Dialects() {
		for name, stream := range map[string]bool{"whole": false, "stream": true} {
			t.Run(d.Name+", "+name, func(t *testing.T) {
				t.Parallel()
				s := sim.New(sim.Options{APIKey: "key"})
				server := httptest.NewServer(s)
				t.Cleanup(server.Close)
				to := ask(t, d.Name, server.URL, load.Question{Model: "m?tokens=12&reasoning=2&stamped=1", Content: "Hello", MaxTokens: 64, Stream: stream})
				r := crew(t, to, 2).AtRate(t.Context(), 100, 50*time.Millisecond)
				require.EqualValues(t, 5, r.Calls)
				require.Zero(t, r.Failed, r.Failures)
				require.EqualValues(t, 5, s.Totals().Completed)
				if !stream {
					require.Zero(t, r.Tokens())
					return
				}
				require.EqualValues(t, 5*tokens, r.Tokens(), "and no repetition of them at the end")
				q := r.Token(0, 1000)
				require.GreaterOrEqual(t, q[0], time.Duration(0))
				require.LessOrEqual(t, q[1], r.Took)
				require.LessOrEqual(t, r.FirstToken(1000)[0], r.Quantiles(1000)[0])
			})
		}
	}
}
