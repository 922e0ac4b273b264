package gateway_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/routing"
)

// TestWishesOfTheCaller: who serves a call is who the caller wishes, and no vendor gets to see the wishes.
func TestWishesOfTheCaller(t *testing.T) {
	t.Parallel()
	for wishes, want := range map[string]string{
		`"provider":{"only":["zenith"]}`:                        gatewaytest.Drainer,
		`"provider":{"ignore":["zenith"]}`:                      gatewaytest.Canceller,
		`"provider":{"order":["Vendor zenith"]}`:                gatewaytest.Drainer,
		`"provider":{"sort":"price"}`:                           gatewaytest.Drainer,
		`"provider":{"max_price":{"completion":"3"}}`:           gatewaytest.Drainer,
		`"provider":{"order":["acme"],"allow_fallbacks":false}`: gatewaytest.Canceller,
	} {
		k := gatewaytest.New(t, hasty)
		model := k.Model(gatewaytest.Canceller, "tokens=3")
		cheap := k.Price()
		for class := range cheap.Price.Base {
			cheap.Price.Base[class] = money.MustPrice("0.000000001")
		}
		k.Offer(model, gatewaytest.Drainer, "tokens=3", cheap)
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`, wishes))
		require.NoError(t, err, wishes)
		require.Equal(t, model+"@"+want, k.Only().Endpoint, wishes)
	}
}

// TestWishesInEveryDialect: whatever the caller speaks, and the vendor.
func TestWishesInEveryDialect(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that
		for _, out := range vendors() {
			t.Run(fmt.Sprintf("%s to %s", in, out), func(t *testing.T) {
				broken := k.Model(gatewaytest.Canceller, "fault=503&retry_after=60")
				model := k.Model(gatewaytest.Drainer, "tokens=3")
				k.Offer(model, gatewaytest.Vendor(out), "tokens=3", k.Price())
				call := k.Call("")
				call.WalletID, call.KeyID, call.Secret = k.Customer("1")
				call.Incoming = gatewaytest.Ask(in, broken, false, 20)
				wishes := `{"models":["` + model + `"],"route":"fallback","session_id":"s","provider":{"order":["` + gatewaytest.Vendor(out) + `"]},`
				call.Body = append([]byte(wishes), call.Body[1:]...)
				require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
				history := k.HistoryOf(call.WalletID)
				require.Len(t, history.Charged, 1)
				require.Equal(t, model+"@"+gatewaytest.Vendor(out), history.Charged[0].Endpoint)
			})
		}
	}
}

// TestAConversationStaysInEveryDialect.
func TestAConversationStaysInEveryDialect(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	for _, in := range dialects() { //nolint:paralleltest // they share a kit, which is not safe for that
		t.Run(string(in), func(t *testing.T) {
			model := k.Model(gatewaytest.Canceller, "tokens=3")
			k.Offer(model, gatewaytest.Drainer, "tokens=3", k.Price())
			call := k.Call("")
			call.WalletID, call.KeyID, call.Secret = k.Customer("1")
			call.Incoming = gatewaytest.Ask(in, model, false, 20)
			for range 12 {
				require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
			}
			charged := k.HistoryOf(call.WalletID).Charged
			require.Len(t, charged, 12)
			for i := range charged {
				require.Equal(t, charged[0].Endpoint, charged[i].Endpoint)
			}
		})
	}
}

func TestWishesThatNobodyMeets(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	for wishes, want := range map[string]domain.Code{
		`"provider":{"only":["nobody"]}`:              routing.CodeNoEndpoint,
		`"provider":{"max_price":{"completion":"1"}}`: routing.CodeNoEndpoint,
		`"provider":{"sort":"beauty"}`:                domain.CodeInvalid,
		`"provider":{"unknown":true}`:                 domain.CodeInvalid,
		`"provider":7`:                                domain.CodeInvalid,
		`"models":"acme/x"`:                           domain.CodeInvalid,
		`"route":"shortest"`:                          domain.CodeInvalid,
	} {
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`, wishes))
		require.Equal(t, want, domain.CodeOf(err), "%s: %v", wishes, err)
	}
	require.Empty(t, k.History().Placed)
	_, err := k.Do(gatewaytest.Body(model+":online", `"max_tokens":5`))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	_, err = k.Do(gatewaytest.Body(model+":free", `"max_tokens":5`))
	require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(err))
}

// TestAnotherModelTakesTheCall: of the models that the caller lists, and the answer names the one that served.
func TestAnotherModelTakesTheCall(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	first, second := k.Model(gatewaytest.Canceller, "fault=503&retry_after=60"), k.Model(gatewaytest.Drainer, "tokens=3")
	call := k.Call(gatewaytest.Body(first, `"max_tokens":5`, `"models":["`+first+`","`+second+`"]`))
	call.Explain = true
	c := gatewaytest.NewClient()
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	h := k.Settled()
	require.Len(t, h.Charged, 1)
	require.Equal(t, second, h.Charged[0].Model)
	require.Equal(t, first, h.Released[0].Model)
	require.Contains(t, c.Body(), `"`+second+`"`)

	var told routing.Explanation
	require.NoError(t, json.Unmarshal([]byte(c.Routing()), &told))
	require.Len(t, told.Considered, 2)
	require.Len(t, told.Tried, 2)
	require.Equal(t, first+"@"+gatewaytest.Canceller, told.Tried[0].Endpoint)
	require.Equal(t, routing.Overloaded, told.Tried[0].Result)
	require.Equal(t, h.Charged[0].Endpoint, told.Tried[1].Endpoint)
}

// TestAnEndpointThatFailsIsLeftAlone: its circuit opens, and calls go elsewhere at once.
func TestAnEndpointThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "fault=502")
	k.Offer(model, gatewaytest.Drainer, "tokens=3", k.Price())
	for range 20 {
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`, inOrder))
		require.NoError(t, err)
	}
	h := k.Settled()
	require.Len(t, h.Charged, 20)
	require.Less(t, len(h.Released), 20, "the circuit opened")
	require.NotEmpty(t, h.Released)
}

// TestAConversationStays: its prompt may be in one vendor's cache.
func TestAConversationStays(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	k.Offer(model, gatewaytest.Drainer, "tokens=3", k.Price())
	for range 12 {
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
		require.NoError(t, err)
	}
	charged := k.Settled().Charged
	for i := range charged {
		require.Equal(t, charged[0].Endpoint, charged[i].Endpoint)
	}
}

// TestAutoIsTheCheapest of the models that are listed for it.
func TestAutoIsTheCheapest(t *testing.T) {
	t.Parallel()
	var models []string
	k := gatewaytest.New(t, hasty, func(o *gateway.Options) { o.AutoModels = []string{"acme/model-1", "acme/model-2"} })
	for range 2 {
		models = append(models, k.Model(gatewaytest.Canceller, "tokens=3"))
	}
	cheap := k.Price()
	for class := range cheap.Price.Base {
		cheap.Price.Base[class] = money.MustPrice("0.000000001")
	}
	k.Offer(models[1], gatewaytest.Drainer, "tokens=3", cheap)
	_, err := k.Do(gatewaytest.Body("openrouter/auto", `"max_tokens":5`))
	require.NoError(t, err)
	require.Equal(t, models[1]+"@"+gatewaytest.Drainer, k.Only().Endpoint)
}

// TestAPoorCallerHarmsNoEndpoint: a fallback that the wallet cannot pay is no failure of its vendor.
func TestAPoorCallerHarmsNoEndpoint(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "fault=403")
	dear := k.Price()
	dear.Price.Base[usage.Output] = money.MustPrice("1000")
	k.Offer(model, gatewaytest.Drainer, "tokens=3", dear)
	body := gatewaytest.Body(model, `"max_tokens":20`, inOrder)
	for range 20 {
		_, err := k.Do(body)
		require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err))
	}
	rich := k.Call(body)
	rich.WalletID, rich.KeyID, rich.Secret = k.Customer("1000000")
	require.NoError(t, k.Gateway.Complete(t.Context(), rich, gatewaytest.NewClient()))
	require.Equal(t, model+"@"+gatewaytest.Drainer, k.HistoryOf(rich.WalletID).Charged[0].Endpoint)
}

// TestAnotherDialectTakesWhatOneCannotSay.
func TestAnotherDialectTakesWhatOneCannotSay(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Vendor(chat.Anthropic), "tokens=3")
	k.Offer(model, gatewaytest.Drainer, "tokens=3", k.Price())
	_, err := k.Do(gatewaytest.Body(model, `"max_tokens":20`, `"logit_bias":{"1":2}`, `"provider":{"order":["`+gatewaytest.Vendor(chat.Anthropic)+`"]}`))
	require.NoError(t, err)
	require.Equal(t, model+"@"+gatewaytest.Drainer, k.Settled().Charged[0].Endpoint)
}
