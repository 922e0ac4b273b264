package preset_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/preset"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		model, body, want string
		refused           bool
	}{
		"none":                  {body: `{"model":"a/b","messages":[]}`},
		"in a text only":        {body: `{"model":"a/b","messages":[{"role":"user","content":"@preset/x, preset"}]}`},
		"the model":             {body: `{"model":"@preset/my-1"}`, want: "my-1"},
		"beside a model":        {body: `{"model":"a/b@preset/x"}`, want: "x"},
		"a member":              {body: `{"model":"a/b","preset":"x"}`, want: "x"},
		"a member, no model":    {body: `{"preset":"x"}`, want: "x"},
		"both, the same":        {body: `{"model":"@preset/x","preset":"x"}`, want: "x"},
		"both, not the same":    {body: `{"model":"@preset/x","preset":"y"}`, refused: true},
		"null":                  {body: `{"model":"a/b","preset":null}`},
		"no text":               {body: `{"model":"a/b","preset":7}`, refused: true},
		"no slug":               {body: `{"model":"@preset/My"}`, refused: true},
		"nothing":               {body: `{"model":"@preset/"}`, refused: true},
		"the address":           {model: "@preset/x", body: `{}`, want: "x"},
		"not JSON":              {body: `{"model":"@preset/x"`},
		"a name twice":          {body: `{"model":"@preset/x","model":"@preset/y"}`},
		"longer than a slug is": {body: `{"preset":"` + strings.Repeat("a", 65) + `"}`, refused: true},
	} {
		got, err := preset.Named(&exchange.Incoming{Dialect: chat.OpenAI, Model: row.model, Body: []byte(row.body)})
		require.Equal(t, row.refused, err != nil, name)
		require.Equal(t, row.want, got, name)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	const all = `{"model":"a/b","temperature":0.5,"max_tokens":100,"stop":"END","models":["c/d"],"provider":{"order":["x"]}}`
	for name, row := range map[string]struct {
		dialect            chat.Dialect
		model, body        string
		prompt, parameters string
		want, wantModel    string
	}{
		"chat": {
			dialect: chat.OpenAI, body: `{ "model" : "@preset/x" , "messages" : [ {"role":"user","content":"hi"} ] }`, prompt: "Be\n\"kind\".", parameters: all,
			want: `{ "model" : "a/b" , "messages" : [{"role":"system","content":"Be\n\"kind\"."}, {"role":"user","content":"hi"} ] ,"temperature":0.5,"max_tokens":100,"stop":"END","models":["c/d"],"provider":{"order":["x"]}}`,
		},
		"the body wins": {
			dialect: chat.OpenAI, prompt: "P", parameters: all,
			body: `{"preset":"x","model":"e/f","temperature":0,"max_completion_tokens":7,"stop":["a"],"models":[],"provider":{},"messages":[{"role":"developer","content":"D"}]}`,
			want: `{"model":"e/f","temperature":0,"max_completion_tokens":7,"stop":["a"],"models":[],"provider":{},"messages":[{"role":"developer","content":"D"}]}`,
		},
		"null is nothing":   {dialect: chat.OpenAI, body: `{"model":"m@preset/x","seed":null}`, parameters: `{"seed":7}`, want: `{"model":"m","seed":7}`},
		"only a preset":     {dialect: chat.OpenAI, body: ` {"preset":"x"} `, parameters: `{"model":"a/b"}`, want: ` {"model":"a/b"} `},
		"no messages":       {dialect: chat.OpenAI, body: `{"model":"@preset/x","messages":[]}`, parameters: `{"model":"m"}`, prompt: "P", want: `{"model":"m","messages":[{"role":"system","content":"P"}]}`},
		"a suffix stays":    {dialect: chat.OpenAI, body: `{"model":"a/b:nitro@preset/x"}`, parameters: `{"model":"c/d"}`, want: `{"model":"a/b:nitro"}`},
		"Messages":          {dialect: chat.Anthropic, body: `{"model":"@preset/x","messages":[]}`, prompt: "P", parameters: all, want: `{"model":"a/b","messages":[],"temperature":0.5,"max_tokens":100,"stop_sequences":["END"],"models":["c/d"],"provider":{"order":["x"]},"system":"P"}`},
		"Messages, its own": {dialect: chat.Anthropic, body: `{"model":"@preset/x","system":[],"stop_sequences":[]}`, prompt: "P", parameters: `{"model":"m","stop":["E"]}`, want: `{"model":"m","system":[],"stop_sequences":[]}`},
		"Responses": {
			dialect: chat.Responses, body: `{"model":"@preset/x","input":"hi"}`, prompt: "P", parameters: `{"model":"a/b","max_tokens":9}`,
			want: `{"model":"a/b","input":"hi","max_output_tokens":9,"instructions":"P"}`,
		},
		"Gemini": {
			dialect: chat.Gemini, model: "@preset/x", body: `{"contents":[]}`, prompt: "P", parameters: all, wantModel: "a/b",
			want: `{"contents":[],"models":["c/d"],"provider":{"order":["x"]},"systemInstruction":{"parts":[{"text":"P"}]},"generationConfig":{"temperature":0.5,"maxOutputTokens":100,"stopSequences":["END"]}}`,
		},
		"Gemini, its own": {
			dialect: chat.Gemini, model: "c/d", wantModel: "c/d", prompt: "P", parameters: `{"temperature":0.5,"max_tokens":100,"seed":3}`,
			body: `{"preset":"x","generation_config":{ "max_output_tokens":5, "temperature":1 },"system_instruction":{}}`,
			want: `{"generation_config":{ "max_output_tokens":5, "temperature":1 ,"seed":3},"system_instruction":{}}`,
		},
		"Gemini, an empty one": {dialect: chat.Gemini, model: "c/d", wantModel: "c/d", body: `{"generationConfig":{ },"preset":"x"}`, parameters: `{"seed":3}`, want: `{"generationConfig":{ "seed":3}}`},
	} {
		got, err := preset.Apply(exchange.Incoming{Dialect: row.dialect, Model: row.model, Body: []byte(row.body)},
			&preset.Content{SystemPrompt: row.prompt, Parameters: []byte(row.parameters)}, false)
		require.NoError(t, err, name)
		require.Equal(t, row.want, string(got.Body), name)
		require.Equal(t, row.wantModel, got.Model, name)
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	in := func(d chat.Dialect, body string) exchange.Incoming {
		return exchange.Incoming{Dialect: d, Body: []byte(body)}
	}
	_, err := preset.Apply(in(chat.OpenAI, `{"preset":"x"}`), &preset.Content{SystemPrompt: "P"}, false)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "no model")
	tools := &preset.Content{Parameters: []byte(`{"model":"m","tools":[]}`)}
	for _, d := range []chat.Dialect{chat.Anthropic, chat.Responses, chat.Gemini} {
		_, err = preset.Apply(in(d, `{"preset":"x","model":"m"}`), tools, false)
		require.ErrorContains(t, err, "tools")
		got, err := preset.Apply(in(d, `{"preset":"x","model":"m"}`), tools, true)
		require.NoError(t, err)
		require.NotContains(t, string(got.Body), "tools")
	}
	other := in(chat.OpenAI, `{"model":"@preset/x"}`)
	other.Operation = exchange.Embeddings
	_, err = preset.Apply(other, tools, true)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

// TestApplyKeepsWhatWasSaid: every member of a body stays as it is, and the outcome is JSON.
func TestApplyKeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := rapid.SampledFrom([]chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini}).Draw(rt, "dialect")
		names := []string{"temperature", "top_p", "max_tokens", "stop", "seed", "models", "system", "instructions", "messages", "generationConfig", "x", "system_instruction"}
		values := []string{`1`, `[ ]`, `{ }`, `"a\u0041"`, `[{"role":"user"}]`, `{"seed":1}`, `9007199254740993`}
		var members []string
		said := map[string]string{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(rt, "members") {
			value := rapid.SampledFrom(values).Draw(rt, "value")
			said[name] = value
			members = append(members, ` "`+name+`" : `+value+" ")
		}
		body := `{"preset":"x","model":"m"` + strings.Join(append([]string{""}, members...), ",") + `}`
		in := exchange.Incoming{Dialect: d, Model: map[bool]string{true: "m"}[d == chat.Gemini], Body: []byte(body)}
		got, err := preset.Apply(in, &preset.Content{SystemPrompt: "P", Parameters: []byte(`{"temperature":0.25,"max_tokens":5,"seed":4,"stop":"E","models":["a/b"]}`)}, true)
		require.NoError(rt, err)
		var out map[string]json.RawMessage
		require.NoError(rt, json.Unmarshal(got.Body, &out), "%s", got.Body)
		require.NotContains(rt, out, "preset")
		for name, value := range said {
			if name == "messages" && value[0] == '[' || name == "generationConfig" && value[0] == '{' {
				continue // the system prompt, and the parameters, are in there
			}
			require.Equal(rt, value, string(out[name]))
			require.Contains(rt, string(got.Body), ` "`+name+`" : `+value)
		}
	})
}
