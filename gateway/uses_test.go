package gateway_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/routing"
)

// pictured is a call with an image, in some dialect, with more members.
func pictured(d chat.Dialect, model, more string) exchange.Incoming {
	const data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	in := exchange.Incoming{Dialect: d}
	switch d {
	case chat.OpenAI:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,%s"}}]}]%s}`, model, data, more)
	case chat.Responses:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_output_tokens":16,"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,%s"}]}]%s}`, model, data, more)
	case chat.Anthropic:
		in.Body = fmt.Appendf(nil, `{"model":%q,"max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":%q}}]}]%s}`, model, data, more)
	case chat.Gemini:
		in.Model = model
		in.Body = fmt.Appendf(nil, `{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":%q}}]}],"generationConfig":{"maxOutputTokens":9}%s}`, data, more)
	case chat.Bedrock: // of vendors only
	}
	return in
}

// reads says which kinds of input a model reads.
func reads(k *gatewaytest.Kit, model string, kinds ...string) {
	k.Catalog.Change(func(p *gateway.Picture) {
		m := p.Models[model]
		m.InputModalities = kinds
		p.Models[model] = m
	})
}

// TestImagesGoToThoseWhoReadThem: a model that does not is refused before anything is held, or another of the list takes the call.
func TestImagesGoToThoseWhoReadThem(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	blind, sighted := k.Model(gatewaytest.Drainer, "tokens=3"), k.Model(gatewaytest.Drainer, "tokens=3")
	reads(k, blind, "text")
	reads(k, sighted, "text", "image")
	for _, in := range dialects() {
		call := k.Call("")
		call.Incoming = pictured(in, blind, "")
		err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%s: %v", in, err)
		require.ErrorContains(t, err, "the model reads no image input")
		require.Empty(t, k.History().Placed)
	}
	for _, in := range dialects() {
		call := k.Call("")
		call.WalletID, call.KeyID, call.Secret = k.Customer("1")
		call.Incoming = pictured(in, blind, `,"models":["`+sighted+`"]`)
		require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()), in)
		history := k.HistoryOf(call.WalletID)
		require.Len(t, history.Charged, 1)
		require.Equal(t, sighted, history.Charged[0].Model, in)
	}
}

// TestWhatNobodySaidOfAModelIsTried: one without modalities is asked for pictures, vectors and conversations.
func TestWhatNobodySaidOfAModelIsTried(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Does(k.Model(gatewaytest.Drainer, "tokens=3"))
	reads(k, model)
	asked := []exchange.Incoming{embed(float, model), embed(batch, model)}
	for _, in := range dialects() {
		asked = append(asked, pictured(in, model, ""))
	}
	for _, in := range asked {
		call := k.Call("")
		call.WalletID, call.KeyID, call.Secret = k.Customer("1")
		call.Incoming = in
		require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()), "%s %s", in.Dialect, in.Operation)
		history := k.HistoryOf(call.WalletID)
		require.Len(t, history.Charged, 1)
		require.Equal(t, model, history.Charged[0].Model)
	}
}

// TestParametersThatHaveToBeKnown: require_parameters leaves out whoever does not know one that the call uses, in every dialect; tools leave out
// whoever has none in any case.
func TestParametersThatHaveToBeKnown(t *testing.T) {
	t.Parallel()
	const required = `,"provider":{"require_parameters":true}`
	asks := map[chat.Dialect]struct{ seed, tools string }{
		chat.OpenAI:    {`,"temperature":1`, `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`},
		chat.Responses: {`,"temperature":1`, `,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]`},
		chat.Anthropic: {`,"temperature":1`, `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`},
		chat.Gemini:    {`,"generationConfig":{"temperature":1}`, `,"tools":[{"functionDeclarations":[{"name":"f"}]}]`},
	}
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Drainer, "tokens=3")
	k.Catalog.Change(func(p *gateway.Picture) {
		e := p.Endpoints[model+"@"+gatewaytest.Drainer]
		e.Terms = catalog.Terms{SupportedParameters: []string{"seed"}}
		p.Endpoints[e.ID] = e
	})
	for in, members := range asks {
		do := func(more string) error {
			call := k.Call("")
			call.Incoming = gatewaytest.Ask(in, model, false, 20)
			if in == chat.Gemini {
				call.Body = []byte(`{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`)
			}
			call.Body = append(call.Body[:len(call.Body)-1:len(call.Body)-1], more+"}"...)
			return k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
		}
		require.NoError(t, do(""), in)
		require.NoError(t, do(required), in)
		require.NoError(t, do(members.seed), in)
		require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(do(members.seed+required)), in)
		require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(do(members.tools)), in)
	}
}
