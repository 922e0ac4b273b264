package sim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

const apiKey = "sk-sim-test" //nolint:gosec // opens nothing but the simulators of these tests

// bundle is a simulator on a real socket and a client of its own.
type bundle struct {
	*sim.Server
	url    string
	client *http.Client
}

func setup(tb testing.TB, change ...func(*sim.Options)) *bundle {
	tb.Helper()
	options := sim.Options{APIKey: apiKey, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	for _, f := range change {
		f(&options)
	}
	server := sim.New(options)
	web := httptest.NewServer(server.Handler())
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
		web.Close()
	})
	return &bundle{Server: server, url: web.URL, client: &http.Client{Transport: transport}}
}

// request makes a call; headers are name, value, name, value.
func (b *bundle) request(ctx context.Context, tb testing.TB, body string, headers ...string) *http.Request {
	tb.Helper()
	r, err := b.newRequest(ctx, body, headers...)
	require.NoError(tb, err)
	return r
}

func (b *bundle) newRequest(ctx context.Context, body string, headers ...string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, nil
}

func (b *bundle) do(tb testing.TB, r *http.Request) *http.Response {
	tb.Helper()
	answer, err := b.client.Do(r)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// post makes a call and reads its answer to the end.
func (b *bundle) post(tb testing.TB, body string, headers ...string) (int, string) {
	tb.Helper()
	answer := b.do(tb, b.request(tb.Context(), tb, body, headers...))
	text, err := io.ReadAll(answer.Body)
	require.NoError(tb, err)
	return answer.StatusCode, string(text)
}

// idle waits for calls whose client left, and returns the totals.
func (b *bundle) idle(tb testing.TB) sim.Totals {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	require.NoError(tb, b.WaitIdle(ctx))
	return b.Totals()
}

func ask(model string, more ...string) string {
	fields := append([]string{`"model":"` + model + `"`, `"messages":[{"role":"user","content":"Hello there"}]`}, more...)
	return "{" + strings.Join(fields, ",") + "}"
}

const (
	streamed  = `"stream":true`
	withUsage = `"stream_options":{"include_usage":true}`
)

// completion is a body or a chunk as a client sees it.
type completion struct {
	ID      string
	Object  string
	Model   string
	Choices []choice
	Usage   *usage
	Error   *apiError
	Sim     map[string]int64
}

type choice struct {
	Index        int
	Message      message
	Delta        message
	FinishReason *string `json:"finish_reason"`
}

type message struct {
	Role      string
	Content   *string
	ToolCalls []struct {
		Index    int
		ID       string
		Type     string
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

type usage struct {
	Prompt     json.Number `json:"prompt_tokens"`
	Completion any         `json:"completion_tokens"`
	Total      int64       `json:"total_tokens"`
	PromptIn   struct {
		Cached     int64 `json:"cached_tokens"`
		CacheWrite int64 `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionIn struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

type apiError struct {
	Message, Type string
	Code, Param   *string
}

func decode(tb testing.TB, text string) completion {
	tb.Helper()
	var c completion
	require.NoError(tb, json.Unmarshal([]byte(text), &c), text)
	return c
}

// events returns the data of a stream's events, as far as they are whole.
func events(text string) []string {
	var out []string
	whole := strings.Split(text, "\n\n")
	for _, event := range whole[:len(whole)-1] {
		out = append(out, strings.TrimPrefix(event, "data: "))
	}
	return out
}

// chunks decodes a whole stream, which must end with [DONE].
func chunks(tb testing.TB, text string) []completion {
	tb.Helper()
	data := events(text)
	require.NotEmpty(tb, data)
	require.Equal(tb, "[DONE]", data[len(data)-1])
	out := make([]completion, 0, len(data)-1)
	for _, event := range data[:len(data)-1] {
		out = append(out, decode(tb, event))
	}
	return out
}

// content joins one choice's tokens and counts them.
func content(list []completion, index int) (text string, tokens int64) {
	var joined strings.Builder
	for _, c := range list {
		for _, choice := range c.Choices {
			if choice.Index == index && choice.Delta.Content != nil && *choice.Delta.Content != "" {
				joined.WriteString(*choice.Delta.Content)
				tokens++
			}
		}
	}
	return joined.String(), tokens
}

// ending sends a call on its way and tells, once it is over, how it ended.
func (b *bundle) ending(ctx context.Context, tb testing.TB, body string) <-chan error {
	tb.Helper()
	r := b.request(ctx, tb, body)
	ended := make(chan error, 1)
	go func() {
		answer, err := b.client.Do(r)
		if err == nil {
			_, err = io.ReadAll(answer.Body)
			_ = answer.Body.Close()
		}
		ended <- err
	}()
	require.Eventually(tb, func() bool { return b.Totals().InFlight == 1 }, 20*time.Second, time.Millisecond)
	return ended
}

// until reads lines of a stream until n events with a token have come.
func until(tb testing.TB, body io.Reader, n int) {
	tb.Helper()
	lines := bufio.NewScanner(body)
	for n > 0 && lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if _, tokens := content([]completion{decode(tb, data)}, 0); tokens > 0 {
			n--
		}
	}
	require.NoError(tb, lines.Err())
	require.Zero(tb, n, "the stream ended early")
}
