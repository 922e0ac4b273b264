package exchange_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/openai"
)

func names(all ...string) []string { return all }

// TestUses: the parameters and kinds of input of a call, by one name each, whatever its dialect; and the canonical form says the same.
func TestUses(t *testing.T) {
	t.Parallel()
	type row struct {
		dialect           chat.Dialect
		members           string
		parameters, kinds []string
	}
	const tool = `{"type":"object"}`
	content := func(part string) string { return `"model":"m","messages":[{"role":"user","content":[` + part + `]}]` }
	contents := func(part string) string { return `"contents":[{"role":"user","parts":[` + part + `]}]` }
	const (
		openAI    = `"model":"m","messages":[{"role":"user","content":"hi"}]`
		responses = `"model":"m","input":"hi"`
		messages  = `"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]`
		geminis   = `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`
	)
	for _, r := range []row{
		{chat.OpenAI, openAI, nil, nil},
		{chat.OpenAI, openAI + `,"max_tokens":5,"stream":true,"user":"u","n":2,"temperature":null,"stop":null,"tools":[],"logit_bias":{},"logprobs":false,"verbosity":"medium","reasoning":{"exclude":true},"include_reasoning":false,"response_format":{"type":"text"}`, nil, nil},
		{chat.OpenAI, openAI + `,"temperature":0,"top_p":1,"top_k":1,"seed":7,"stop":"x","frequency_penalty":0,"presence_penalty":0`, names("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop"), nil},
		{chat.OpenAI, openAI + `,"min_p":0.1,"top_a":0.1,"repetition_penalty":1,"logit_bias":{"1":2},"logprobs":true,"top_logprobs":2,"verbosity":"low","prediction":{"type":"content"},"web_search_options":{"search_context_size":"low"}`, names("min_p", "top_a", "repetition_penalty", "verbosity", "logit_bias", "logprobs", "top_logprobs", "prediction", "web_search_options"), nil},
		{chat.OpenAI, openAI + `,"tools":[{"type":"function","function":{"name":"f","parameters":` + tool + `}}],"tool_choice":"auto","parallel_tool_calls":false`, names("tools", "tool_choice", "parallel_tool_calls"), nil},
		{chat.OpenAI, openAI + `,"response_format":{"type":"json_object"},"reasoning_effort":"low"`, names("response_format", "reasoning"), nil},
		{chat.OpenAI, openAI + `,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},"reasoning":{"enabled":true}`, names("structured_outputs", "reasoning"), nil},
		{chat.OpenAI, content(`{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}`), nil, names("image", "file")},
		{chat.OpenAI, content(`{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}`), nil, names("audio")},

		{chat.Responses, responses + `,"max_output_tokens":5,"reasoning":{"exclude":true}`, nil, nil},
		{chat.Responses, responses + `,"temperature":1,"tools":[{"type":"function","name":"f","parameters":` + tool + `}],"text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},"reasoning":{"effort":"low"}`, names("tools", "temperature", "structured_outputs", "reasoning", "verbosity"), nil},
		{chat.Responses, `"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x/y.png"},{"type":"input_file","file_url":"https://x/y.pdf"}]}]`, nil, names("image", "file")},

		{chat.Anthropic, messages + `,"stop_sequences":[],"top_k":null,"thinking":null`, nil, nil},
		{chat.Anthropic, messages + `,"temperature":1,"top_p":1,"top_k":1,"stop_sequences":["x"],"tools":[{"name":"f","input_schema":` + tool + `}],"tool_choice":{"type":"any"}`, names("tools", "tool_choice", "temperature", "top_p", "top_k", "stop"), nil},
		{chat.Anthropic, messages + `,"thinking":{"type":"enabled","budget_tokens":5}`, names("reasoning"), nil},
		{chat.Anthropic, messages + `,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}}`, names("structured_outputs", "reasoning"), nil},
		{chat.Anthropic, `"max_tokens":9,` + content(`{"type":"tool_result","tool_use_id":"c","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}`), nil, names("image", "file")},

		{chat.Gemini, geminis + `,"generationConfig":{"maxOutputTokens":5,"candidateCount":2,"temperature":null,"stopSequences":[],"thinkingConfig":{"includeThoughts":false},"responseMimeType":"text/plain"}`, nil, nil},
		{chat.Gemini, geminis + `,"generationConfig":{"temperature":1,"top_p":1,"topK":1,"seed":1,"stop_sequences":["x"],"frequencyPenalty":1,"presencePenalty":1,"responseLogprobs":true,"logprobs":2},"tools":[{"functionDeclarations":[{"name":"f"}]}]`, names("tools", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop", "logprobs", "top_logprobs"), nil},
		{chat.Gemini, geminis + `,"generationConfig":{"responseMimeType":"application/json","thinkingConfig":{"thinkingBudget":5}}`, names("response_format", "reasoning"), nil},
		{chat.Gemini, geminis + `,"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}`, names("structured_outputs"), nil},
		{chat.Gemini, contents(`{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"fileData":{"mimeType":"application/pdf","fileUri":"https://x/y"}},{"inline_data":{"mime_type":"audio/wav","data":"AAAA"}}`), nil, names("image", "file", "audio")},
	} {
		body := []byte("{" + r.members + "}")
		in := exchange.Incoming{Dialect: r.dialect, Body: body}
		q, err := new(exchange.Set).Read(in)
		require.NoError(t, err, "%s", body)
		require.Equal(t, r.parameters, q.Uses.Parameters(), "%s", body)
		require.Equal(t, r.kinds, q.Uses.Modalities(), "%s", body)
		q.Close()

		var c *chat.Request
		switch r.dialect {
		case chat.OpenAI:
			c, err = openai.ParseRequest(body)
		case chat.Anthropic:
			c, err = anthropic.ParseRequest(body)
		case chat.Gemini:
			c, err = gemini.ParseRequest(body, "m", false)
		case chat.Responses, chat.Bedrock:
			continue
		}
		require.NoError(t, err, "%s", body)
		require.Equal(t, q.Uses, c.Uses(), "%s", body)
	}
}
