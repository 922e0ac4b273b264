package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchAuthMeasures(t *testing.T) {
	t.Parallel()
	out := do(t, append(os.Environ(), asMain+"=1"), "bench", "auth", "--seconds", "3", "--keys", "10", "--rate", "10", "--flood", "2", "--json")
	report := map[string]float64{}
	require.NoError(t, json.Unmarshal([]byte(out), &report), out)
	for _, name := range []string{
		"key_cached_p50_us", "key_cached_p99_us", "key_uncached_p50_us", "password_ms", "calls_p99_ms", "calls_flooded_p99_ms", "sign_ins",
	} {
		require.Positive(t, report[name], name)
	}
	require.Zero(t, report["calls_failed"])
	for _, wrong := range [][]string{{"--keys", "9"}, {"--rate", "0"}, {"--flood", "0"}, {"--seconds", "2"}} {
		require.Equal(t, exitUsage, call(t.Context(), nil, append([]string{"bench", "auth"}, wrong...)...).code, wrong)
	}
}
