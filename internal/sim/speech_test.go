package sim_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// speech is how a client of one dialect speaks: what it sends, and how it understands the answer.
type speech struct {
	name    string
	headers []string
	// path and body of a call that says "Hello there"; more are top-level members.
	path func(model string, stream bool) string
	body func(model string, stream bool, more ...string) string
	// understand reads a whole answer, or all events of a stream.
	understand func(tb testing.TB, text string, stream bool) heard
	// errorKind is what an error's class is called.
	errorKind func(tb testing.TB, text string) string
	// native is the class of each status fault.
	native    map[string]string
	capMember string // of the output, with %d
	// embeds says that there is no text.
	embeds bool
}

// heard is what a client understood.
type heard struct {
	text    string
	tokens  int64 // events or parts with text
	thought string
	finish  string
	usage   sim.Usage
	told    bool // there was usage
	done    bool // the proper end
	calls   []heardCall
	failed  string // the class of an error after status 200
	id      string
}

type heardCall struct {
	ID, Name, Arguments, Signature string
	Pieces                         int
}

// speak makes a call in a dialect.
func (b *bundle) speak(tb testing.TB, s *speech, model string, stream bool, more ...string) *http.Response {
	tb.Helper()
	answer, err := b.trySpeak(tb, s, model, stream, more...)
	require.NoError(tb, err)
	return answer
}

func (b *bundle) trySpeak(tb testing.TB, s *speech, model string, stream bool, more ...string) (*http.Response, error) {
	tb.Helper()
	return b.speakWith(tb, b.client, s, model, stream, more...)
}

func (b *bundle) speakWith(tb testing.TB, client *http.Client, s *speech, model string, stream bool, more ...string) (*http.Response, error) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, b.url+s.path(model, stream), strings.NewReader(s.body(model, stream, more...)))
	require.NoError(tb, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(s.headers); i += 2 {
		r.Header.Set(s.headers[i], s.headers[i+1])
	}
	answer, err := client.Do(r)
	if err == nil {
		tb.Cleanup(func() { _ = answer.Body.Close() })
	}
	return answer, err
}

// say makes a call and reads what comes of its answer.
func (b *bundle) say(tb testing.TB, s *speech, model string, stream bool, more ...string) (status int, text string, err error) {
	tb.Helper()
	answer, err := b.trySpeak(tb, s, model, stream, more...)
	if err != nil {
		return 0, "", err
	}
	got, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(got), err
}

// hear makes a call that must succeed and understands the answer.
func (b *bundle) hear(tb testing.TB, s *speech, model string, stream bool, more ...string) heard {
	tb.Helper()
	status, text, err := b.say(tb, s, model, stream, more...)
	require.NoError(tb, err)
	require.Equal(tb, 200, status, text)
	return s.understand(tb, text, stream)
}

func object(fields ...string) string { return "{" + strings.Join(fields, ",") + "}" }

func fixed(path string) func(string, bool) string { return func(string, bool) string { return path } }

// parse decodes JSON into v.
func parse(tb testing.TB, text string, v any) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal([]byte(text), v), text)
}

// sse takes a stream's whole events apart; what is no JSON or has no end is left out.
func sse(text string) (out [][2]string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	whole := strings.Split(text, "\n\n")
	for _, event := range whole[:len(whole)-1] {
		var name, data string
		for line := range strings.Lines(event) {
			line = strings.TrimSuffix(line, "\n")
			if rest, ok := strings.CutPrefix(line, "event: "); ok {
				name = rest
			}
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				data = rest
			}
		}
		if json.Valid([]byte(data)) || data == "[DONE]" {
			out = append(out, [2]string{name, data})
		}
	}
	return out
}

func speeches() []*speech {
	return []*speech{chatSpeech(), anthropicSpeech(), geminiSpeech(), responsesSpeech(), embeddingsSpeech(), bedrockSpeech()}
}

var openAINative = map[string]string{
	"400": "invalid_request_error", "401": "invalid_request_error", "402": "insufficient_quota", "403": "invalid_request_error",
	"404": "invalid_request_error", "408": "server_error", "409": "invalid_request_error", "413": "invalid_request_error",
	"429": "requests", "500": "server_error", "502": "server_error", "503": "server_error", "504": "server_error", "529": "server_error",
}

func openAIError(tb testing.TB, text string) string {
	tb.Helper()
	var body struct{ Error apiError }
	parse(tb, text, &body)
	require.NotEmpty(tb, body.Error.Message)
	return body.Error.Type
}

func chatSpeech() *speech {
	return &speech{
		name: "chat", capMember: `"max_tokens":%d`, headers: []string{"Authorization", "Bearer " + apiKey}, path: fixed("/v1/chat/completions"),
		body: func(model string, stream bool, more ...string) string {
			if stream {
				more = append(more, streamed, withUsage)
			}
			return ask(model, more...)
		},
		understand: func(tb testing.TB, text string, stream bool) (h heard) {
			tb.Helper()
			list := []string{text}
			if stream {
				list = nil
				for _, event := range sse(text) {
					list = append(list, event[1])
				}
			}
			for _, one := range list {
				if one == "[DONE]" {
					h.done = true
					continue
				}
				h.chat(tb, decode(tb, one))
			}
			h.done = h.done || !stream
			return h
		},
		errorKind: openAIError, native: openAINative,
	}
}

func (h *heard) chat(tb testing.TB, c completion) {
	tb.Helper()
	h.id = c.ID
	if c.Error != nil {
		h.failed = c.Error.Type
	}
	if n, ok := wholeNumber(c.Usage); ok {
		h.told = true
		h.usage = sim.Usage{
			Prompt: mustIntOf(tb, c.Usage.Prompt), Cached: c.Usage.PromptIn.Cached, CacheWrite: c.Usage.PromptIn.CacheWrite,
			Reasoning: c.Usage.CompletionIn.Reasoning, Completion: n,
		}
	}
	for _, choice := range c.Choices {
		for _, m := range []message{choice.Message, choice.Delta} {
			if m.Content != nil && *m.Content != "" {
				h.text += *m.Content
				h.tokens++
			}
			for i, call := range m.ToolCalls {
				h.call(max(call.Index, i), call.ID, call.Function.Name, call.Function.Arguments)
			}
		}
		h.finish = deref(choice.FinishReason)
	}
}

func (h *heard) call(index int, id, name, arguments string) {
	for len(h.calls) <= index {
		h.calls = append(h.calls, heardCall{})
	}
	c := &h.calls[index]
	c.ID += id
	c.Name += name
	c.Arguments += arguments
	c.Pieces++
}

func wholeNumber(u *usage) (int64, bool) {
	if u == nil {
		return 0, false
	}
	return wholeOf(u.Completion)
}

// wholeOf is a number that is whole and in range.
func wholeOf(value any) (int64, bool) {
	n, ok := value.(float64)
	return int64(n), ok && n == math.Trunc(n) && math.Abs(n) < 1e18
}

func mustIntOf(tb testing.TB, n json.Number) int64 {
	tb.Helper()
	i, err := n.Int64()
	require.NoError(tb, err)
	return i
}

func anthropicSpeech() *speech {
	return &speech{
		name: "messages", capMember: `"max_tokens":%d`, headers: []string{"X-Api-Key", apiKey, "Anthropic-Version", "2023-06-01"}, path: fixed("/v1/messages"),
		body: func(model string, stream bool, more ...string) string {
			fields := append([]string{`"model":"` + model + `"`, `"messages":[{"role":"user","content":"Hello there"}]`}, more...)
			if !strings.Contains(strings.Join(more, ","), "max_tokens") {
				fields = append(fields, `"max_tokens":200000`)
			}
			if stream {
				fields = append(fields, streamed)
			}
			return object(fields...)
		},
		understand: func(tb testing.TB, text string, stream bool) (h heard) {
			tb.Helper()
			if !stream {
				h.anthropicMessage(tb, text)
				h.done = true
				return h
			}
			h.anthropicStream(tb, text)
			return h
		},
		errorKind: func(tb testing.TB, text string) string {
			tb.Helper()
			var body struct {
				Type      string
				Error     struct{ Type, Message string }
				RequestID string `json:"request_id"`
			}
			parse(tb, text, &body)
			require.Equal(tb, "error", body.Type)
			require.NotEmpty(tb, body.Error.Message)
			require.Contains(tb, body.RequestID, "req_sim_")
			return body.Error.Type
		},
		native: map[string]string{
			"400": "invalid_request_error", "401": "authentication_error", "402": "billing_error", "403": "permission_error",
			"404": "not_found_error", "408": "timeout_error", "409": "conflict_error", "413": "request_too_large", "429": "rate_limit_error",
			"500": "api_error", "502": "api_error", "503": "api_error", "504": "timeout_error", "529": "overloaded_error",
		},
	}
}

// anthropicUsage is usage as Anthropic writes it.
type anthropicUsage struct {
	Input    int64 `json:"input_tokens"`
	Output   any   `json:"output_tokens"`
	Creation int64 `json:"cache_creation_input_tokens"`
	Read     int64 `json:"cache_read_input_tokens"`
	Split    struct {
		Five int64 `json:"ephemeral_5m_input_tokens"`
		Hour int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	Details struct {
		Thinking int64 `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

func (h *heard) anthropicUsage(u *anthropicUsage) {
	if u == nil {
		return
	}
	output, ok := wholeOf(u.Output)
	h.told = ok
	h.usage = sim.Usage{
		Prompt: u.Input + u.Creation + u.Read, Cached: u.Read, CacheWrite: u.Creation, CacheWrite1h: u.Split.Hour,
		Reasoning: u.Details.Thinking, Completion: output,
	}
}

// anthropicContent is a block as Anthropic writes it.
type anthropicContent struct {
	Type, Text, Thinking, Signature, Data, ID, Name string
	Input                                           json.RawMessage
}

func (h *heard) anthropicMessage(tb testing.TB, text string) {
	tb.Helper()
	var m struct {
		ID         string
		Type       string
		Content    []anthropicContent
		StopReason *string `json:"stop_reason"`
		Usage      *anthropicUsage
		Error      struct{ Type string }
	}
	parse(tb, text, &m)
	h.id, h.finish, h.failed = m.ID, deref(m.StopReason), m.Error.Type
	h.anthropicUsage(m.Usage)
	for _, c := range m.Content {
		switch c.Type {
		case "text":
			h.text += c.Text
			h.tokens++
		case "thinking":
			h.thought = c.Thinking + "|" + c.Signature
		case "redacted_thinking":
			h.thought = c.Data
		case "tool_use":
			h.call(len(h.calls), c.ID, c.Name, string(c.Input))
		}
	}
}

// anthropicStream reads the events as an official client does, and holds them against the rules of their order.
func (h *heard) anthropicStream(tb testing.TB, text string) {
	tb.Helper()
	var open []anthropicContent
	calls := map[int]int{}
	closed := map[int]bool{}
	for _, event := range sse(text) {
		var e struct {
			Type    string
			Index   int
			Message struct {
				ID    string
				Usage *anthropicUsage
			}
			Block anthropicContent `json:"content_block"`
			Delta struct {
				Type, Text, Thinking, Signature string
				Partial                         string  `json:"partial_json"`
				StopReason                      *string `json:"stop_reason"`
			}
			Usage *anthropicUsage
			Error struct{ Type string }
		}
		parse(tb, event[1], &e)
		require.Equal(tb, event[0], e.Type, "the event's name and its type are the same")
		switch e.Type {
		case "message_start":
			require.Empty(tb, open)
			h.id = e.Message.ID
			if e.Message.Usage != nil {
				h.usage.Prompt = e.Message.Usage.Input + e.Message.Usage.Creation + e.Message.Usage.Read
			}
		case "content_block_start":
			require.Equal(tb, len(open), e.Index, "blocks are numbered from 0")
			require.True(tb, e.Index == 0 || closed[e.Index-1], "one block at a time")
			open = append(open, e.Block)
			if e.Block.Type == "tool_use" {
				calls[e.Index] = len(h.calls)
				h.call(len(h.calls), e.Block.ID, e.Block.Name, "")
			}
			h.thought += e.Block.Data
		case "content_block_delta":
			require.Equal(tb, len(open)-1, e.Index)
			h.anthropicDelta(calls[e.Index], e.Delta.Type, e.Delta.Text, e.Delta.Thinking, e.Delta.Signature, e.Delta.Partial)
		case "content_block_stop":
			require.False(tb, closed[e.Index])
			closed[e.Index] = true
		case "message_delta":
			require.Len(tb, closed, len(open), "all blocks are closed")
			h.finish = deref(e.Delta.StopReason)
			h.anthropicUsage(e.Usage)
		case "message_stop":
			h.done = true
		case "error":
			h.failed = e.Error.Type
		default:
			require.Equal(tb, "ping", e.Type)
		}
	}
}

func (h *heard) anthropicDelta(call int, kind, text, thinking, signature, partial string) {
	switch kind {
	case "text_delta":
		h.text += text
		h.tokens++
	case "thinking_delta":
		h.thought += thinking
	case "signature_delta":
		h.thought += "|" + signature
	case "input_json_delta":
		h.call(call, "", "", partial)
	}
}

// escaped is a model's name as it stands in a path.
func escaped(model string) string { return url.PathEscape(model) }
