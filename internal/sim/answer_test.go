package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// The shape on the wire is fixed to the byte: a change of it is a change of what clients see.
func TestAnswerOnTheWire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := b.do(t, b.request(t.Context(), t, ask("sim-large?tokens=3&cached=2&cache_write=1&reasoning=5")))
	require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
	require.Equal(t, "chatcmpl-sim-1", answer.Header.Get("X-Request-Id"))

	_, text := b.post(t, ask("sim-large?tokens=3&cached=2&cache_write=1&reasoning=5"))
	want := `{"id":"chatcmpl-sim-2","object":"chat.completion","created":1800000000,"model":"sim-large",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"and last change","refusal":null,"annotations":[]},` +
		`"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15,` +
		`"prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":1,"audio_tokens":0},` +
		`"completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},` +
		`"service_tier":"default","system_fingerprint":"fp_sim"}` + "\n"
	require.Equal(t, want, text)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := map[string]struct {
		model, more                           string
		prompt, completion, cached, reasoning int64
		write                                 int64
		finish                                string
	}{
		"default length":               {model: "m", prompt: 7, completion: 16, finish: "stop"},
		"set length":                   {model: "m?tokens=40", prompt: 7, completion: 40, finish: "stop"},
		"no content":                   {model: "m?tokens=0", prompt: 7, completion: 0, finish: "stop"},
		"max_tokens cuts":              {model: "m", more: `"max_tokens":5`, prompt: 7, completion: 5, finish: "length"},
		"max_completion_tokens cuts":   {model: "m", more: `"max_completion_tokens":15`, prompt: 7, completion: 15, finish: "length"},
		"the cap is just enough":       {model: "m", more: `"max_tokens":16`, prompt: 7, completion: 16, finish: "stop"},
		"reasoning counts":             {model: "m?reasoning=9", prompt: 7, completion: 25, reasoning: 9, finish: "stop"},
		"reasoning goes first":         {model: "m?reasoning=9", more: `"max_tokens":10`, prompt: 7, completion: 10, reasoning: 9, finish: "length"},
		"reasoning eats the whole cap": {model: "m?reasoning=9", more: `"max_tokens":8`, prompt: 7, completion: 8, reasoning: 8, finish: "length"},
		"each of n choices counts":     {model: "m?reasoning=2", more: `"n":3`, prompt: 7, completion: 54, reasoning: 6, finish: "stop"},
		"n null is one":                {model: "m", more: `"n":null`, prompt: 7, completion: 16, finish: "stop"},
		"set prompt":                   {model: "m?prompt=200000&cached=150000", prompt: 200_000, cached: 150_000, completion: 16, finish: "stop"},
		"cached is part of the prompt": {model: "m?cached=50&cache_write=50", prompt: 7, cached: 7, completion: 16, finish: "stop"},
		"written is part of the rest":  {model: "m?cached=5&cache_write=50", prompt: 7, cached: 5, write: 2, completion: 16, finish: "stop"},
		"a long answer past the cap":   {model: "m?fault=long&tokens=700", more: `"max_tokens":5`, prompt: 7, completion: 700, finish: "stop"},
		"tools are part of the prompt": {model: "m", more: `"tools":[{"type":"function","function":{"name":"f"}}]`, prompt: 19, completion: 16, finish: "stop"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := []string{`"user":"u"`}
			if row.more != "" {
				more = append(more, row.more)
			}
			status, text := b.post(t, ask(row.model, more...))
			require.Equal(t, 200, status, text)
			whole := decode(t, text)
			require.Equal(t, row.finish, *whole.Choices[0].FinishReason)
			requireUsage(t, whole.Usage, row.prompt, row.completion, row.cached, row.write, row.reasoning)

			status, text = b.post(t, ask(row.model, append(more, streamed, withUsage)...))
			require.Equal(t, 200, status, text)
			list := chunks(t, text)
			requireUsage(t, list[len(list)-1].Usage, row.prompt, row.completion, row.cached, row.write, row.reasoning)
			require.Empty(t, list[len(list)-1].Choices)
			var tokens int64
			for i, choice := range whole.Choices {
				joined, n := content(list, i)
				require.Equal(t, *choice.Message.Content, joined, "the stream says what the body says")
				tokens += n
			}
			require.Equal(t, row.completion-row.reasoning, tokens, "one chunk a content token")
		})
	}
}

func requireUsage(t *testing.T, u *usage, prompt, completion, cached, write, reasoning int64) {
	t.Helper()
	require.NotNil(t, u)
	got := []any{mustInt(t, u), u.Completion, u.Total, u.PromptIn.Cached, u.PromptIn.CacheWrite, u.CompletionIn.Reasoning}
	require.Equal(t, []any{prompt, float64(completion), prompt + completion, cached, write, reasoning}, got)
}

func mustInt(t *testing.T, u *usage) int64 {
	t.Helper()
	n, err := u.Prompt.Int64()
	require.NoError(t, err)
	return n
}

func TestTextDependsOnModelMessagesSeedOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	say := func(body string) string {
		status, text := b.post(t, body)
		require.Equal(t, 200, status, text)
		return *decode(t, text).Choices[0].Message.Content
	}
	base := say(ask("m"))
	same := map[string]string{
		"again":                base,
		"controls":             say(ask("m?cached=1")),
		"temperature":          say(ask("m", `"temperature":0.3`)),
		"no seed is seed zero": say(ask("m", `"seed":0`)),
		"written otherwise":    say(`{ "messages" : [ {"content":"Hello \u0074here", "role":"user" } ], "mod\u0065l":"m" }`),
		"as parts":             say(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hello there"}]}]}`),
		"the last model":       say(`{"model":"x","messages":[{"role":"user","content":"Hello there"}],"model":"m"}`),
	}
	for name, text := range same {
		require.Equal(t, base, text, name)
	}
	for name, body := range map[string]string{
		"model": ask("m2"), "seed": ask("m", `"seed":7`), "negative seed": ask("m", `"seed":-7`),
		"text":  `{"model":"m","messages":[{"role":"user","content":"Hello There"}]}`,
		"role":  `{"model":"m","messages":[{"role":"system","content":"Hello there"}]}`,
		"split": `{"model":"m","messages":[{"role":"user","content":"Hello"},{"role":"user","content":" there"}]}`,
	} {
		require.NotEqual(t, base, say(body), name)
	}
}

func TestForcedToolCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const tools = `"tools":[{"type":"custom","custom":{"name":"c"}},{"type":"function","function":{"name":"first"}},{"type":"function","function":{"name":"second-1"}}]`
	rows := map[string]struct {
		choice, name, arguments, finish string
		tokens                          int64
	}{
		"required": {`"tool_choice":"required"`, "first", "{}", "tool_calls", 2},
		"named":    {`"tool_choice":{"type":"function","function":{"name":"second-1"}}`, "second-1", "{}", "tool_calls", 2},
		"cut":      {`"tool_choice":"required","max_tokens":1`, "first", "", "length", 1},
		"auto":     {`"tool_choice":"auto"`, "", "", "stop", 16},
		"none":     {`"tool_choice":"none"`, "", "", "stop", 16},
		"null":     {`"tool_choice":null`, "", "", "stop", 16},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, text := b.post(t, ask("m", tools, row.choice))
			whole := decode(t, text)
			require.Equal(t, row.finish, *whole.Choices[0].FinishReason)
			require.InDelta(t, row.tokens, whole.Usage.Completion, 0)

			_, text = b.post(t, ask("m", tools, row.choice, streamed, withUsage))
			list := chunks(t, text)
			require.InDelta(t, row.tokens, list[len(list)-1].Usage.Completion, 0)
			if row.name == "" {
				require.Empty(t, whole.Choices[0].Message.ToolCalls)
				return
			}
			require.Nil(t, whole.Choices[0].Message.Content)
			call := whole.Choices[0].Message.ToolCalls[0]
			require.Equal(t, []string{row.name, row.arguments, "function"}, []string{call.Function.Name, call.Function.Arguments, call.Type})
			require.NotEmpty(t, call.ID)

			var heard, arguments string
			for _, c := range list {
				for _, choice := range c.Choices {
					for _, call := range choice.Delta.ToolCalls {
						heard += call.Function.Name
						arguments += call.Function.Arguments
					}
				}
			}
			require.Equal(t, []string{row.name, row.arguments}, []string{heard, arguments})
		})
	}
}

func TestUnknownFieldsAreTakenAndTheirLengthToldBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const fields = `"x_new":{"a":[1, 2]},"y":"zz","metadata":{"k":"v"}`
	want := map[string]int64{"unknown_fields": 2, "unknown_bytes": int64(len(`{"a":[1, 2]}`) + len(`"zz"`))}
	_, text := b.post(t, ask("m", fields))
	require.Equal(t, want, decode(t, text).Sim)
	_, text = b.post(t, ask("m", fields, streamed))
	list := chunks(t, text)
	require.Equal(t, want, list[0].Sim)
	require.Nil(t, list[1].Sim)
	totals := b.Totals()
	require.Equal(t, []int64{4, 32}, []int64{totals.UnknownFields, totals.UnknownBytes})
}

func TestDefaultsOfTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sim.Options) { o.Tokens = 3 })
	_, text := b.post(t, ask("m"))
	require.InDelta(t, 3, decode(t, text).Usage.Completion, 0)
}
