package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// The shape on the wire is fixed to the byte: a change of it is a change of what clients see.
func TestResponsesOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	_, text, err := b.say(t, s, "sim-large?tokens=2&cached=2&cache_write=1&reasoning=5", false)
	require.NoError(t, err)
	want := `{"id":"resp_sim_1","object":"response","created_at":1800000000,"status":"completed","background":false,"error":null,` +
		`"incomplete_details":null,"instructions":null,"max_output_tokens":null,"model":"sim-large","output":[` +
		`{"id":"rs_sim_1_0","type":"reasoning","summary":[]},` +
		`{"id":"msg_sim_1_0","type":"message","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"and last"}],"status":"completed"}],` +
		`"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"service_tier":"default","store":false,"temperature":1.0,` +
		`"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled",` +
		`"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":1,"cache_write_tokens_details":{"ttl_30m_tokens":1,"ttl_12h_tokens":0}},` +
		`"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":14},"user":null,"metadata":{}}` + "\n"
	require.Equal(t, want, text)
}

func TestResponsesStreamOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	_, text, err := b.say(t, s, "m?tokens=1&reasoning=1", true, `"reasoning":{"summary":"auto"}`)
	require.NoError(t, err)
	names := make([]string, 0, 16)
	for _, event := range sse(text) {
		names = append(names, strings.TrimPrefix(event[0], "response."))
	}
	require.Equal(t, strings.Fields(`created in_progress output_item.added reasoning_summary_part.added reasoning_summary_text.delta
		reasoning_summary_text.done reasoning_summary_part.done output_item.done output_item.added content_part.added output_text.delta
		output_text.done content_part.done output_item.done completed`), names)
	require.Contains(t, text, "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":10,"+
		`"item_id":"msg_sim_1_0","output_index":1,"content_index":0,"delta":"there","logprobs":[]}`+"\n\n")
}

const responsesTools = `"tools":[{"type":"function","name":"weather","parameters":{"type":"object"},"strict":true},{"type":"web_search"},{"type":"function","name":"clock"}]`

func TestResponsesFunctionCalls(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	whole := b.hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", false, responsesTools)
	parts := setup(t).hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", true, responsesTools)
	require.Equal(t, whole.calls, parts.calls)
	require.Equal(t, whole.usage, parts.usage)
	require.EqualValues(t, 2+5+3*6, whole.usage.Completion)
	for i, call := range whole.calls {
		require.Equal(t, []string{"weather", "clock", "weather"}[i], call.Name)
		var input struct{ Text string }
		parse(t, call.Arguments, &input)
		require.Len(t, strings.Fields(input.Text), 4)
	}
	for choice, want := range map[string]string{
		`"tool_choice":"required"`: "weather", `"tool_choice":{"type":"function","name":"clock"}`: "clock", `"tool_choice":"auto"`: "", `"tool_choice":"none"`: "",
	} {
		got := b.hear(t, s, "m", true, responsesTools, choice)
		var names string
		for _, call := range got.calls {
			names += call.Name
		}
		require.Equal(t, want, names)
	}
	require.Len(t, b.hear(t, s, "m?tools=3", true, responsesTools, `"parallel_tool_calls":false`).calls, 1)
	cut := b.hear(t, s, "m?tools=3&words=8", true, responsesTools, `"max_output_tokens":16`)
	require.Equal(t, "max_output_tokens", cut.finish)
	require.EqualValues(t, 16, cut.usage.Completion)
}

func TestResponsesReasoningAndEnds(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	const shown = `"reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"]`
	whole, parts := b.hear(t, s, "m?reasoning=6", false, shown), b.hear(t, s, "m?reasoning=6", true, shown)
	text, encrypted, _ := strings.Cut(whole.thought, "|")
	require.Len(t, strings.Fields(text), 6)
	require.Equal(t, whole.thought, parts.thought)
	require.Equal(t, whole.usage, parts.usage)
	for control, want := range map[string]string{
		"finish=filter": "content_filter", "finish=refusal": "completed", "finish=blocked": "content_filter", "": "completed",
	} {
		for _, stream := range []bool{false, true} {
			status, text, err := b.say(t, s, "m?"+control, stream)
			require.NoError(t, err)
			require.Equal(t, 200, status)
			got := s.understand(t, text, stream)
			require.Equal(t, want, got.finish)
			require.Equal(t, control == "finish=refusal", strings.Contains(text, `"type":"refusal"`))
			require.Equal(t, control == "finish=blocked", got.usage.Completion == 0)
		}
	}
	for content, want := range map[string]int{encrypted: 200, "AAAA": 400} {
		status, text, err := b.say(t, s, "m", false, `"input":[{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"`+content+
			`"},{"role":"assistant","content":[{"type":"output_text","text":"b"}]},{"role":"user","content":"c"}]`)
		require.NoError(t, err)
		require.Equal(t, want, status, text)
	}
}

func TestResponsesBadRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	input := func(list string) string { return `{"model":"m","input":[` + list + `]}` }
	more := func(fields ...string) string { return s.body("m", false, fields...) }
	const call, output = `{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}`, `{"type":"function_call_output","call_id":"c1","output":"r"}`
	for name, row := range map[string][2]string{
		"no JSON":               {`x`, "could not parse"},
		"an array":              {`[]`, "expected an object"},
		"no model":              {`{"input":"a"}`, "Missing required parameter: 'model'."},
		"no input":              {`{"model":"m"}`, "Missing required parameter: 'input'."},
		"input empty":           {input(``), "empty array"},
		"input a number":        {`{"model":"m","input":1}`, "Invalid type for 'input'"},
		"unknown member":        {more(`"max_tokens":5`), "Unknown parameter: 'max_tokens'."},
		"messages":              {more(`"messages":[]`), "Unknown parameter: 'messages'."},
		"small cap":             {more(`"max_output_tokens":15`), "greater than or equal to 16"},
		"temperature":           {more(`"temperature":3`), "less than or equal to 2"},
		"no role":               {input(`{"content":"a"}`), "Missing required parameter: 'input[0].role'."},
		"role tool":             {input(`{"role":"tool","content":"a"}`), "input[0].role"},
		"no content":            {input(`{"role":"user"}`), "'input[0].content'"},
		"type of chat":          {input(`{"role":"user","content":[{"type":"text","text":"a"}]}`), "no type of a part"},
		"image of chat":         {input(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}`), "no type of a part"},
		"input by assistant":    {input(`{"role":"assistant","content":[{"type":"input_text","text":"a"}]}`), "'output_text' and 'refusal'"},
		"output by user":        {input(`{"role":"user","content":[{"type":"output_text","text":"a"}]}`), "'input_text'"},
		"part without text":     {input(`{"role":"user","content":[{"type":"input_text"}]}`), "input[0].content[0].text"},
		"unknown item":          {input(`{"type":"tool_use"}`), "no type of an input item"},
		"call without output":   {input(`{"role":"user","content":"a"},` + call), "No tool output found for function call c1."},
		"output without call":   {input(output), "No tool call found for function call output with call_id c1."},
		"output before call":    {input(output + `,` + call), "No tool call found"},
		"call without id":       {input(strings.Replace(call, `"call_id":"c1",`, "", 1)), "'input[0].call_id'"},
		"arguments an object":   {input(strings.Replace(call, `"{}"`, `{}`, 1)), "Invalid type for 'input[0].arguments'"},
		"reasoning at the end":  {input(`{"role":"user","content":"a"},{"type":"reasoning","id":"r","summary":[]}`), "without its required following item"},
		"reasoning, then user":  {input(`{"type":"reasoning","id":"r","summary":[]},{"role":"user","content":"a"}`), "without its required following item"},
		"nested function":       {more(`"tools":[{"type":"function","function":{"name":"f"}}]`), "Missing required parameter: 'tools[0].name'."},
		"unknown tool member":   {more(`"tools":[{"type":"function","name":"f","function":{}}]`), "Unknown parameter: 'tools[0].function'."},
		"choice of no function": {more(responsesTools, `"tool_choice":{"type":"function","name":"x"}`), "not found in 'tools'"},
		"choice in chat's form": {more(responsesTools, `"tool_choice":{"type":"function","function":{"name":"clock"}}`), "Unknown parameter: 'tool_choice.function'."},
		"required, no tools":    {more(`"tool_choice":"required"`), "must be specified with 'tools'"},
		"format without name":   {more(`"text":{"format":{"type":"json_schema","schema":{}}}`), "'text.format.name'"},
		"chat's format":         {more(`"response_format":{"type":"json_object"}`), "Unknown parameter: 'response_format'."},
		"effort":                {more(`"reasoning":{"effort":"extreme"}`), "supported values are"},
		"previous response":     {more(`"previous_response_id":"resp_1"`), "not found"},
		"background":            {more(`"background":true`), "keeps no responses"},
	} {
		answer, text := b.send(t, http.MethodPost, "/v1/responses", row[0], append(s.headers, "Content-Type", "application/json")...)
		require.Equal(t, 400, answer.StatusCode, name+": "+text)
		require.Equal(t, "invalid_request_error", s.errorKind(t, text), name)
		require.Contains(t, text, row[1], name)
	}
	require.Zero(t, b.Totals().Calls)
}

func TestResponsesGoodRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), responsesSpeech()
	status, text, err := b.say(t, s, "m", false, `"instructions":"s"`, `"store":false`, `"metadata":{"k":"v"}`, `"top_logprobs":null`, `"reasoning":null`,
		`"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"}`, `"stream_options":null`,
		`"input":[{"type":"message","role":"developer","content":"d"},{"role":"user","content":[{"type":"input_text","text":"a"},`+
			`{"type":"input_image","image_url":"https://example.com/a.png","detail":"auto"},{"type":"input_file","file_data":"AA==","filename":"f.pdf"}]},`+
			`{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"t"}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},`+
			`{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"r"}]},`+
			`{"type":"function_call_output","call_id":"c1","output":"r"}]`)
	require.NoError(t, err)
	require.Equal(t, 200, status, text)
	require.Equal(t, sim.Row{Calls: 1, Completed: 1, Reported: s.understand(t, text, false).usage}, b.Totals().Row)
}
