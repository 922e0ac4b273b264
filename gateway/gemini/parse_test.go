package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
)

const hello = `"contents":[{"parts":[{"text":"hello"}]}]`

func parse(t *testing.T, body string) *chat.Request {
	t.Helper()
	r, err := gemini.ParseRequest([]byte(body), "m", false)
	require.NoError(t, err)
	return r
}

// requireRefused: a refusal with the parameter to blame, which a caller may be told.
func requireRefused(t *testing.T, err error, param string) {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInvalid, e.Code)
	require.Equal(t, param, e.Details["param"], e.Message)
}

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	recorded(t, "requests/*.json", func(t *testing.T, name string, content []byte) {
		t.Helper()
		r, err := gemini.ParseRequest(content, "gemini-3-pro", true)
		require.NoError(t, err)
		golden(t, name, r)
		body, err := gemini.AppendRequest(nil, r, chat.Options{Model: "gemini-3-pro", MaxTokens: 100, DropUnsupported: true})
		require.NoError(t, err)
		golden(t, strings.TrimSuffix(name, ".json")+"_sent.json", json.RawMessage(body))
	})
}

func TestWhatIsRefusedOfCallers(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		`[]`: "", `7`: "", ``: "", `{`: "", `{` + hello + `} x`: "", `{` + hello + `,"contents":[]}`: "",
		`{}`: "contents", `{"contents":[]}`: "contents", `{"contents":null}`: "contents", `{"contents":"hi"}`: "contents",
		`{"contents":[{"parts":[{"text":""}]}]}`:                                                                  "contents",
		`{"contents":["hi"]}`:                                                                                     "contents[0]",
		`{"contents":[{"parts":"hi"}]}`:                                                                           "contents[0].parts",
		`{"contents":[{"parts":[{"text":"a"},{"text":7}]}]}`:                                                      "contents[0].parts[1].text",
		`{"contents":[{"parts":[{}]}]}`:                                                                           "contents[0].parts[0]",
		`{"contents":[{"parts":[{"thought":true}]}]}`:                                                             "contents[0].parts[0]",
		`{"contents":[{"parts":[{"text":"a","thought":1}]}]}`:                                                     "contents[0].parts[0].thought",
		`{"contents":[{"parts":[{"text":"a","thought":true}]}]}`:                                                  "contents[0]",
		`{"contents":[{"parts":[{"text":"a","functionCall":{}}]}]}`:                                               "contents[0].parts[0]",
		`{"contents":[{"parts":[{"functionCall":{"name":"f"}}]}]}`:                                                "contents[0]",
		`{"contents":[{"role":"tool","parts":[{"text":"a"}]}]}`:                                                   "contents[0].role",
		`{"contents":[{"parts":[{"inlineData":{"mimeType":"a/b"}}]}]}`:                                            "contents[0].parts[0].inlineData",
		`{"contents":[{"parts":[{"inline_data":{"data":7}}]}]}`:                                                   "contents[0].parts[0].inline_data.data",
		`{"contents":[{"parts":[{"executableCode":{"code":"1"}}]}]}`:                                              "contents[0].parts[0].executableCode",
		`{"contents":[{"parts":[{"functionResponse":{"name":"f"}}]}]}`:                                            "contents",
		`{"contents":[{"parts":[{"functionResponse":{"response":1}}]}]}`:                                          "contents[0].parts[0].functionResponse.response",
		`{"contents":[{"parts":[{"functionResponse":{"parts":[{}]}}]}]}`:                                          "contents[0].parts[0].functionResponse.parts[0]",
		`{"contents":[{"role":"model","parts":[{"functionResponse":{"id":"1"}}]}]}`:                               "contents[0]",
		`{"contents":[{"role":"model","parts":[{"functionCall":{"args":[1]}}]}]}`:                                 "contents[0].parts[0].functionCall.args",
		`{` + hello + `,"systemInstruction":"be brief"}`:                                                          "systemInstruction",
		`{` + hello + `,"systemInstruction":{"parts":{"inlineData":{"data":"AA"}}}}`:                              "systemInstruction.parts[0]",
		`{` + hello + `,"systemInstruction":{},"system_instruction":{}}`:                                          "",
		`{` + hello + `,"model":"other"}`:                                                                         "model",
		`{` + hello + `,"` + strings.Repeat("x", 65) + `":1}`:                                                     "",
		`{` + hello + `,"tools":[{"googleSearch":{}}]}`:                                                           "tools[0].googleSearch",
		`{` + hello + `,"tools":[{"code_execution":{}}]}`:                                                         "tools[0].code_execution",
		`{` + hello + `,"tools":[{"functionDeclarations":[{}]}]}`:                                                 "tools[0].functionDeclarations[0]",
		`{` + hello + `,"tools":{"functionDeclarations":{"name":"f","parameters":{},"parametersJsonSchema":{}}}}`: "tools[0].functionDeclarations[0].parametersJsonSchema",
		`{` + hello + `,"tools":{"functionDeclarations":{"name":"f","parameters":` + strings.Repeat(`{"items":`, 200) + `{}` + strings.Repeat(`}`, 200) + `}}}`: "tools[0].functionDeclarations[0].parameters",
		`{` + hello + `,"tools":{"functionDeclarations":{"name":"f","parameters":{"anyOf":[],"any_of":[]}}}}`:                                                   "tools[0].functionDeclarations[0].parameters",
		`{` + hello + `,"toolConfig":{"functionCallingConfig":{"mode":"SOME"}}}`:                                                                                "toolConfig.functionCallingConfig.mode",
		`{` + hello + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}}`:                                                    "toolConfig.functionCallingConfig.allowedFunctionNames",
		`{` + hello + `,"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":"f"}}}`:                                                                   "toolConfig.functionCallingConfig.allowedFunctionNames",
		`{` + hello + `,"generationConfig":{"temperature":"1"}}`:                                                                                                "generationConfig.temperature",
		`{` + hello + `,"generationConfig":{"topP":1` + strings.Repeat("0", 50) + `}}`:                                                                          "generationConfig.topP",
		`{` + hello + `,"generationConfig":{"max_output_tokens":1.0}}`:                                                                                          "generationConfig.max_output_tokens",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":0}}`:                                                                                              "generationConfig.maxOutputTokens",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":10000001}}`:                                                                                       "generationConfig.maxOutputTokens",
		`{` + hello + `,"generationConfig":{"maxOutputTokens":7,"max_output_tokens":8}}`:                                                                        "generationConfig",
		`{` + hello + `,"generationConfig":{"candidateCount":129}}`:                                                                                             "generationConfig.candidateCount",
		`{` + hello + `,"generationConfig":{"stopSequences":"a"}}`:                                                                                              "generationConfig.stopSequences",
		`{` + hello + `,"generationConfig":{"stopSequences":[1]}}`:                                                                                              "generationConfig.stopSequences",
		`{` + hello + `,"generationConfig":{"responseSchema":{}}}`:                                                                                              "generationConfig.responseMimeType",
		`{` + hello + `,"generationConfig":{"responseSchema":{},"responseJsonSchema":{}}}`:                                                                      "generationConfig.responseJsonSchema",
		`{` + hello + `,"generationConfig":{"responseSchema":[]}}`:                                                                                              "generationConfig.responseSchema",
		`{` + hello + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}}`:                                                                           "generationConfig.thinkingConfig.thinkingBudget",
		`{` + hello + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":0,"thinkingLevel":"LOW"}}}`:                                                      "generationConfig.thinkingConfig.thinkingLevel",
		`{` + hello + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW","thinkingBudget":1}}}`:                                                      "generationConfig.thinkingConfig.thinkingBudget",
		`{` + hello + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"SOME"}}}`:                                                                        "generationConfig.thinkingConfig.thinkingLevel",
	} {
		_, err := gemini.ParseRequest([]byte(body), "m", false)
		require.Error(t, err, body)
		requireRefused(t, err, param)
	}
}

func TestBoundsOfRequests(t *testing.T) {
	t.Parallel()
	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	parse(t, `{"contents":[`+many(gemini.MaxContents, `{"parts":[{"text":"a"}]}`)+`]}`)
	_, err := gemini.ParseRequest([]byte(`{"contents":[`+many(gemini.MaxContents+1, `{}`)+`]}`), "m", false)
	requireRefused(t, err, "contents[10000]")
	_, err = gemini.ParseRequest([]byte(`{`+hello+`,"tools":[{"functionDeclarations":[`+many(gemini.MaxTools+1, `{"name":"f"}`)+`]}]}`), "m", false)
	requireRefused(t, err, "tools[0].functionDeclarations[10000]")
	var unknown strings.Builder
	for i := range 65 {
		unknown.WriteString(`,"x` + pad(i) + `":1`)
	}
	_, err = gemini.ParseRequest([]byte(`{`+hello+unknown.String()+`}`), "m", false)
	require.Error(t, err)
	_, err = gemini.ParseRequest([]byte(`{"contents":`+strings.Repeat(`{"parts":[`, 50_000)), "m", false)
	require.Error(t, err)
}

func TestWhatHasNoPlaceIsNamed(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"safety_settings":[],"cachedContent":"c","labels":null,"contents":[
		{"parts":[{"text":"a","videoMetadata":{}},{"text":"b","videoMetadata":{}}]},{"parts":[{"text":"c","partMetadata":{}}]}],
		"generationConfig":{"speechConfig":{},"responseModalities":["TEXT","IMAGE"],"responseMimeType":"text/x.enum","mediaResolution":"MEDIA_RESOLUTION_HIGH"},
		"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}],
		"toolConfig":{"retrievalConfig":{},"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}}}`)
	require.Equal(t, []string{
		"safety_settings", "cachedContent", "contents.parts.videoMetadata", "contents.parts.partMetadata", "generationConfig.speechConfig",
		"generationConfig.responseModalities", "generationConfig.mediaResolution", "toolConfig.retrievalConfig",
		"toolConfig.functionCallingConfig.allowedFunctionNames", "generationConfig.responseMimeType",
	}, r.Unsupported)
	require.Equal(t, chat.ToolsAny, r.ToolChoice.Mode)
}

func TestIDsThatCallersLeaveOut(t *testing.T) {
	t.Parallel()
	const call, result = `{"functionCall":{"name":"f"}}`, `{"functionResponse":{"name":"f","response":{"output":"x"}}}`
	r := parse(t, `{"contents":[{"parts":[{"text":"go"}]},
		{"role":"model","parts":[`+call+`,{"functionCall":{"id":"call_1","name":"f"}},`+call+`]},
		{"parts":[{"functionResponse":{"id":"call_1","name":"f"}},`+result+`,`+result+`]},
		{"role":"model","parts":[`+call+`]},{"parts":[`+result+`]}]}`)
	ids := func(m int) (all []string) {
		for _, p := range r.Messages[m].Parts {
			if p.Call != nil {
				all = append(all, p.Call.ID)
			} else {
				all = append(all, p.Result.CallID)
			}
		}
		return all
	}
	require.Equal(t, []string{"call_0", "call_1", "call_2"}, ids(1))
	require.Equal(t, []string{"call_1", "call_0", "call_2"}, ids(2))
	require.Equal(t, []string{"call_3"}, ids(3))
	require.Equal(t, []string{"call_3"}, ids(4))
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]chat.Reasoning{
		`{}`: {}, `{"thinkingBudget":-1}`: {}, `{"thinking_budget":0}`: {Off: true}, `{"thinkingBudget":512}`: {Budget: 512},
		`{"thinkingLevel":"MINIMAL"}`: {Effort: "minimal"}, `{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}`: {}, `null`: {},
	} {
		require.Equal(t, want, parse(t, `{`+hello+`,"generationConfig":{"thinkingConfig":`+config+`}}`).Reasoning, config)
	}
}

// FuzzParseRequest: whatever is accepted can be sent on, and is understood the same there.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{` + hello + `,"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"STRING","nullable":true,"enum":[],"maxItems":"1","example":1}}]}]}`))
	f.Add([]byte(`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":{"functionResponse":{"name":"f","response":{"error":"e"}}}}],"generationConfig":{"responseMimeType":"application/json","responseSchema":{"anyOf":[1],"nullable":true,"properties":{"a":{}},"propertyOrdering":["a"]}}}`))
	f.Add([]byte(`{"contents":[{"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"bXIxfHh8cnx5"}]},{"parts":[{"fileData":{"fileUri":"u"}}]}],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		r, err := gemini.ParseRequest(body, "m", true)
		require.Equal(t, before, string(body), "reading changes nothing")
		if err != nil {
			var e *domain.Error
			require.True(t, errors.As(err, &e) && e.Code == domain.CodeInvalid)
			return
		}
		sent, err := gemini.AppendRequest(nil, r, chat.Options{Model: "gemini-3-pro", MaxTokens: 1, DropUnsupported: true})
		if err != nil {
			requireInvalid(t, err)
			return
		}
		require.True(t, json.Valid(sent), "%s", sent)
		_, err = gemini.ParseRequest(sent, "m", true)
		require.NoError(t, err, "%s", sent)
	})
}

func requireInvalid(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}
