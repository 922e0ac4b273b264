package gemini_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

func schemaOf(schema string) (string, error) {
	r, err := gemini.ParseRequest([]byte(`{`+hello+`,"tools":{"functionDeclarations":{"name":"f","parameters":`+schema+`}}}`), "m", false)
	if err != nil {
		return "", err
	}
	return string(r.Tools[0].Parameters), nil
}

func TestSchemasOfOpenAPI(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`null`:                              ``,
		`{}`:                                `{}`,
		`{"type":"STRING","nullable":true}`: `{"type":["string","null"]}`,
		`{"nullable":false,"type":"null"}`:  `{"type":"null"}`,
		`{"nullable":true,"type":"NULL"}`:   `{"type":"null"}`,
		`{"type":["STRING"],"format":"enum","enum":["A"]}`:       `{"type":["STRING"],"format":"enum","enum":["A"]}`,
		`{"enum":[ ],"nullable":true}`:                           `{"enum":[null]}`,
		`{"any_of":[{"type":"INTEGER"}, true ],"nullable":true}`: `{"anyOf":[{"type":"integer"},true,{"type":"null"}]}`,
		`{"anyOf":{}}`: `{"anyOf":[]}`,
		`{"min_items":"2","maxItems":"02","minLength":3,"maxLength":"1,\"x\":2"}`: `{"minItems":2,"maxItems":"02","minLength":3,"maxLength":"1,\"x\":2"}`,
		`{"example":7}`:    `{"examples":[7]}`,
		`{"examples":[7]}`: `{"examples":[7]}`,
		`{"items":{"type":"OBJECT"},"additional_properties":false}`:                      `{"items":{"type":"object"},"additionalProperties":false}`,
		`{"properties":{"b":{"type":"A"},"a":1,"c":{}},"property_ordering":["c","a",7]}`: `{"properties":{"c":{},"a":1,"b":{"type":"a"}}}`,
		`{"properties":7,"x\n":{"type":"AS IT IS"}}`:                                     `{"properties":{},"x\n":{"type":"AS IT IS"}}`,
	} {
		got, err := schemaOf(schema)
		require.NoError(t, err, schema)
		require.Equal(t, want, got, schema)
	}
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + `{}` + strings.Repeat(end, n) }
	var many strings.Builder
	for i := range 65 {
		many.WriteString(`,"x` + pad(i) + `":1`)
	}
	wide := `{"description":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, schema := range map[string]string{
		"items":      nested(`{"items":`, `}`, 102),
		"properties": nested(`{"properties":{"a":`, `}}`, 102),
		"any of":     nested(`{"anyOf":[`, `]}`, 102),
		"members":    `{"type":"STRING"` + many.String() + `}`,
		"twice":      `{"example":1,"examples":[1]}`,
		"work":       strings.Repeat(`{"items":`, 70) + wide + strings.Repeat(`}`, 70),
		"no object":  `"STRING"`,
	} {
		_, err := schemaOf(schema)
		requireRefused(t, err, "tools[0].functionDeclarations[0].parameters")
		require.Less(t, len(err.Error()), 300, name)
	}
	_, err := schemaOf(nested(`{"items":`, `}`, 99))
	require.NoError(t, err)
}

func TestOddAnswers(t *testing.T) {
	t.Parallel()
	a := answer(t, `{"candidates":[{"index":"x","content":{"role":7,"parts":[7,{"text":7},{"functionCall":null},{"inlineData":7},{"fileData":{"data":"no","fileUri":"u","x":1}},
		{"functionCall":{"name":"f","args":[1],"x":1}},{"functionCall":{"args":null}},{"executableCode":{}}]}},{"index":-1,"content":7},7],
		"promptFeedback":{"x":1,"blockReason":7},"createTime":"yesterday","responseId":"r","x":{"y":[1]}}`)
	require.Len(t, a.Choices, 3)
	require.Equal(t, chat.Choice{Parts: []chat.Part{
		{Kind: chat.File, Media: &chat.Media{URL: "u"}},
		{Kind: chat.ToolCall, Call: &chat.Call{ID: "call_r_0", Name: "f", Arguments: "[1]"}},
		{Kind: chat.ToolCall, Call: &chat.Call{ID: "call_r_1", Arguments: "{}"}},
	}}, a.Choices[0])
	require.Equal(t, []int{0, 1, 2}, []int{a.Choices[0].Index, a.Choices[1].Index, a.Choices[2].Index})
	a = answer(t, `{"candidates":[{"index":3,"finishReason":"CONTINUATION","content":{"parts":[{"functionCall":{"name":"f"}}]}}],"responseId":"r"}`)
	require.Equal(t, "call_r_3_0", a.Choices[0].Parts[0].Call.ID)
	require.Contains(t, string(gemini.Writer{}.Answer(nil, a, &told, nil)), `"finishReason":"CONTINUATION"`)

	p := meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
	var s gemini.Scanner
	_, err := s.Answer([]byte(`{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{}},{"x":1}]}}],"promptFeedback":{"x":1}}`), &p)
	require.NoError(t, err)
	require.True(t, p.Any())
}

func TestNullSaysNothing(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"systemInstruction":null,"tools":[{"googleSearch":null,"functionDeclarations":[{"name":"f","description":null,"behavior":null,"parameters":null}]}],
		"toolConfig":{"retrievalConfig":null,"functionCallingConfig":{"mode":"MODE_UNSPECIFIED","allowedFunctionNames":null}},"safetySettings":null,
		"contents":[{"role":null,"parts":[{"text":"a","thought":null,"inlineData":null,"thoughtSignature":null,"executableCode":null}]},{"parts":null},null],
		"generationConfig":{"temperature":null,"maxOutputTokens":null,"stopSequences":null,"responseSchema":null,"mediaResolution":"MEDIA_RESOLUTION_UNSPECIFIED",
		"thinkingConfig":{"includeThoughts":null,"thinkingBudget":null,"thinkingLevel":null},"responseMimeType":"text/plain"}}`)
	require.Equal(t, &chat.Request{
		Model: "m", Choices: 1, Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{said("a")}}},
		Tools: []chat.Tool{{Name: "f"}}, Format: chat.Format{Kind: chat.PlainText},
	}, r)
	body, err := gemini.AppendRequest(nil, &chat.Request{Messages: r.Messages, Format: r.Format, MaxTokens: 9}, chat.Options{})
	require.NoError(t, err)
	requireBytes(t, `{"contents":[{"role":"user","parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":9}}`, body)
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"systemInstruction":{"role":"user","x":1,"parts":{"text":"s","thought":true,"thoughtSignature":"T3du"}},"generationConfig":{"mediaResolution":"MEDIA_RESOLUTION_LOW","thinkingConfig":{"x":1}},
		"contents":[{"role":"model","parts":[{"thoughtSignature":"T3du"},{"functionCall":{"name":"f","x":1},"thoughtSignature":"skip_thought_signature_validator"}]},
		{"parts":[{"functionResponse":{"name":"f","x":1,"response":{"output":7},"parts":{"x":1,"inlineData":{"mimeType":"image/png","data":"AA","displayName":"n","x":1}}}}]}],
		"toolConfig":{"functionCallingConfig":{"x":1}}}`)
	require.Equal(t, []chat.Message{
		{Role: chat.System, Parts: []chat.Part{said("s")}},
		assistant(chat.Part{Kind: chat.Text, Signature: "T3du", Origin: "gemini"}, call("call_0", "{}")),
		user(chat.Part{Kind: chat.ToolResult, Result: &chat.Result{CallID: "call_0", Name: "f", Parts: []chat.Part{
			said(`{"output":7}`), image(chat.Media{MIME: "image/png", Data: "AA", Name: "n", Detail: "low"}),
		}}}),
	}, r.Messages)
	require.Equal(t, []string{
		"systemInstruction.x", "generationConfig.thinkingConfig.x", "contents.parts.functionCall.x", "contents.parts.functionResponse.x",
		"contents.parts.functionResponse.parts.x", "contents.parts.functionResponse.parts.inlineData.x", "toolConfig.functionCallingConfig.x",
	}, r.Unsupported)
	_, err := gemini.ParseRequest([]byte(`{`+hello+`,"generationConfig":{"stopSequences":[`+strings.Repeat(`"a",`, 128)+`"a"]}}`), "m", false)
	requireRefused(t, err, "generationConfig.stopSequences")
	_, err = gemini.ParseRequest([]byte("{\"contents\":[{\"parts\":[{\"text\":\"\xff\"}]}]}"), "m", false)
	require.ErrorContains(t, err, "not valid UTF-8")
}

func TestOddStreams(t *testing.T) {
	t.Parallel()
	e := gemini.Writer{}.Stream(&told)
	var stream []byte
	for _, event := range []chat.Event{
		{Kind: chat.PartBegan, Header: chat.Part{Kind: chat.Thinking}},
		{Kind: chat.PartDelta, Delta: "hm", Signature: "T3du", Header: chat.Part{Origin: "gemini"}},
		{Kind: chat.PartDelta, Part: 7, Delta: "nobody's"},
		{Kind: chat.PartEnded, Part: 7},
		{Kind: chat.PartBegan, Part: 1, Header: chat.Part{Kind: chat.ToolCall, Call: &chat.Call{ID: "1", Name: "f"}}},
	} {
		stream = e.Encode(stream, &event)
	}
	stream = e.End(stream, nil)
	require.Equal(t, `data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true,"thoughtSignature":"T3du"}],"role":"model"},"index":0}],`+who+"\n\n"+
		`data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"1","name":"f","args":{}}}],"role":"model"},"index":0}],`+who+"\n\n"+
		`data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}],`+who+"\n\n", string(stream))
}
