package sim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func TestBadRequestsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *sim.Options) { o.MaxBody = 4096 })
	msg := func(fields string) string {
		return `{"model":"m","messages":[{"role":"user","content":"a"},{` + fields + `}]}`
	}
	rows := map[string]struct {
		body, code, param string
	}{
		"empty":                         {``, "invalid_json", ""},
		"no JSON":                       {`hello`, "invalid_json", ""},
		"cut off":                       {ask("m")[:30], "invalid_json", ""},
		"more behind it":                {ask("m") + `{}`, "invalid_json", ""},
		"garbage behind it":             {ask("m") + `x`, "invalid_json", ""},
		"broken UTF-8":                  {`{"model":"m","messages":[{"role":"user","content":"` + "\xff" + `"}]}`, "invalid_json", ""},
		"lone surrogate":                {`{"model":"m","messages":[{"role":"user","content":"\ud800"}]}`, "invalid_json", ""},
		"raw control character":         {"{\"model\":\"m\x01\"}", "invalid_json", ""},
		"an array":                      {`[]`, "invalid_type", ""},
		"null":                          {`null`, "invalid_type", ""},
		"nested too deep":               {`{"x":` + strings.Repeat("[", 3000), "invalid_json", ""},
		"no model":                      {`{"messages":[{"role":"user","content":"a"}]}`, "missing_required_parameter", "model"},
		"model a number":                {`{"model":5}`, "invalid_type", "model"},
		"model null":                    {`{"model":null}`, "invalid_type", "model"},
		"model too long":                {ask(strings.Repeat("m", 3000)), "invalid_value", "model"},
		"no messages":                   {`{"model":"m"}`, "missing_required_parameter", "messages"},
		"messages null":                 {`{"model":"m","messages":null}`, "invalid_type", "messages"},
		"messages a string":             {`{"model":"m","messages":"hi"}`, "invalid_type", "messages"},
		"messages empty":                {`{"model":"m","messages":[]}`, "empty_array", "messages"},
		"a message a string":            {`{"model":"m","messages":["hi"]}`, "invalid_type", "messages[0]"},
		"no role":                       {msg(`"content":"a"`), "missing_required_parameter", "messages[1].role"},
		"unknown role":                  {msg(`"role":"boss","content":"a"`), "invalid_value", "messages[1].role"},
		"role a number":                 {msg(`"role":1,"content":"a"`), "invalid_type", "messages[1].role"},
		"no content":                    {msg(`"role":"user"`), "missing_required_parameter", "messages[1].content"},
		"content null":                  {msg(`"role":"user","content":null`), "missing_required_parameter", "messages[1].content"},
		"content a number":              {msg(`"role":"user","content":1`), "invalid_type", "messages[1].content"},
		"assistant says nothing":        {msg(`"role":"assistant","content":null`), "missing_required_parameter", "messages[1].content"},
		"tool without its call":         {msg(`"role":"tool","content":"a"`), "missing_required_parameter", "messages[1].tool_call_id"},
		"name a number":                 {msg(`"role":"user","content":"a","name":4`), "invalid_type", "messages[1].name"},
		"a part a string":               {msg(`"role":"user","content":["a"]`), "invalid_type", "messages[1].content[0]"},
		"a part without a type":         {msg(`"role":"user","content":[{"text":"a"}]`), "missing_required_parameter", "messages[1].content[0].type"},
		"a part of unknown type":        {msg(`"role":"user","content":[{"type":"smell","text":"a"}]`), "invalid_value", "messages[1].content[0].type"},
		"a text part without text":      {msg(`"role":"user","content":[{"type":"text"}]`), "missing_required_parameter", "messages[1].content[0].text"},
		"an image part without image":   {msg(`"role":"user","content":[{"type":"image_url"}]`), "missing_required_parameter", "messages[1].content[0]"},
		"a part's text a number":        {msg(`"role":"user","content":[{"type":"text","text":1}]`), "invalid_type", "messages[1].content[0].text"},
		"stream a string":               {ask("m", `"stream":"true"`), "invalid_type", "stream"},
		"stream_options without stream": {ask("m", withUsage), "invalid_value", "stream_options"},
		"stream_options a number":       {ask("m", streamed, `"stream_options":1`), "invalid_type", "stream_options"},
		"include_usage a string":        {ask("m", streamed, `"stream_options":{"include_usage":"y"}`), "invalid_type", "stream_options.include_usage"},
		"max_tokens zero":               {ask("m", `"max_tokens":0`), "integer_below_min_value", "max_tokens"},
		"max_tokens negative":           {ask("m", `"max_tokens":-1`), "integer_below_min_value", "max_tokens"},
		"max_tokens huge":               {ask("m", `"max_tokens":10000001`), "integer_above_max_value", "max_tokens"},
		"max_tokens beyond 64 bits":     {ask("m", `"max_tokens":99999999999999999999`), "integer_above_max_value", "max_tokens"},
		"max_tokens far below":          {ask("m", `"max_tokens":-99999999999999999999`), "integer_below_min_value", "max_tokens"},
		"max_tokens fractional":         {ask("m", `"max_tokens":1.5`), "invalid_type", "max_tokens"},
		"max_tokens with an exponent":   {ask("m", `"max_tokens":1e2`), "invalid_type", "max_tokens"},
		"max_tokens a string":           {ask("m", `"max_tokens":"1"`), "invalid_type", "max_tokens"},
		"max_completion_tokens zero":    {ask("m", `"max_completion_tokens":0`), "integer_below_min_value", "max_completion_tokens"},
		"both caps":                     {ask("m", `"max_tokens":1,"max_completion_tokens":1`), "invalid_parameter_combination", "max_tokens"},
		"n zero":                        {ask("m", `"n":0`), "integer_below_min_value", "n"},
		"n too many":                    {ask("m", `"n":129`), "integer_above_max_value", "n"},
		"n times tokens":                {ask("m?tokens=1000000", `"n":3`), "invalid_sim_control", "n"},
		"seed fractional":               {ask("m", `"seed":0.5`), "invalid_type", "seed"},
		"temperature too hot":           {ask("m", `"temperature":2.1`), "decimal_above_max_value", "temperature"},
		"temperature beyond floats":     {ask("m", `"temperature":1e999`), "decimal_above_max_value", "temperature"},
		"temperature negative":          {ask("m", `"temperature":-0.1`), "decimal_below_min_value", "temperature"},
		"temperature a string":          {ask("m", `"temperature":"1"`), "invalid_type", "temperature"},
		"top_p too large":               {ask("m", `"top_p":1.01`), "decimal_above_max_value", "top_p"},
		"presence_penalty too small":    {ask("m", `"presence_penalty":-3`), "decimal_below_min_value", "presence_penalty"},
		"frequency_penalty too large":   {ask("m", `"frequency_penalty":3`), "decimal_above_max_value", "frequency_penalty"},
		"stop a number":                 {ask("m", `"stop":1`), "invalid_type", "stop"},
		"stop of a number":              {ask("m", `"stop":[1]`), "invalid_type", "stop[0]"},
		"five stops":                    {ask("m", `"stop":["1","2","3","4","5"]`), "array_above_max_length", "stop"},
		"tools an object":               {ask("m", `"tools":{}`), "invalid_type", "tools"},
		"tools empty":                   {ask("m", `"tools":[]`), "empty_array", "tools"},
		"a tool of unknown type":        {ask("m", `"tools":[{"type":"magic"}]`), "invalid_value", "tools[0].type"},
		"a tool without a function":     {ask("m", `"tools":[{"type":"function"}]`), "missing_required_parameter", "tools[0].function.name"},
		"a function of a bad name":      {ask("m", `"tools":[{"type":"function","function":{"name":"a b"}}]`), "invalid_value", "tools[0].function.name"},
		"a function a string":           {ask("m", `"tools":[{"type":"function","function":"f"}]`), "invalid_type", "tools[0].function"},
		"tool_choice without tools":     {ask("m", `"tool_choice":"auto"`), "invalid_value", "tool_choice"},
		"tool_choice of no tool":        {ask("m", `"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`), "invalid_value", "tool_choice"},
		"tool_choice unknown":           {ask("m", `"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe"`), "invalid_value", "tool_choice"},
		"tool_choice a number":          {ask("m", `"tool_choice":1`), "invalid_type", "tool_choice"},
		"an unknown control":            {ask("m?color=red"), "invalid_sim_control", "model"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, text := b.post(t, row.body)
			require.Equal(t, 400, status, text)
			requireError(t, text, "invalid_request_error", row.code, row.param)
		})
	}
	t.Cleanup(func() {
		totals := b.Totals()
		var refused int64
		for _, n := range totals.Refused {
			refused += n
		}
		require.EqualValues(t, len(rows), refused)
		require.Zero(t, totals.Row)
	})
}

// requireError checks the shape of an error, in which an empty param is null.
func requireError(t *testing.T, text, kind, code, param string) {
	t.Helper()
	e := decode(t, text).Error
	require.NotNil(t, e, text)
	require.NotEmpty(t, e.Message)
	require.Equal(t, kind, e.Type)
	require.Equal(t, code, deref(e.Code), text)
	require.Equal(t, param, deref(e.Param), text)
	require.NotContains(t, text, apiKey)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func TestRequestsThatPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, body := range map[string]string{
		"all roles": `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"developer","content":"d"},{"role":"user","content":"u","name":"n"},` +
			`{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
			`{"role":"tool","content":"t","tool_call_id":"1"},{"role":"assistant","refusal":"no"},{"role":"function","name":"f","content":"x"}]}`,
		"parts": `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:,"}},` +
			`{"type":"input_audio","input_audio":{}},{"type":"file","file":{}}]}]}`,
		"nulls": ask("m", `"stream":null,"stream_options":null,"max_tokens":null,"max_completion_tokens":null,"n":null,"seed":null,"stop":null,"temperature":null,"tools":null,"tool_choice":null`),
		"edges": ask("m", `"temperature":2,"top_p":0.0,"presence_penalty":-2,"frequency_penalty":2e0,"stop":["a","b"],"seed":-9223372036854775808`),
		"space": " \n" + ask("m") + "\r\n\t ",
	} {
		status, text := b.post(t, body)
		require.Equal(t, 200, status, name+": "+text)
	}
}

func TestPromptIsCountedByTheRule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		ask("m"): 4 + 3,
		`{"model":"m","messages":[{"role":"user","content":""}]}`:                                                                  4,
		`{"model":"m","messages":[{"role":"user","content":"\u00fc\u00fc\u00fc"}]}`:                                                4 + 2,
		`{"model":"m","messages":[{"role":"user","content":"12345","name":"678"}]}`:                                                4 + 2,
		`{"model":"m","messages":[{"role":"user","content":"1"},{"role":"user","content":"12345"}]}`:                               5 + 6,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"1234"},{"type":"image_url","image_url":{}}]}]}`: 4 + 1 + 16,
		`{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[1]}]}`:                                          4 + 1,
		`{"model":"m","messages":[{"role":"user","content":"12345678"}],"messages":[{"role":"user","content":"1"}]}`:               5,
		`{"model":"m","tools":[{"type":"custom","custom":{"name":"c"}}],"messages":[{"role":"user","content":"1"}]}`:               5 + 11,
		`{"model":"m","tools":[{"type":"custom","custom":{"name":"c"}}],"tools":null,"messages":[{"role":"user","content":"1"}]}`:  5,
	} {
		got, err := sim.ParseRequest([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(ask("m", streamed, withUsage)))
	f.Add([]byte(ask("m?fault=cut&after=3", `"n":2,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`)))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\u00e9"},{"type":"file","file":{}}]}]}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","audio":1,"type":"file"}],"temperature":-0.0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		prompt, err := sim.ParseRequest(body)
		if err == nil {
			require.True(t, json.Valid(body), "what passes is JSON")
			require.LessOrEqual(t, prompt, int64(len(body)), "a prompt has no more tokens than its body has bytes")
			require.Positive(t, prompt)
			return
		}
		status, answer := sim.FailureBody(err)
		require.Contains(t, []int{400, 404}, status)
		require.True(t, json.Valid(answer), string(answer))
	})
}
