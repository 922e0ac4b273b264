package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestBenchGatewayMeasuresAndProves(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"whole answers":          {"--prompt-bytes", "20000"},
		"streams":                {"--stream", "--tokens", "8", "--token-interval", "2ms"},
		"anthropic to gemini":    {"--stream", "--dialect-in", "anthropic", "--dialect-out", "gemini"},
		"gemini to responses":    {"--stream", "--dialect-in", "gemini", "--dialect-out", "responses"},
		"responses to anthropic": {"--dialect-in", "responses", "--dialect-out", "anthropic"},
		"openai to bedrock":      {"--stream", "--dialect-out", "bedrock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := append(os.Environ(), asMain+"=1", "DATABASE_URL="+pgtest.URL(t))
			out := do(t, environ, append([]string{
				"bench", "gateway", "--seconds", "1", "--rate", "50", "--callers", "4", "--wallets", "10", "--open-streams", "10", "--json",
			}, flags...)...)
			type latency struct {
				Calls int64   `json:"calls"`
				P99   float64 `json:"p99_ms"`
			}
			var report struct {
				Stream                        bool
				Tokens                        int64
				Direct, Proxy, Gateway, Added latency
				FirstToken                    struct{ Direct, Proxy, Gateway latency } `json:"first_token"`
				Token                         struct{ Direct, Proxy, Gateway latency }
				Success                       float64 `json:"success_rate"`
				Saturated                     struct {
					PerSecond int64 `json:"calls_per_s"`
				}
				Open struct {
					Streams int `json:"streams"`
					Token   latency
				} `json:"open_streams"`
				Proof struct {
					Equal          bool
					Ledger, Vendor struct {
						Calls int64
						Money string
					}
				}
			}
			require.NoError(t, json.Unmarshal([]byte(out), &report), out)
			for _, l := range []latency{report.Direct, report.Proxy, report.Gateway} {
				require.EqualValues(t, 50, l.Calls)
			}
			if report.Stream {
				for _, l := range []latency{report.Token.Direct, report.Token.Proxy, report.Token.Gateway} {
					require.Equal(t, 50*report.Tokens, l.Calls)
					require.Positive(t, l.P99)
				}
				require.Positive(t, report.FirstToken.Gateway.P99)
			}
			require.GreaterOrEqual(t, report.Open.Token.Calls, int64(10*8))
			require.Positive(t, report.Gateway.P99)
			require.InDelta(t, 1, report.Success, 0)
			require.Positive(t, report.Saturated.PerSecond)
			require.Equal(t, 10, report.Open.Streams)
			require.True(t, report.Proof.Equal)
			require.Greater(t, report.Proof.Ledger.Calls, int64(60))
			require.Equal(t, report.Proof.Vendor, report.Proof.Ledger)
		})
	}
}

func TestBenchGatewayWantsSomethingToMeasure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--rate", "0", "--callers", "0"},
		{"--seconds", "0"},
		{"--rate", "-1"},
		{"--wallets", "0"},
		{"--dialect-in", "english"},
		{"--dialect-in", "bedrock"},
		{"--dialect-out", ""},
		{"--tokens", "0"},
		{"--prompt-bytes", "-1"},
		{"--token-interval", "-1s"},
	} {
		require.Equal(t, exitUsage, call(t.Context(), nil, append([]string{"bench", "gateway"}, args...)...).code)
	}
}
