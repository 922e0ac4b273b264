package meter_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/sse"
)

// callers are requests in every dialect that can be called.
func callers() map[chat.Dialect]exchange.Incoming {
	openai := `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`
	return map[chat.Dialect]exchange.Incoming{
		chat.OpenAI:    {Dialect: chat.OpenAI, Body: []byte(openai)},
		chat.Anthropic: {Dialect: chat.Anthropic, Body: []byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}`)},
		chat.Gemini:    {Dialect: chat.Gemini, Model: "m", Body: []byte(`{"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`)},
		chat.Responses: {Dialect: chat.Responses, Body: []byte(`{"model":"m","input":"Hello"}`)},
	}
}

// expected is what stands beside each answer in testdata.
type expected struct {
	Usage usage.Usage `json:"usage"`
	Tier  string      `json:"tier"`
}

// TestVendorsUsage reads answers in the shapes that vendors send, whole and as streams, for callers of the same dialect, whose
// answers pass through, and of every other one. To add a case, put an answer and its usage into testdata/<dialect>.
func TestVendorsUsage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.want")
	require.NoError(t, err)
	seen := map[string]int{}
	for _, file := range files {
		path := strings.TrimSuffix(file, ".want")
		dialect := filepath.Base(filepath.Dir(file))
		seen[dialect+filepath.Ext(path)]++
		for caller, in := range callers() {
			t.Run(path+" for "+string(caller), func(t *testing.T) {
				t.Parallel()
				var want expected
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, json.Unmarshal(content, &want))
				body, err := os.ReadFile(path)
				require.NoError(t, err)
				in.Stream = strings.HasSuffix(path, ".sse")
				report := reported(t, in, chat.Dialect(dialect), body)
				b := meter.Bounds{Context: 1 << 20, Prompt: 1 << 20, Completion: 1 << 20}
				require.Empty(t, report.Absurd(b, true))
				require.Equal(t, want.Usage, report.Usage())
				require.Equal(t, want.Tier, report.Tier)
				require.Equal(t, report.Prompt, report.Usage().Prompt(), "the parts add up")
				require.Equal(t, report.Completion, report.Usage().Completion(), "the parts add up")
			})
		}
	}
	for _, dialect := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini} {
		require.Greater(t, seen[string(dialect)+".json"], 3)
		require.Greater(t, seen[string(dialect)+".sse"], 3)
	}
}

// reported is what a vendor's answer reports to a caller, by the last word of it.
func reported(t *testing.T, in exchange.Incoming, vendor chat.Dialect, body []byte) meter.Report {
	t.Helper()
	var set exchange.Set
	q, err := set.Read(in)
	require.NoError(t, err)
	defer q.Close()
	x, err := q.With(vendor, &chat.Told{ID: "gen-1", Model: "m", Provider: "P"})
	require.NoError(t, err)
	var p meter.Produced
	if !in.Stream {
		step, err := x.Whole(body, &p)
		require.NoError(t, err)
		require.Nil(t, step.Failure)
		return step.Report
	}
	var last meter.Report
	events := sse.NewEvents(bytes.NewReader(body), nil, 1<<20)
	for {
		name, data, err := events.Next()
		if err != nil {
			break
		}
		_, step, err := x.Chunk(nil, string(name), data, &p)
		require.NoError(t, err, "%s", data)
		require.Nil(t, step.Failure)
		if step.Report.Given {
			step.Report.After(&last)
			last = step.Report
		} else {
			last.After(&step.Report)
		}
		if step.Done {
			break
		}
	}
	return last
}
