package sim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// The shape on the wire is fixed to the byte: a change of it is a change of what clients see.
func TestAnthropicOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	answer := b.speak(t, s, "sim-large?tokens=2&cached=2&cache_write=3&cache_write_1h=1&reasoning=5", false)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	want := `{"model":"sim-large","id":"msg_sim_1","type":"message","role":"assistant","content":[{"type":"text","text":"and last"}],` +
		`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":2,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,` +
		`"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":1},"output_tokens":7,` +
		`"output_tokens_details":{"thinking_tokens":5},"service_tier":"standard","inference_geo":"global"}}`
	require.Equal(t, want, string(text))
	for name, value := range map[string]string{ //nolint:gosec // counts of tokens, no secrets
		"Content-Type": "application/json", "Request-Id": "req_sim_1", "Anthropic-Ratelimit-Requests-Limit": "4000",
		"Anthropic-Ratelimit-Input-Tokens-Remaining": "1999000", "Anthropic-Ratelimit-Output-Tokens-Reset": "2027-01-15T08:01:00Z",
	} {
		require.Equal(t, value, answer.Header.Get(name), name)
	}
	require.Equal(t, sim.Usage{Prompt: 7, Cached: 2, CacheWrite: 3, CacheWrite1h: 1, Reasoning: 5, Completion: 7}, b.Totals().Dialects["messages"].Reported)
}

func TestAnthropicStreamOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	_, text, err := b.say(t, s, "sim-large?tokens=2", true)
	require.NoError(t, err)
	event := func(name, rest string) string {
		return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + rest + "}\n\n"
	}
	const head = `{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,` +
		`"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":`
	const tail = `,"service_tier":"standard","inference_geo":"global"}`
	require.Equal(t, event("message_start", `,"message":{"model":"sim-large","id":"msg_sim_1","type":"message","role":"assistant","content":[],`+
		`"stop_reason":null,"stop_sequence":null,"usage":`+head+`0`+tail+`}`)+
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`)+
		event("ping", "")+
		event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"and"}`)+
		event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":" last"}`)+
		event("content_block_stop", `,"index":0`)+
		event("message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":`+head+`2,"output_tokens_details":{"thinking_tokens":0}`+tail)+
		event("message_stop", ""), text)
}

const anthropicTools = `"tools":[{"name":"weather","description":"d","input_schema":{"type":"object"}},{"name":"clock","input_schema":{"type":"object","properties":{}}}]`

func TestAnthropicParallelToolCalls(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	whole := b.hear(t, s, "m?tools=3&words=4&tokens=5", false, anthropicTools)
	parts := b.hear(t, s, "m?tools=3&words=4&tokens=5", true, anthropicTools)
	require.Equal(t, "tool_use", whole.finish)
	require.Equal(t, whole.text, parts.text)
	require.Len(t, whole.calls, 3)
	for i, call := range whole.calls {
		require.Equal(t, []string{"weather", "clock", "weather"}[i], call.Name)
		require.Equal(t, []string{call.Name, call.Arguments}, []string{parts.calls[i].Name, parts.calls[i].Arguments})
		require.Equal(t, 1+6, parts.calls[i].Pieces, "a start and one delta a token")
		var input struct{ Text string }
		parse(t, call.Arguments, &input)
		require.Len(t, strings.Fields(input.Text), 4)
	}
	require.EqualValues(t, 5+3*(2+4), whole.usage.Completion)
	require.Equal(t, whole.usage, parts.usage)
}

func TestAnthropicToolChoice(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	for choice, want := range map[string][]string{
		`"tool_choice":{"type":"any"}`:                                  {"weather"},
		`"tool_choice":{"type":"tool","name":"clock"}`:                  {"clock"},
		`"tool_choice":{"type":"auto"}`:                                 nil,
		`"tool_choice":{"type":"none"}`:                                 nil,
		`"tool_choice":{"type":"any","disable_parallel_tool_use":true}`: {"weather"},
	} {
		for _, stream := range []bool{false, true} {
			got := b.hear(t, s, "m", stream, anthropicTools, choice)
			var names []string
			for _, call := range got.calls {
				names = append(names, call.Name)
				require.JSONEq(t, `{}`, call.Arguments)
			}
			require.Equal(t, want, names, choice)
		}
	}
	got := b.hear(t, s, "m?tools=4", false, anthropicTools, `"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`)
	require.Len(t, got.calls, 1)
	got = b.hear(t, s, "m?tools=4", true, anthropicTools, `"tool_choice":{"type":"none"}`)
	require.Empty(t, got.calls)
}

// A call that the cap cuts is broken off in a stream and without its input in a body.
func TestAnthropicCallCutByTheCap(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	whole := b.hear(t, s, "m?tools=2&words=4", false, anthropicTools, `"max_tokens":9`)
	parts := b.hear(t, s, "m?tools=2&words=4", true, anthropicTools, `"max_tokens":9`)
	require.Equal(t, []string{"max_tokens", "max_tokens"}, []string{whole.finish, parts.finish})
	require.Len(t, whole.calls, 2)
	require.JSONEq(t, `{}`, whole.calls[1].Arguments)
	require.True(t, strings.HasPrefix(parts.calls[1].Arguments, `{"text":"`))
	require.EqualValues(t, 9, parts.usage.Completion)
}

func TestAnthropicThinking(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	const enabled = `"thinking":{"type":"enabled","budget_tokens":1024}`
	whole := b.hear(t, s, "m?reasoning=6", false, enabled)
	parts := b.hear(t, s, "m?reasoning=6", true, enabled)
	require.Equal(t, whole.thought, parts.thought)
	text, signature, _ := strings.Cut(whole.thought, "|")
	require.Len(t, strings.Fields(text), 6)
	require.Equal(t, sim.Usage{Prompt: 7, Reasoning: 6, Completion: 22}, parts.usage)
	require.Empty(t, b.hear(t, s, "m?reasoning=6", true).thought, "not asked for")

	hidden := b.hear(t, s, "m?reasoning=6", true, `"thinking":{"type":"adaptive","display":"omitted"}`)
	require.True(t, strings.HasPrefix(hidden.thought, "|"))
	redacted := b.hear(t, s, "m?reasoning=6&redacted=1", true, enabled)
	require.Equal(t, redacted.thought, b.hear(t, s, "m?reasoning=6&redacted=1", false, enabled).thought)
	require.NotEmpty(t, redacted.thought)

	back := func(text, signature string) (int, string) {
		status, answer, err := b.say(t, s, "m", false, enabled, `"max_tokens":2000`, `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[`+
			`{"type":"thinking","thinking":"`+text+`","signature":"`+signature+`"},{"type":"text","text":"b"}]},{"role":"user","content":"c"}]`)
		require.NoError(t, err)
		return status, answer
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	status, answer := back(quoted, signature)
	require.Equal(t, 200, status, answer)
	for name, other := range map[string][2]string{"text": {quoted + "x", signature}, "signature": {quoted, "A" + signature[1:]}, "no signature": {quoted, ""}} {
		status, answer = back(other[0], other[1])
		require.Equal(t, 400, status, name)
		require.Contains(t, answer, "Invalid `signature` in `thinking` block")
	}
}

func TestAnthropicFinish(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	for control, want := range map[string]string{
		"": "end_turn", "finish=refusal": "refusal", "finish=filter": "refusal", "finish=blocked": "refusal", "finish=pause": "pause_turn",
		"finish=stop_sequence": "stop_sequence",
	} {
		for _, stream := range []bool{false, true} {
			_, text, err := b.say(t, s, "m?"+control, stream, `"stop_sequences":["END"]`)
			require.NoError(t, err)
			got := s.understand(t, text, stream)
			require.Equal(t, want, got.finish)
			require.Equal(t, want == "refusal", strings.Contains(text, `"stop_details":{"type":"refusal"`))
			require.Equal(t, want == "stop_sequence", strings.Contains(text, `"stop_sequence":"END"`))
			require.Equal(t, control == "finish=blocked", got.usage.Completion == 0)
		}
	}
	got := b.hear(t, s, "m", true, `"max_tokens":3`)
	require.Equal(t, "max_tokens", got.finish)
	require.EqualValues(t, 3, got.usage.Completion)
}

func TestAnthropicPings(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	_, text, err := b.say(t, s, "m?ping=4", true)
	require.NoError(t, err)
	require.Equal(t, 1+16/4, strings.Count(text, "event: ping\n"))
}

func TestAnthropicHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := anthropicSpeech().body("m", false)
	for name, row := range map[string]struct {
		headers []string
		status  int
		says    string
	}{
		"x-api-key":       {[]string{"X-Api-Key", apiKey, "Anthropic-Version", "2023-06-01"}, 200, ""},
		"bearer":          {[]string{"Authorization", "Bearer " + apiKey, "Anthropic-Version", "2023-06-01"}, 200, ""},
		"old version":     {[]string{"X-Api-Key", apiKey, "Anthropic-Version", "2023-01-01"}, 200, ""},
		"no key":          {[]string{"Anthropic-Version", "2023-06-01"}, 401, "authentication_error"},
		"wrong key":       {[]string{"X-Api-Key", "sk", "Anthropic-Version", "2023-06-01"}, 401, "authentication_error"},
		"no version":      {[]string{"X-Api-Key", apiKey}, 400, "anthropic-version: header is required"},
		"unknown version": {[]string{"X-Api-Key", apiKey, "Anthropic-Version", "2030-01-01"}, 400, "is not a valid version"},
	} {
		answer, text := b.send(t, http.MethodPost, "/v1/messages", body, append(row.headers, "Content-Type", "application/json")...)
		require.Equal(t, row.status, answer.StatusCode, name)
		require.Contains(t, text, row.says, name)
		require.NotEmpty(t, answer.Header.Get("Request-Id"), name)
	}
	answer, text := b.send(t, http.MethodGet, "/v1/messages", "", "X-Api-Key", apiKey)
	require.Equal(t, 405, answer.StatusCode)
	require.Contains(t, text, `{"type":"error","error":{"type":"invalid_request_error"`)
}

func TestAnthropicBadRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t, func(o *sim.Options) { o.Models = []string{"m"} }), anthropicSpeech()
	turns := func(list string) string { return `{"model":"m","max_tokens":9,"messages":[` + list + `]}` }
	const user, use = `{"role":"user","content":"a"}`, `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
	result := func(id string) string { return `{"type":"tool_result","tool_use_id":"` + id + `","content":"r"}` }
	more := func(fields ...string) string { return s.body("m", false, fields...) }
	for name, row := range map[string][2]string{
		"no JSON":                   {`hello`, "could not parse"},
		"cut off":                   {more()[:40], "could not parse"},
		"an array":                  {`[]`, "Input should be an object"},
		"no model":                  {`{"max_tokens":9,"messages":[` + user + `]}`, "model: Field required"},
		"another model":             {strings.Replace(more(), `"m"`, `"x"`, 1), "does not exist"},
		"no max_tokens":             {`{"model":"m","messages":[` + user + `]}`, "max_tokens: Field required"},
		"max_tokens 0":              {more(`"max_tokens":0`), "max_tokens: Input should be greater than or equal to 1"},
		"max_tokens null":           {more(`"max_tokens":null`), "max_tokens: Input should be an integer"},
		"max_tokens a fraction":     {more(`"max_tokens":1.5`), "max_tokens: Input should be an integer"},
		"no messages":               {`{"model":"m","max_tokens":9}`, "messages: Field required"},
		"messages empty":            {turns(``), "at least one message is required"},
		"unknown member":            {more(`"frequency_penalty":1`), "frequency_penalty: Extra inputs are not permitted"},
		"unknown message member":    {turns(`{"role":"user","content":"a","name":"n"}`), "messages.0.name: Extra inputs are not permitted"},
		"unknown block member":      {turns(`{"role":"user","content":[{"type":"text","text":"a","x":1}]}`), "messages.0.content.0.text.x: Extra inputs are not permitted"},
		"system message":            {turns(`{"role":"system","content":"a"}`), "top-level `system` parameter"},
		"tool message":              {turns(`{"role":"tool","content":"a"}`), "messages.0.role: Input should be 'user' or 'assistant'"},
		"no role":                   {turns(`{"content":"a"}`), "messages.0.role: Field required"},
		"no content":                {turns(`{"role":"user"}`), "messages.0.content: Field required"},
		"assistant first":           {turns(`{"role":"assistant","content":"a"}`), "first message must use the"},
		"empty text":                {turns(`{"role":"user","content":[{"type":"text","text":""}]}`), "text content blocks must be non-empty"},
		"blank text":                {turns(`{"role":"user","content":[{"type":"text","text":" \n"}]}`), "must contain non-whitespace text"},
		"empty content":             {turns(`{"role":"user","content":""}`), "non-empty content"},
		"empty content between":     {turns(user + `,{"role":"assistant","content":[]},` + user), "messages.1: all messages must have non-empty content"},
		"prefill ends in a space":   {turns(user + `,{"role":"assistant","content":"b "}`), "trailing whitespace"},
		"no type":                   {turns(`{"role":"user","content":[{"text":"a"}]}`), "messages.0.content.0.type: Field required"},
		"unknown type":              {turns(`{"role":"user","content":[{"type":"image_url"}]}`), "does not match any of the expected tags"},
		"image without source":      {turns(`{"role":"user","content":[{"type":"image"}]}`), "messages.0.content.0.image.source: Field required"},
		"image source without data": {turns(`{"role":"user","content":[{"type":"image","source":{"type":"base64"}}]}`), "base64.data: Field required"},
		"call without result":       {turns(user + `,` + use), "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1"},
		"call, then text":           {turns(user + `,` + use + `,` + user), "`tool_use` ids were found without"},
		"result after text": {
			turns(user + `,` + use + `,{"role":"user","content":[{"type":"text","text":"a"},` + result("t1") + `]}`), "`tool_use` ids were found without",
		},
		"result of nothing":      {turns(`{"role":"user","content":[` + result("t1") + `]}`), "unexpected `tool_use_id` found in `tool_result` blocks: t1"},
		"result of another":      {turns(user + `,` + use + `,{"role":"user","content":[` + result("t2") + `]}`), "unexpected `tool_use_id`"},
		"result by assistant":    {turns(user + `,{"role":"assistant","content":[` + result("t1") + `]}`), "cannot be in messages of this role"},
		"call by user":           {turns(strings.Replace(use, "assistant", "user", 1)), "cannot be in messages of this role"},
		"the same id twice":      {turns(user + `,` + strings.Replace(use, `}]}`, `},{"type":"tool_use","id":"t1","name":"f","input":{}}]}`, 1)), "ids must be unique"},
		"input a string":         {turns(user + `,` + strings.Replace(use, `{}`, `"{}"`, 1)), "input: Input should be a valid dictionary"},
		"a bad id":               {turns(user + `,` + strings.Replace(use, `"t1"`, `"t 1"`, 1)), "should match pattern"},
		"temperature 1.5":        {more(`"temperature":1.5`), "temperature: Input should be less than or equal to 1"},
		"stop a string":          {more(`"stop_sequences":"a"`), "stop_sequences: Input should be a list"},
		"a blank stop":           {more(`"stop_sequences":[" "]`), "must contain non-whitespace"},
		"metadata":               {more(`"metadata":{"k":"v"}`), "metadata.k: Extra inputs are not permitted"},
		"service tier":           {more(`"service_tier":"priority"`), "service_tier: Input should be one of"},
		"ttl":                    {more(`"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"2h"}}]`), "ttl: Input should be one of"},
		"five breakpoints":       {more(`"system":[` + strings.Repeat(`{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},`, 4) + `{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]`), "Found 5"},
		"system an image":        {more(`"system":[{"type":"image","source":{"type":"url","url":"u"}}]`), "Input should be a text block"},
		"small budget":           {more(`"thinking":{"type":"enabled","budget_tokens":1000}`), "budget_tokens: Input should be greater than or equal to 1024"},
		"no budget":              {more(`"thinking":{"type":"enabled"}`), "thinking.enabled.budget_tokens: Field required"},
		"budget above the cap":   {more(`"thinking":{"type":"enabled","budget_tokens":1024}`, `"max_tokens":1024`), "must be greater than `thinking.budget_tokens`"},
		"thinking and warm":      {more(`"thinking":{"type":"adaptive"}`, `"temperature":0.5`), "`temperature` may only be set to 1"},
		"thinking and forced":    {more(`"thinking":{"type":"adaptive"}`, anthropicTools, `"tool_choice":{"type":"any"}`), "Thinking may not be enabled"},
		"choice without tools":   {more(`"tool_choice":{"type":"any"}`), "while providing tools"},
		"choice of no tool":      {more(anthropicTools, `"tool_choice":{"type":"tool","name":"x"}`), "Tool 'x' not found"},
		"choice in words":        {more(anthropicTools, `"tool_choice":"any"`), "tool_choice: Input should be an object"},
		"tool in OpenAI's shape": {more(`"tools":[{"type":"function","function":{"name":"f"}}]`), "does not match any of the expected tags"},
		"tool without schema":    {more(`"tools":[{"name":"f"}]`), "tools.0.custom.input_schema: Field required"},
		"schema without type":    {more(`"tools":[{"name":"f","input_schema":{}}]`), "tools.0.custom.input_schema.type: Field required"},
		"tool with parameters":   {more(`"tools":[{"name":"f","input_schema":{"type":"object"},"parameters":{}}]`), "tools.0.custom.parameters: Extra inputs are not permitted"},
		"two tools of a name":    {more(`"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"f","input_schema":{"type":"object"}}]`), "Tool names must be unique"},
		"tool's name":            {more(`"tools":[{"name":"f g","input_schema":{"type":"object"}}]`), "tools.0.name: String should match pattern"},
		"stream a string":        {more(`"stream":"yes"`), "stream: Input should be a boolean"},
		"an unknown control":     {s.body("m?x=1", false), "there is no such control"},
		"calls without tools":    {s.body("m?tools=1", false), "needs a request with tools"},
	} {
		answer, text := b.send(t, http.MethodPost, "/v1/messages", row[0], append(s.headers, "Content-Type", "application/json")...)
		if name == "another model" {
			require.Equal(t, 404, answer.StatusCode)
		} else {
			require.Equal(t, 400, answer.StatusCode, name+": "+text)
			require.Equal(t, "invalid_request_error", s.errorKind(t, text), name)
		}
		require.Contains(t, strings.ReplaceAll(text, `\"`, `"`), row[1], name)
	}
	require.Zero(t, b.Totals().Calls)
}

func TestAnthropicGoodRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	const user = `{"role":"user","content":"a"}`
	for name, body := range map[string]string{
		"two users in a row":  `"messages":[` + user + `,` + user + `]`,
		"prefill":             `"messages":[` + user + `,{"role":"assistant","content":"b"}]`,
		"empty prefill":       `"messages":[` + user + `,{"role":"assistant","content":""}]`,
		"role behind content": `"messages":[{"content":[{"text":"a","type":"text"}],"role":"user"}]`,
		"results of two calls": `"messages":[` + user + `,{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"tool_use","id":"t1","name":"f","input":{}},` +
			`{"type":"tool_use","id":"t2","name":"f","input":{"a":[1]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","content":[` +
			`{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}],"is_error":true},` +
			`{"type":"tool_result","tool_use_id":"t1"},{"type":"text","text":"go on"}]}]`,
		"a document":   `"messages":[{"role":"user","content":[{"type":"document","title":"t","source":{"type":"base64","media_type":"application/pdf","data":"AA=="},"cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"x"}]}]`,
		"vendor tools": `"messages":[` + user + `],"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":5}]`,
		"all else": `"messages":[` + user + `],"temperature":1,"top_p":0.5,"top_k":4,"stop_sequences":["x"],"metadata":{"user_id":"u"},"service_tier":"auto","speed":"fast",` +
			`"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"output_config":{"effort":"low"},"cache_control":null,"container":"c"`,
	} {
		answer, text := b.send(t, http.MethodPost, "/v1/messages", `{"model":"m","max_tokens":50,`+body+`}`, append(s.headers, "Content-Type", "application/json")...)
		require.Equal(t, 200, answer.StatusCode, name+": "+text)
	}
}

// With a budget for thinking, the turn that called the tools has to come back with its thinking.
func TestAnthropicThinkingMustComeBackWithResults(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	const enabled = `"thinking":{"type":"enabled","budget_tokens":1024}`
	first := b.hear(t, s, "m?reasoning=3&tools=2", false, enabled, anthropicTools)
	text, signature, _ := strings.Cut(first.thought, "|")
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	blocks := `{"type":"thinking","thinking":"` + quoted + `","signature":"` + signature + `"},`
	var uses, results []string
	for _, call := range first.calls {
		uses = append(uses, `{"type":"tool_use","id":"`+call.ID+`","name":"`+call.Name+`","input":`+call.Arguments+`}`)
		results = append(results, `{"type":"tool_result","tool_use_id":"`+call.ID+`","content":"r"}`)
	}
	again := func(blocks string) (int, string) {
		status, text, err := b.say(t, s, "m", false, enabled, anthropicTools, `"messages":[{"role":"user","content":"Hello there"},{"role":"assistant","content":[`+
			blocks+strings.Join(uses, ",")+`]},{"role":"user","content":[`+strings.Join(results, ",")+`]}]`)
		require.NoError(t, err)
		return status, text
	}
	status, answer := again(blocks)
	require.Equal(t, 200, status, answer)
	status, answer = again("")
	require.Equal(t, 400, status)
	require.Contains(t, answer, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`")
}

func TestAnthropicCountTokens(t *testing.T) {
	t.Parallel()
	b, s := setup(t), anthropicSpeech()
	headers := append(s.headers, "Content-Type", "application/json")
	const body = `{"model":"m","messages":[{"role":"user","content":"Hello there"}]`
	answer, text := b.send(t, http.MethodPost, "/v1/messages/count_tokens", body+`}`, headers...)
	require.Equal(t, 200, answer.StatusCode)
	require.JSONEq(t, `{"input_tokens":7}`, text)
	_, text = b.send(t, http.MethodPost, "/v1/messages/count_tokens", body+`,"system":"Be brief.",`+anthropicTools+`}`, headers...)
	got := b.hear(t, s, "m", false, `"system":"Be brief."`, anthropicTools)
	var counted struct {
		Input int64 `json:"input_tokens"`
	}
	parse(t, text, &counted)
	require.Equal(t, got.usage.Prompt, counted.Input, "a count is what is billed")
	answer, text = b.send(t, http.MethodPost, "/v1/messages/count_tokens", body+`,"max_tokens":5}`, headers...)
	require.Equal(t, 400, answer.StatusCode)
	require.Contains(t, text, "max_tokens: Extra inputs are not permitted")
	answer, _ = b.send(t, http.MethodPost, "/v1/messages/count_tokens", strings.Replace(body, `"m"`, `"m?fault=529"`, 1)+`}`, headers...)
	require.Equal(t, 529, answer.StatusCode)
	totals := b.Totals()
	require.Equal(t, []int64{3, 1}, []int64{totals.Counted, totals.Calls})
}
