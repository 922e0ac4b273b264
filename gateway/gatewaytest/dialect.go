package gatewaytest

import (
	"fmt"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// Ask is one question in some dialect: a prompt, an output cap, and whether the answer shall be streamed.
func Ask(d chat.Dialect, model string, stream bool, maxTokens int) exchange.Incoming {
	const text = "Say something."
	in := exchange.Incoming{Dialect: d}
	switch d {
	case chat.Anthropic:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_tokens":%d,"stream":%t,"messages":[{"role":"user","content":%q}]}`, model, maxTokens, stream, text)
	case chat.Gemini:
		in.Model, in.Stream = model, stream
		in.Body = fmt.Appendf(nil, `{"contents":[{"role":"user","parts":[{"text":%q}]}],"generationConfig":{"maxOutputTokens":%d}}`, text, maxTokens)
	case chat.Responses:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_output_tokens":%d,"stream":%t,"input":%q}`, model, maxTokens, stream, text)
	case chat.Bedrock: // of vendors only
	case chat.OpenAI:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_tokens":%d,"stream":%t,"messages":[{"role":"user","content":%q}]}`, model, maxTokens, stream, text)
	}
	return in
}
