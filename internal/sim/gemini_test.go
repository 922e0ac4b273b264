package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// The shape on the wire is fixed to the byte: a change of it is a change of what clients see.
func TestGeminiOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	_, text, err := b.say(t, s, "sim-large?tokens=2&cached=2&cache_write=3&reasoning=5", false)
	require.NoError(t, err)
	var signature string
	before, after, _ := strings.Cut(text, `"thoughtSignature":"`)
	signature, after, _ = strings.Cut(after, `"`)
	require.Len(t, signature, 88)
	want := `{"candidates":[{"content":{"parts":[{"text":"and last",}],"role":"model"},"finishReason":"STOP","index":0}],` +
		`"usageMetadata":{"promptTokenCount":7,"cachedContentTokenCount":2,"candidatesTokenCount":2,"thoughtsTokenCount":5,"totalTokenCount":14,` +
		`"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}],"serviceTier":"standard"},"modelVersion":"sim-large","responseId":"sim-1"}`
	require.Equal(t, want, before+after)
	require.Equal(t, sim.Usage{Prompt: 7, Cached: 2, Reasoning: 5, Completion: 7}, b.Totals().Dialects["gemini"].Reported)
}

func TestGeminiStreamOnTheWire(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	answer := b.speak(t, s, "sim-large?tokens=2", true)
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	chunk := func(part, finish, count, total string) string {
		return `data: {"candidates":[{"content":{"parts":[{"text":"` + part + `"}],"role":"model"}` + finish + `,"index":0}],"usageMetadata":{"promptTokenCount":7` +
			`,"candidatesTokenCount":` + count + `,"totalTokenCount":` + total + `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}],"serviceTier":"standard"},` +
			`"modelVersion":"sim-large","responseId":"sim-1"}` + "\r\n\r\n"
	}
	require.Equal(t, chunk("and", "", "1", "8")+chunk(" last", "", "2", "9")+chunk("", `,"finishReason":"STOP"`, "2", "9"), string(text))
}

func TestGeminiRoutes(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	body := s.body("", false)
	for path, status := range map[string]int{
		"/v1beta/models/m:generateContent":                                                         200,
		"/v1/models/m:generateContent":                                                             200,
		"/v1/projects/p/locations/l/publishers/google/models/m:generateContent":                    200,
		"/v1beta1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent?alt=sse": 200,
		"/v1beta/models/m%3Ftokens=3:generateContent":                                              200,
		"/v1beta/models/m%3Ffault=429%26key=a:b%26times=1:generateContent":                         429,
		"/v1beta/models/m:fly":                                                                     404,
		"/v1beta/models/m":                                                                         404,
		"/v2/models/m:generateContent":                                                             404,
		"/v1/projects/p/locations/l/publishers/other/models/m:generateContent":                     404,
		"/v1beta/models/m%3Fx=1:generateContent":                                                   400,
		"/v1beta/models/:generateContent":                                                          404,
		"/v1beta/models/m%20m:generateContent":                                                     404,
	} {
		answer, text := b.send(t, http.MethodPost, path, body, "X-Goog-Api-Key", apiKey, "Content-Type", "application/json")
		require.Equal(t, status, answer.StatusCode, path+": "+text)
	}
	answer, text := b.send(t, http.MethodGet, "/v1/models", "", "Authorization", "Bearer "+apiKey)
	require.Equal(t, 200, answer.StatusCode)
	require.Contains(t, text, `"object":"list"`)
}

func TestGeminiKeys(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	const path = "/v1beta/models/m:generateContent"
	for name, row := range map[string]struct {
		path, header, value string
		status              int
	}{
		"header":    {path, "X-Goog-Api-Key", apiKey, 200},
		"query":     {path + "?key=" + apiKey, "X-Other", "", 200},
		"bearer":    {path, "Authorization", "Bearer " + apiKey, 200},
		"none":      {path, "X-Other", "", 400},
		"wrong":     {path, "X-Goog-Api-Key", "k", 400},
		"wrong key": {path + "?key=k", "X-Other", "", 400},
	} {
		answer, text := b.send(t, http.MethodPost, row.path, s.body("", false), row.header, row.value, "Content-Type", "application/json")
		require.Equal(t, row.status, answer.StatusCode, name)
		if row.status != 200 {
			require.Equal(t, "INVALID_ARGUMENT", s.errorKind(t, text))
			require.Contains(t, text, `"reason":"API_KEY_INVALID"`)
		}
	}
}

// A client that does not ask for events gets an array.
func TestGeminiStreamAsAnArray(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	answer, text := b.send(t, http.MethodPost, "/v1beta/models/m:streamGenerateContent", s.body("", true), "X-Goog-Api-Key", apiKey, "Content-Type", "application/json")
	require.Equal(t, "application/json; charset=UTF-8", answer.Header.Get("Content-Type"))
	var list []json.RawMessage
	parse(t, text, &list)
	require.Len(t, list, 17)
	var h heard
	for _, one := range list {
		h.gemini(t, string(one))
	}
	require.Equal(t, b.hear(t, s, "m", false).text, h.text)
}

const geminiTools = `"tools":[{"functionDeclarations":[{"name":"weather","parametersJsonSchema":{"type":"object","const":1}},` +
	`{"name":"clock","description":"d","parameters":{"type":"OBJECT","properties":{"zone":{"type":"STRING"}}}}]}]`

func TestGeminiFunctionCalls(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	whole := b.hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", false, geminiTools)
	parts := b.hear(t, s, "m?tools=3&words=4&tokens=5&reasoning=2", true, geminiTools)
	require.Equal(t, "STOP", whole.finish)
	require.Equal(t, whole.text, parts.text)
	require.Equal(t, whole.usage, parts.usage)
	require.EqualValues(t, 2+5+3*(2+4), whole.usage.Completion)
	require.Len(t, whole.calls, 3)
	for i, call := range whole.calls {
		require.Equal(t, []string{"weather", "clock", "weather"}[i], call.Name)
		require.Equal(t, []string{call.Name, call.Arguments, call.Signature}, []string{parts.calls[i].Name, parts.calls[i].Arguments, parts.calls[i].Signature})
		require.NotEmpty(t, call.ID)
		require.Equal(t, i == 0, call.Signature != "", "the first is signed")
		var input struct{ Text string }
		parse(t, call.Arguments, &input)
		require.Len(t, strings.Fields(input.Text), 4)
	}
	mode := func(config string) string {
		return `"toolConfig":{"functionCallingConfig":{` + config + `}}`
	}
	for config, want := range map[string]string{
		mode(`"mode":"ANY"`): "weather", mode(`"mode":"ANY","allowedFunctionNames":["clock"]`): "clock", mode(`"mode":"AUTO"`): "", mode(`"mode":"NONE"`): "",
	} {
		got := b.hear(t, s, "m", true, geminiTools, config)
		var names string
		for _, call := range got.calls {
			names += call.Name
		}
		require.Equal(t, want, names, config)
	}
	cut := b.hear(t, s, "m?tools=2&words=4", true, geminiTools, s.capped(9))
	require.Equal(t, "MAX_TOKENS", cut.finish)
	require.Len(t, cut.calls, 1, "a call comes whole or not at all")
	require.EqualValues(t, 9, cut.usage.Completion)
}

func TestGeminiSignatures(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	first := b.hear(t, s, "m?tools=2", false, geminiTools)
	again := func(model, signature string) (int, string) {
		sign := ""
		if signature != "" {
			sign = `,"thoughtSignature":"` + signature + `"`
		}
		status, text, err := b.say(t, s, model, false, geminiTools, `"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[`+
			`{"functionCall":{"id":"c1","name":"weather","args":{}}`+sign+`},{"functionCall":{"name":"clock","args":{}}}]},{"role":"user","parts":[`+
			`{"functionResponse":{"id":"c1","name":"weather","response":{"r":1}}},{"functionResponse":{"name":"clock","response":{}}}]}]`)
		require.NoError(t, err)
		return status, text
	}
	for _, row := range []struct {
		model, signature string
		status           int
	}{
		{"m", first.calls[0].Signature, 200},
		{"m?signed=1", first.calls[0].Signature, 200},
		{"m?signed=1", "skip_thought_signature_validator", 200},
		{"m", "", 200},
		{"m?signed=1", "", 400},
		{"m", "AAAA", 400},
	} {
		status, text := again(row.model, row.signature)
		require.Equal(t, row.status, status, row.model+": "+text)
	}
}

func TestGeminiThoughtsAndEnds(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	const shown = `"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":100}}`
	whole, parts := b.hear(t, s, "m?reasoning=6", false, shown), b.hear(t, s, "m?reasoning=6", true, shown)
	require.Len(t, strings.Fields(whole.thought), 6)
	require.Equal(t, whole.thought, parts.thought)
	require.Equal(t, whole.usage, parts.usage)
	require.Empty(t, b.hear(t, s, "m?reasoning=6", true).thought)
	for control, want := range map[string]string{
		"finish=filter": "SAFETY", "finish=refusal": "SAFETY", "finish=blocked": "PROHIBITED_CONTENT", "finish=bad_call": "MALFORMED_FUNCTION_CALL", "": "STOP",
	} {
		for _, stream := range []bool{false, true} {
			got := b.hear(t, s, "m?"+control, stream)
			require.Equal(t, want, got.finish)
			require.Equal(t, control == "finish=blocked", got.usage.Completion == 0)
		}
	}
	two := `"generationConfig":{"candidateCount":2}`
	require.EqualValues(t, 32, b.hear(t, s, "m", false, two).usage.Completion)
	require.EqualValues(t, 32, b.hear(t, s, "m", true, two).usage.Completion)
}

// The usage of a chunk is what has been produced up to it.
func TestGeminiRunningUsage(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	_, text, err := b.say(t, s, "m?fault=cut&variant=close&after=6&reasoning=3", true)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	got := s.understand(t, text, true)
	require.Equal(t, b.Totals().Unreported, got.usage)
}

func TestGeminiBadRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	contents := func(list string) string { return `{"contents":[` + list + `]}` }
	more := func(fields ...string) string { return s.body("", false, fields...) }
	config := func(fields string) string { return more(`"generationConfig":{` + fields + `}`) }
	declare := func(fields string) string { return more(`"tools":[{"functionDeclarations":[{` + fields + `}]}]`) }
	const user = `{"role":"user","parts":[{"text":"a"}]}`
	const call = `{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]}`
	const response = `{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}`
	for name, row := range map[string][2]string{
		"no JSON":                 {`x`, "could not parse"},
		"more behind it":          {more() + `{}`, "could not parse"},
		"a list":                  {`[]`, "expected an object"},
		"no contents":             {`{}`, "contents is not specified"},
		"empty contents":          {contents(``), "contents is not specified"},
		"unknown member":          {more(`"messages":[]`), `Unknown name "messages": Cannot find field.`},
		"unknown inner member":    {config(`"maxTokens":5`), `Unknown name "max_tokens" at 'generation_config': Cannot find field.`},
		"unknown part member":     {contents(`{"parts":[{"txt":"a"}]}`), `Unknown name "txt" at 'contents[0].parts[0]': Cannot find field.`},
		"no parts":                {contents(`{"role":"user"}`), "contents[0].parts: contents.parts must not be empty"},
		"empty parts":             {contents(`{"role":"user","parts":[]}`), "must not be empty"},
		"empty part":              {contents(`{"parts":[{}]}`), "must have one initialized field"},
		"two kinds in a part":     {contents(`{"parts":[{"text":"a","inlineData":{"data":"AA=="}}]}`), "oneof field 'data' is already set"},
		"role assistant":          {contents(`{"role":"assistant","parts":[{"text":"a"}]}`), "valid role: user, model"},
		"text a number":           {contents(`{"parts":[{"text":1}]}`), "Invalid value at 'contents[0].parts[0].text'"},
		"call first":              {contents(call), "comes immediately after a user turn"},
		"call unanswered":         {contents(user + `,` + call), "number of function response parts is equal"},
		"call, then text":         {contents(user + `,` + call + `,` + user), "number of function response parts is equal"},
		"response of nothing":     {contents(user + `,` + response), "immediately after a function call turn"},
		"call by user":            {contents(user + `,` + strings.Replace(call, "model", "user", 1)), "are of the model"},
		"call without name":       {contents(user + `,` + strings.Replace(call, `"name":"f",`, "", 1)), "Name cannot be empty"},
		"args a string":           {contents(user + `,` + strings.Replace(call, `{}`, `"{}"`, 1)), "expected an object"},
		"response a string":       {contents(user + `,` + call + `,` + strings.Replace(response, `{}`, `"x"`, 1)), "expected an object"},
		"max tokens 0":            {config(`"maxOutputTokens":0`), "greater than or equal to 1"},
		"temperature 3":           {config(`"temperature":3`), "less than or equal to 2"},
		"nine candidates":         {config(`"candidateCount":9`), "less than or equal to 8"},
		"six stops":               {config(`"stopSequences":["1","2","3","4","5","6"]`), "at most 5"},
		"budget and level":        {config(`"thinkingConfig":{"thinkingBudget":5,"thinkingLevel":"LOW"}`), "only one of thinking budget"},
		"a wrong level":           {config(`"thinkingConfig":{"thinkingLevel":"ALL"}`), "no thinking level"},
		"schema without mime":     {config(`"responseSchema":{"type":"OBJECT"}`), "response_mime_type"},
		"schema with const":       {declare(`"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"anyOf":[{"const":1}]}}}`), `Unknown name "const" at 'tools[0].function_declarations[0].parameters.prope`},
		"two schemas":             {declare(`"name":"f","parameters":{},"parametersJsonSchema":{}`), "only one of"},
		"function's name":         {declare(`"name":"1f"`), "Invalid function name"},
		"the same name twice":     {more(`"tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}]`), "Duplicate function declaration found: f"},
		"tool of OpenAI":          {more(`"tools":[{"type":"function"}]`), `Unknown name "type" at 'tools[0]'`},
		"any without tools":       {more(`"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`), "without function_declarations"},
		"allowed with auto":       {more(geminiTools, `"toolConfig":{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["clock"]}}`), "needs the mode ANY"},
		"allowed but not there":   {more(geminiTools, `"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["x"]}}`), "is not declared"},
		"a wrong mode":            {more(`"toolConfig":{"functionCallingConfig":{"mode":"SOME"}}`), "is no mode"},
		"stream asked in a field": {more(streamed), `Unknown name "stream"`},
	} {
		answer, text := b.send(t, http.MethodPost, "/v1beta/models/m:generateContent", row[0], append(s.headers, "Content-Type", "application/json")...)
		require.Equal(t, 400, answer.StatusCode, name+": "+text)
		require.Equal(t, "INVALID_ARGUMENT", s.errorKind(t, text))
		require.Contains(t, strings.ReplaceAll(text, `\"`, `"`), row[1], name)
	}
	require.Zero(t, b.Totals().Calls)
}

func TestGeminiGoodRequests(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	for name, body := range map[string]string{
		"no role":         `{"contents":[{"parts":[{"text":"a"}]}]}`,
		"signature alone": `{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"},{"thoughtSignature":"skip_thought_signature_validator"}]},{"parts":[{"text":"c"}]}]}`,
		"one part":        `{"contents":[{"parts":{"text":"a"}}]}`,
		"snake case":      `{"contents":[{"parts":[{"inline_data":{"mime_type":"image/png","data":"AA=="}}]}],"system_instruction":{"parts":[{"text":"s"}]},"generation_config":{"max_output_tokens":5,"stop_sequences":["x"],"top_p":0.5}}`,
		"files":           `{"contents":[{"parts":[{"fileData":{"fileUri":"gs://b/o","mimeType":"application/pdf"}},{"text":"a"}]}]}`,
		"all else": `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b","thought":true},{"text":""}]},{"role":"user","parts":[{"text":"c"}]}],` +
			`"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],"cachedContent":"cachedContents/1","labels":{"k":"v"},` +
			`"generationConfig":{"seed":-5,"topK":40,"responseMimeType":"application/json","responseJsonSchema":{"type":"object","const":1},"responseModalities":["TEXT"],"presencePenalty":1},` +
			`"tools":[{"googleSearch":{}},{"codeExecution":{}}]}`,
	} {
		answer, text := b.send(t, http.MethodPost, "/v1beta/models/m:generateContent", body, append(s.headers, "Content-Type", "application/json")...)
		require.Equal(t, 200, answer.StatusCode, name+": "+text)
	}
}

func TestGeminiCountTokens(t *testing.T) {
	t.Parallel()
	b, s := setup(t), geminiSpeech()
	headers := append(s.headers, "Content-Type", "application/json")
	_, text := b.send(t, http.MethodPost, "/v1beta/models/m:countTokens", s.body("", false), headers...)
	require.JSONEq(t, `{"totalTokens":7,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]}`, text)
	_, inner := b.send(t, http.MethodPost, "/v1beta/models/m:countTokens", `{"generateContentRequest":{"model":"models/m",`+s.body("", false)[1:]+`}`, headers...)
	require.JSONEq(t, text, inner)
	totals := b.Totals()
	require.Equal(t, []int64{2, 0}, []int64{totals.Counted, totals.Calls})
}
