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
	for name, flag := range map[string]string{"whole answers": "--stream=false", "streams": "--stream"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := append(os.Environ(), asMain+"=1", "DATABASE_URL="+pgtest.URL(t))
			out := do(t, environ, "bench", "gateway", "--seconds", "1", "--rate", "50", "--callers", "4", "--wallets", "10",
				"--open-streams", "10", "--json", flag)
			var report struct {
				Direct, Gateway, Added struct {
					Calls int64   `json:"calls"`
					P99   float64 `json:"p99_ms"`
				}
				Success   float64 `json:"success_rate"`
				Saturated struct {
					PerSecond int64 `json:"calls_per_s"`
				}
				Open struct {
					Streams int `json:"streams"`
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
			require.EqualValues(t, 50, report.Direct.Calls)
			require.EqualValues(t, 50, report.Gateway.Calls)
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
	for _, args := range [][]string{{"--rate", "0", "--callers", "0"}, {"--seconds", "0"}, {"--rate", "-1"}, {"--wallets", "0"}} {
		require.Equal(t, exitUsage, call(t.Context(), nil, append([]string{"bench", "gateway"}, args...)...).code)
	}
}
