package gateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/meter"
)

// TestLookupsAreReadStrictly: whatever a vendor answers, it is a usage of the call that was asked about, or an error without the answer in it.
func TestLookupsAreReadStrictly(t *testing.T) {
	t.Parallel()
	const id = "gen-1"
	report, err := parseLookup([]byte(`{"data":{"id":"gen-1","model":"x","tokens_prompt":1,"native_tokens_prompt":100,"native_tokens_completion":40,"native_tokens_reasoning":10,"native_tokens_cached":30,"total_cost":0.5}}`), id)
	require.NoError(t, err)
	require.Empty(t, report.Absurd(meter.Bounds{Context: 1000, Completion: 50}, false))
	require.Equal(t, usage.Usage{usage.Input: 70, usage.CacheRead: 30, usage.Output: 30, usage.Reasoning: 10, usage.Request: 1}, report.Usage())
	for name, row := range map[string]struct {
		text  string
		ready bool
	}{
		"nothing":               {``, true},
		"no object":             {`[]`, true},
		"a page":                {`<html>secret</html>`, true},
		"another call":          {`{"data":{"id":"gen-2","native_tokens_prompt":1,"native_tokens_completion":1}}`, true},
		"no call":               {`{"data":{}}`, true},
		"no counts":             {`{"data":{"id":"gen-1","tokens_prompt":1,"tokens_completion":1}}`, false},
		"null":                  {`{"data":{"id":"gen-1","native_tokens_prompt":null,"native_tokens_completion":1}}`, false},
		"a part of a token":     {`{"data":{"id":"gen-1","native_tokens_prompt":1.5,"native_tokens_completion":1}}`, true},
		"more than a number":    {`{"data":{"id":"gen-1","native_tokens_prompt":99999999999999999999,"native_tokens_completion":1}}`, true},
		"a text":                {`{"data":{"id":"gen-1","native_tokens_prompt":"1","native_tokens_completion":1}}`, true},
		"nested without an end": {strings.Repeat(`{"data":`, 20_000), true},
	} {
		_, err := parseLookup([]byte(row.text), id)
		require.Error(t, err, name)
		require.Equal(t, row.ready, !errors.Is(err, ErrNotReady), name)
		require.NotContains(t, err.Error(), "secret", name)
	}
	for text, code := range map[string]string{ //nolint:gosec // counts of tokens, no credentials
		`-1,"native_tokens_completion":1`:                                  "usage_negative",
		`2000,"native_tokens_completion":1`:                                "usage_above_context",
		`10,"native_tokens_completion":51`:                                 "usage_above_cap",
		`10,"native_tokens_completion":5,"native_tokens_reasoning":6`:      "usage_reasoning_above_completion",
		`10,"native_tokens_completion":5,"native_tokens_cached":11`:        "usage_cached_above_prompt",
		`0,"native_tokens_completion":0`:                                   "usage_zero",
		`10,"native_tokens_completion":5,"native_tokens_reasoning":-10000`: "usage_negative",
	} {
		report, err := parseLookup([]byte(`{"data":{"id":"gen-1","native_tokens_prompt":`+text+`}}`), id)
		require.NoError(t, err, text)
		require.Equal(t, code, report.Absurd(meter.Bounds{Context: 1000, Completion: 50}, false), text)
	}
}
