package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

func scan(t *testing.T, body string) *gemini.Request {
	t.Helper()
	var s gemini.Scanner
	q, err := s.Request([]byte(body), "m", true)
	require.NoError(t, err, body)
	return q
}

func TestSplice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{` + hello + ` }`:                                                    `{` + hello + ` ,"generationConfig":{"maxOutputTokens":70}}`,
		`{"generationConfig" : null,` + hello + `}`:                           `{"generationConfig" : {"maxOutputTokens":70},` + hello + `}`,
		`{"generation_config":{ },` + hello + `}`:                             `{"generation_config":{"maxOutputTokens":70 },` + hello + `}`,
		`{"generationConfig": {"topK":1},` + hello + `}`:                      `{"generationConfig": {"maxOutputTokens":70,"topK":1},` + hello + `}`,
		`{` + hello + `,"generationConfig":{"a":{},"maxOutputTokens" : 5 }} `: `{` + hello + `,"generationConfig":{"a":{},"maxOutputTokens" : 70 }} `,
		`{` + hello + `,"generationConfig":{"max_output_tokens":null}}`:       `{` + hello + `,"generationConfig":{"max_output_tokens":70}}`,
		`{` + hello + `,"generationConfig":{"max\u004futputTokens":9,"x":1}}`: `{` + hello + `,"generationConfig":{"max\u004futputTokens":70,"x":1}}`,
		`{` + hello + `,"generationConfig":{"maxOutputTokens":70},"new":"ü"}`: `{` + hello + `,"generationConfig":{"maxOutputTokens":70},"new":"ü"}`,
	} {
		require.Equal(t, "head"+want, string(scan(t, body).Splice([]byte("head"), 70)), body)
	}
}

func TestWhatIsScanned(t *testing.T) {
	t.Parallel()
	q := scan(t, `{`+hello+`,"generationConfig":{"candidateCount":3,"max_output_tokens":77,"thinkingConfig":7},"tools":[{"functionDeclarations":[{"x":1}]}],"safetySettings":7}`)
	require.Equal(t, []any{"m", true, int64(3), int64(77), false}, []any{q.Model, q.Stream, q.Choices, q.Cap, q.Foreign})
	require.Equal(t, int64(1), scan(t, `{`+hello+`}`).Choices)
	require.True(t, scan(t, `{"contents":[{"role":"model","parts":[{"text":"","thought":true,"thought_signature":"bXIxfHJlc3BvbnNlc3xyfGdBQUE="}]}]}`).Foreign)
	require.False(t, scan(t, `{"contents":[{"role":"model","parts":[{"text":"","thoughtSignature":"CpcB"}]}]}`).Foreign)
}

func TestPromptBound(t *testing.T) {
	t.Parallel()
	const context, perImage = 1 << 40, 1000
	body := `{"contents":[{"parts":[{"text":"a"},{"inline_data":{"mime_type":"Image/PNG","data":"AAAAAAAAAA=="}},
		{"functionResponse":{"parts":[{"inlineData":{"data":"AAAA","mimeType":"image/png"}}]}}]}]}`
	require.Equal(t, int64(len(body)-len(`"AAAAAAAAAA=="`)-len(`"AAAA"`)+2*perImage), scan(t, body).PromptBound(context, perImage))
	require.Equal(t, int64(5), scan(t, body).PromptBound(5, perImage))
	for _, opaque := range []string{
		`{"contents":[{"parts":[{"fileData":{"fileUri":"u"}}]}]}`,
		`{"contents":[{"parts":[{"inlineData":{"data":"AA"}}]}]}`,
		`{"contents":[{"parts":[{"inlineData":{"mimeType":"application/pdf","data":"AA"}}]}]}`,
		`{"contents":[{"parts":[{"functionResponse":{"parts":[{"fileData":{}}]}}]}]}`,
		`{"contents":[{"parts":[{"somethingNew":{}}]}]}`,
		`{"systemInstruction":{"parts":{"file_data":{}}},` + hello + `}`,
		`{` + hello + `,"tools":[{"google_search":{}}]}`,
		`{` + hello + `,"tools":{"urlContext":{}}}`,
		`{` + hello + `,"cachedContent":"c"}`,
	} {
		require.Equal(t, int64(context), scan(t, opaque).PromptBound(context, perImage), opaque)
	}
	require.Less(t, scan(t, `{`+hello+`,"tools":[{"googleSearch":null}],"cachedContent":null}`).PromptBound(context, perImage), int64(1000))
}

func TestWhatIsNotScanned(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{}`: "contents", `{"contents":[]}`: "contents", `{` + hello + `}{}`: "", `{` + hello + `,"contents":[]}`: "",
		`{` + hello + `,"model":"x"}`:                                                     "model",
		`{` + hello + `,"generationConfig":[]}`:                                           "generationConfig",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":"7"}}`:                      "generationConfig.maxOutputTokens",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":1e3}}`:                      "generationConfig.maxOutputTokens",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}`:  "generationConfig",
		`{` + hello + `,"generationConfig":{},"generation_config":{"maxOutputTokens":9}}`: "",
		`{` + hello + `,"generationConfig":{"candidateCount":0}}`:                         "generationConfig.candidateCount",
		`{"contents":[{"parts":[{"text":"a","thoughtSignature":7}]}]}`:                    "contents[0].parts[0].thoughtSignature",
		`{"contents":[` + strings.Repeat(`{},`, gemini.MaxContents) + `{}]}`:              "contents[10000]",
	} {
		var s gemini.Scanner
		_, err := s.Request([]byte(body), "m", false)
		requireRefused(t, err, param)
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	var s gemini.Scanner
	q, err := s.Request([]byte(`{"systemInstruction":{"parts":{"text":"s\n"}},"contents":[{"role":"user","parts":[{"text":"one"},{"inlineData":{"mimeType":"image/png","data":"AA"}}]},
		{"parts":[{"functionCall":{"a":1}}]}],"tools":[{"b":2}],"generationConfig":{"responseSchema":{"c":3},"topK":1}}`), "m", false)
	require.NoError(t, err)
	p, err := s.Prompt(q)
	require.NoError(t, err)
	require.Equal(t, meter.Prompt{Text: "s\n" + `one{"a":1}[{"b":2}]{"c":3}`, Messages: 2, Images: 1}, p)
}

const vendorAnswer = `{ "candidates": [{"content": {"parts": [{"text": "hm", "thought": true}, {"text": "Hi"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]}, "finishReason": "STOP", "index": 0}],
 "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}, "modelVersion": "vendor's", "new": [1, 2], "responseId": "theirs" }`

func TestAnswersPassThrough(t *testing.T) {
	t.Parallel()
	w := gemini.NewRewrite("gen-1", "a/b")
	var s gemini.Scanner
	p := meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
	a, err := s.Answer([]byte(vendorAnswer), &p)
	require.NoError(t, err)
	require.True(t, p.Any())
	require.Equal(t, "theirs", a.ID)
	require.Equal(t, chat.ToolCalls, a.Finish)
	require.Equal(t, "STOP", a.Native)
	require.Equal(t, meter.Report{Given: true, Prompt: 3, Total: 3, HasTotal: true}, a.Report)
	var c meter.Counter
	u, err := c.Estimate(meter.Prompt{}, &p, meter.Bounds{Context: 99, Prompt: 99, Completion: 99})
	require.NoError(t, err)
	require.Positive(t, u["output"])
	require.Positive(t, u["reasoning"])

	named := strings.NewReplacer(`"vendor's"`, `"a/b"`, `"theirs"`, `"gen-1"`).Replace(vendorAnswer)
	const old = `{"promptTokenCount": 3, "totalTokenCount": 3}`
	require.Equal(t, strings.Replace(named, old, `{"cost":1}`, 1), string(a.Append(nil, &w, []byte(`{"cost":1}`))))
	require.Equal(t, "data: "+strings.ReplaceAll(named, "\n", " ")+"\n\n", string(a.AppendEvent(nil, &w)))
	require.Equal(t, "data: "+strings.ReplaceAll(strings.Replace(named, old, `{"cost":1}`, 1), "\n", " ")+"\n\n", string(a.AppendEnd(nil, &w, []byte(`{"cost":1}`))))

	bare, err := s.Answer([]byte(`{"candidates":[{"finishReason":"MAX_TOKENS"}] }`), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, chat.Length, bare.Finish)
	requireBytes(t, `{"candidates":[{"finishReason":"MAX_TOKENS"}] ,"usageMetadata":{"cost":1},"modelVersion":"a/b","responseId":"gen-1"}`, bare.Append(nil, &w, []byte(`{"cost":1}`)))
	const none = `data: {"usageMetadata":{"cost":1},"modelVersion":"a/b","responseId":"gen-1"}` + "\n\n"
	require.Equal(t, none, string(w.AppendEnd(nil, []byte(`{"cost":1}`))))
	require.Equal(t, none+`data: {"error":{"code":500}}`+"\n\n", string(w.AppendFailure(nil, []byte(`{"code":500}`), []byte(`{"cost":1}`))))
	require.Equal(t, `data: {"error":{"code":500}}`+"\n\n", string(w.AppendFailure(nil, []byte("{\"code\":500}\n"), nil)))
}

func TestCallsAreRememberedToTheEnd(t *testing.T) {
	t.Parallel()
	var s gemini.Scanner
	_, err := s.Answer([]byte(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}`), new(meter.Produced))
	require.NoError(t, err)
	a, err := s.Answer([]byte(`{"candidates":[{"finishReason":"STOP"}]}`), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, chat.ToolCalls, a.Finish)
	_, err = s.Request([]byte(`{`+hello+`}`), "m", true)
	require.NoError(t, err)
	a, err = s.Answer([]byte(`{"candidates":[{"finishReason":"STOP"}]}`), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, chat.Stopped, a.Finish)
}

func TestWhatDoesNotPassThrough(t *testing.T) {
	t.Parallel()
	var s gemini.Scanner
	for _, body := range []string{``, `[]`, `{}`, `{"choices":[]}`, `{"candidates":[]`, `{"candidates":[]} x`} {
		_, err := s.Answer([]byte(body), new(meter.Produced))
		require.Error(t, err, body)
	}
	a, err := s.Answer([]byte(`{"error":{"code":503,"status":"UNAVAILABLE"}}`), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, &chat.Failure{Type: "UNAVAILABLE", Code: "503"}, a.Failure)
	a, err = s.Answer([]byte(`{"promptFeedback":{"blockReason":"SAFETY"}}`), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, chat.ContentFilter, a.Finish)
}

// FuzzSplice: whatever is accepted goes out as JSON that differs in the output cap only, and means the same to ParseRequest.
func FuzzSplice(f *testing.F) {
	for _, seed := range []string{
		`{` + hello + `,"generationConfig":{"maxOutputTokens":7}}`, `{"generation_config" : { } ,` + hello + `}`, `{` + hello + `,"generationConfig":null}`,
		`{` + hello + `,"generationConfig":{"max_output_tokens":null,"candidateCount":2},"x":"\ud83d\ude00"}`, `{` + hello + `,"tools":[{"googleSearch":{}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var s gemini.Scanner
		before := string(body)
		q, err := s.Request(body, "m", true)
		if err != nil {
			return
		}
		_, err = s.Prompt(q)
		require.NoError(t, err)
		require.Positive(t, q.PromptBound(1<<40, 10))
		out := q.Splice(nil, 77)
		require.Equal(t, before, string(body), "nothing changes the body")
		again, err := s.Request(out, "m", true)
		require.NoError(t, err, "%s", out)
		require.Equal(t, int64(77), again.Cap)
		require.Equal(t, q.Choices, again.Choices)
		var was, is map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &was))
		require.NoError(t, json.Unmarshal(out, &is))
		for _, config := range []string{"generationConfig", "generation_config"} {
			delete(was, config)
			delete(is, config)
		}
		require.Equal(t, was, is)
		one, errOne := gemini.ParseRequest(body, "m", true)
		two, errTwo := gemini.ParseRequest(out, "m", true)
		require.Equal(t, errOne == nil, errTwo == nil)
		if errOne == nil {
			one.MaxTokens = 77
			require.Equal(t, one, two)
		}
	})
}

// FuzzAnswer: no bytes of a vendor break the scanner, and what is rewritten is JSON if the answer was.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(vendorAnswer))
	f.Add([]byte(`{"usageMetadata":null,"responseId":7,"modelVersion":{}}`))
	f.Add([]byte(`{"error":{"code":429}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var s gemini.Scanner
		p := meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
		a, err := s.Answer(body, &p)
		if err != nil {
			return
		}
		if read, err := (gemini.Reader{}).Answer(body); err == nil {
			require.Equal(t, read.Report, a.Report)
			require.Equal(t, read.ID, a.ID)
			if len(read.Choices) == 1 {
				require.Equal(t, read.Choices[0].Finish, a.Finish)
			}
		}
		w := gemini.NewRewrite("gen-1", "a/b")
		require.True(t, json.Valid(a.Append(nil, &w, []byte(`{"cost":1}`))))
		event := string(a.AppendEvent(nil, &w))
		require.Equal(t, len(event)-2, strings.Index(event, "\n"))
		require.True(t, json.Valid([]byte(strings.TrimPrefix(event, "data: "))))
	})
}
