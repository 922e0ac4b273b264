package gateway_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// TestAzureBeyondChat: every operation by the rules of both forms, which the simulator checks: the address, the version and the key's header.
func TestAzureBeyondChat(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "2024-10-21"} {
		for name, row := range map[string]struct {
			output, upstream string
			ask              func(model string) exchange.Incoming
		}{
			"completions": {"text", "sim-large", func(model string) exchange.Incoming {
				return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Completion, Body: []byte(fmt.Sprintf(`{"model":%q,"prompt":"Once","max_tokens":20}`, model))}
			}},
			"embeddings": {"embeddings", "sim-large", func(model string) exchange.Incoming {
				return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Embeddings, Body: []byte(fmt.Sprintf(`{"model":%q,"input":["one","two"]}`, model))}
			}},
			"images":         {"image", "sim-large", func(model string) exchange.Incoming { return drawing(model, `"n":2`) }},
			"speech":         {"speech", "tts-1", func(model string) exchange.Incoming { return speaking(model, spoken) }},
			"transcriptions": {"transcription", "sim-large", func(model string) exchange.Incoming { return hear(t, model, "a.wav", wav(1500)) }},
		} {
			t.Run(fmt.Sprintf("%s version %q", name, version), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				vendor := azure(k, version)
				price := priced(k, map[usage.Class]string{usage.ImageOutput: "0.00004", usage.AudioOutput: "0.00001", usage.AudioInput: "0.000006"})
				if name == "speech" {
					price.Price.Base = byPiece(k, usage.Character, "0.000015")
				}
				model := k.Does(k.ModelAt(vendor, "", price), row.output)
				k.Catalog.Change(upstream(model+"@"+vendor, row.upstream))
				_, err := doEmbed(t, k, row.ask(model))
				require.NoError(t, err, "%s", k.Log)
				charged := k.Only()
				require.Equal(t, usage.Reported, charged.Provenance)
				require.True(t, money.Zero().LessThan(charged.Charge))
				require.Equal(t, int64(1), k.Sim.Totals().Dialects["azure "+name].Calls)
				require.Equal(t, int64(1), k.Sim.Totals().Calls)
			})
		}
	}
}

// TestAzureResponses: deployments that are called by Responses, for callers of every dialect.
func TestAzureResponses(t *testing.T) {
	t.Parallel()
	for _, in := range dialects() {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s stream %t", in, stream), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				vendor := wired(k, chat.Responses, "/openai/v1", catalog.Wire{Auth: catalog.AuthHeader, AuthName: "api-key"})
				call, c := k.Call(""), gatewaytest.NewClient()
				call.Incoming = gatewaytest.Ask(in, k.Model(vendor, "tokens=9&reasoning=4"), stream, 20)
				require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s", k.Log)
				_, cost, ended := heard(t, in, c)
				require.True(t, ended, "%s", c.Body())
				require.Equal(t, k.Only().Charge.String(), cost)
				require.Equal(t, int64(1), k.Sim.Totals().Dialects["azure responses"].Calls)
			})
		}
	}
}

// TestAzureRefusesWhatIsNotItsOwn: another version, a bearer token, a deployment below the newer form.
func TestAzureRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		vendor func(k *gatewaytest.Kit) string
		want   domain.Code
	}{
		"no such version": {func(k *gatewaytest.Kit) string { return azure(k, "newest") }, gateway.CodeVendorError},
		"a bearer token":  {func(k *gatewaytest.Kit) string { return wired(k, chat.OpenAI, "/openai/v1", catalog.Wire{}) }, gateway.CodeVendorUnavailable},
		"no deployments": {func(k *gatewaytest.Kit) string {
			return wired(k, chat.OpenAI, "/openai/v1", catalog.Wire{
				Auth: catalog.AuthHeader, AuthName: "api-key", Paths: map[string]string{"embeddings": "/deployments/{model}/embeddings"},
			})
		}, gateway.CodeVendorError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			model := k.Does(k.Model(row.vendor(k), ""), "embeddings")
			_, err := doEmbed(t, k, exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Embeddings, Body: []byte(fmt.Sprintf(`{"model":%q,"input":"one"}`, model))})
			require.Equal(t, row.want, domain.CodeOf(err), "%v", err)
			k.OnlyReleased()
		})
	}
}
