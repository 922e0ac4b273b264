package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// TestProviderDropsWhatCannotBeSaid: provider.drop_unsupported is what the header is, in whatever dialect the call comes.
func TestProviderDropsWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	for in, row := range map[chat.Dialect]struct {
		out  string
		more string
	}{
		chat.OpenAI:    {gatewaytest.Vendor(chat.Anthropic), `"logit_bias":{"1":2}`},
		chat.Responses: {gatewaytest.Vendor(chat.Anthropic), `"top_logprobs":3`},
		chat.Anthropic: {gatewaytest.Canceller, `"top_k":5`},
		chat.Gemini:    {gatewaytest.Canceller, `"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]`},
	} {
		t.Run(string(in), func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			model := k.Model(row.out, "tokens=3")
			do := func(provider string) error {
				call := k.Call("")
				call.Incoming = gatewaytest.Ask(in, model, false, 20)
				call.Body = append([]byte(`{"provider":`+provider+`,`+row.more+`,`), call.Body[1:]...)
				return k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
			}
			require.Error(t, do(`{"drop_unsupported":false}`))
			require.Error(t, do(`{"drop_unsupported":"yes"}`))
			require.NoError(t, do(`{"drop_unsupported":true}`))
			require.Len(t, k.Settled().Charged, 1)
		})
	}
}
