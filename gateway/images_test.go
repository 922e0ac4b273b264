package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/internal/sim"
)

// painter is a model that draws, with the kit's price and one for tokens of images.
func painter(k *gatewaytest.Kit, vendor, controls string) string {
	return k.Does(k.ModelAt(vendor, controls, priced(k, map[usage.Class]string{usage.ImageOutput: "0.00004"})), "image")
}

// byPiece is a price that counts no tokens, but units of a class.
func byPiece(k *gatewaytest.Kit, class usage.Class, rate string) map[usage.Class]money.Price {
	k.T.Helper()
	return map[usage.Class]money.Price{usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice("0"), class: money.MustPrice(rate)}
}

func drawing(model string, members ...string) exchange.Incoming {
	body := fmt.Sprintf(`{"model":%q,"prompt":"a lighthouse at night"`, model)
	for _, m := range members {
		body += "," + m
	}
	return exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Images, Body: []byte(body + "}")}
}

// TestImagesAreChargedByTokens: what the vendor says, held for the most that the model puts out for each image.
func TestImagesAreChargedByTokens(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	c, err := doEmbed(t, k, drawing(painter(k, gatewaytest.Canceller, ""), `"n":3`, `"size":"1024x1536"`, `"quality":"low"`, `"background":"opaque"`))
	require.NoError(t, err)
	charged, truth := k.Only(), k.Sim.Totals().Reported
	require.Equal(t, sim.Usage{Prompt: 6, Completion: 3 * 408, Images: 3}, truth)
	require.Equal(t, usage.Usage{usage.Input: truth.Prompt, usage.ImageOutput: truth.Completion, usage.Image: truth.Images, usage.Request: 1}, charged.Usage)
	require.Equal(t, usage.Reported, charged.Provenance)
	require.False(t, charged.Call.Suspect)
	require.Equal(t, money.MustPrice("0.00004").Times(3*408).Add(money.MustPrice(gatewaytest.InputPrice).Times(6)).String(), charged.Charge.String())
	answer := decode(t, c.Body())
	require.Len(t, list(answer["data"]), 3)
	require.Equal(t, c.Generation(), answer["id"])
	require.Equal(t, "low", answer["quality"])
	told := object(answer["usage"])
	require.Equal(t, charged.Charge.String(), number(told["cost"]))
	require.Equal(t, [3]string{"6", "1224", "3"}, [3]string{number(told["input_tokens"]), number(told["output_tokens"]), number(told["images"])})
	require.NotContains(t, c.Body(), "sim-large")
	placed := k.History().Placed[0]
	require.EqualValues(t, 3*gatewaytest.MaxOutput, placed.CompletionTokens)
	require.Equal(t, usage.Usage{usage.Image: 3, usage.ImageOutput: 3 * gatewaytest.MaxOutput}, placed.Extra)
}

// TestImagesAreChargedByTheImage where the price says so: an answer without usage is not wondered at.
func TestImagesAreChargedByTheImage(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	price := k.Price()
	price.Price.Base = byPiece(k, usage.Image, "0.02")
	model := k.Does(k.ModelAt(gatewaytest.Canceller, "", price), "image")
	k.Catalog.Change(upstream(model+"@"+gatewaytest.Canceller, "dall-e-2"))
	c, err := doEmbed(t, k, drawing(model, `"n":4`, `"response_format":"b64_json"`))
	require.NoError(t, err)
	charged := k.Only()
	require.Equal(t, usage.Usage{usage.Image: 4, usage.Request: 1}, charged.Usage)
	require.Equal(t, usage.Reported, charged.Provenance)
	require.False(t, charged.Call.Suspect)
	require.Equal(t, "0.08", charged.Charge.String())
	require.Equal(t, "0.08", k.History().Placed[0].Amount.String(), "no more than asked for")
	require.EqualValues(t, 4, k.Sim.Totals().Reported.Images)
	require.Equal(t, "0.08", number(object(decode(t, c.Body())["usage"])["cost"]))
}

// upstream changes what a vendor calls a model.
func upstream(endpoint, name string) func(*gateway.Picture) {
	return func(p *gateway.Picture) {
		e := p.Endpoints[endpoint]
		e.UpstreamModel = name
		p.Endpoints[endpoint] = e
	}
}

// TestStreamedImages: what is not finished goes through as it comes, the end when it is charged.
func TestStreamedImages(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	c, err := doEmbed(t, k, drawing(painter(k, gatewaytest.Canceller, "tokens=300"), `"stream":true`, `"partial_images":2`))
	require.NoError(t, err)
	charged := k.Only()
	require.Equal(t, usage.Usage{usage.Input: 6, usage.ImageOutput: 300, usage.Image: 1, usage.Request: 1}, charged.Usage)
	require.Equal(t, usage.Reported, charged.Provenance)
	require.True(t, charged.Call.Streamed)
	events := strings.Split(strings.TrimSuffix(c.Body(), "\n\n"), "\n\n")
	require.Len(t, events, 3)
	for i, event := range events {
		name, data, ok := strings.Cut(event, "\ndata: ")
		require.True(t, ok)
		value := decode(t, data)
		require.Equal(t, "event: "+word(value["type"]), name)
		require.NotEmpty(t, value["b64_json"])
		require.Equal(t, i == 2, value["usage"] != nil)
		if i == 2 {
			require.Equal(t, "image_generation.completed", value["type"])
			require.Equal(t, charged.Charge.String(), number(object(value["usage"])["cost"]))
		}
	}
	require.Equal(t, sim.Usage{Prompt: 6, Completion: 300, Images: 1}, k.Sim.Totals().Reported)
}

// TestImageFaults: a status for the caller, and a hold that is released.
func TestImageFaults(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]domain.Code{
		"400": gateway.CodeVendorRefused, "500": gateway.CodeVendorError, "503&retry_after=60": gateway.CodeVendorOverloaded, "malformed": gateway.CodeVendorError,
		"malformed&variant=html": gateway.CodeVendorError, "empty": gateway.CodeVendorError, "cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError,
		"timeout_before": gateway.CodeVendorTimeout,
	} {
		for _, stream := range []string{"false", "true"} {
			t.Run(fault+" stream "+stream, func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(fault))
				_, err := doEmbed(t, k, drawing(painter(k, gatewaytest.Canceller, "tokens=20&fault="+fault), `"stream":`+stream))
				require.Equal(t, want, domain.CodeOf(err), "%v", err)
				require.Equal(t, string(want), k.OnlyReleased().Reason)
			})
		}
	}
}

// TestAStreamOfImagesThatBreaks is charged what was seen of it, and its end says so.
func TestAStreamOfImagesThatBreaks(t *testing.T) {
	t.Parallel()
	for fault, code := range map[string]domain.Code{
		"cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError, "malformed": gateway.CodeVendorError, "timeout_after": gateway.CodeVendorTimeout,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty, patience(fault))
			c, err := doEmbed(t, k, drawing(painter(k, gatewaytest.Canceller, "tokens=300&after=150&fault="+fault), `"stream":true`, `"partial_images":2`))
			require.NoError(t, err, "it had begun")
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.EqualValues(t, 100, charged.Usage[usage.ImageOutput], "one that is not finished")
			require.Zero(t, charged.Usage[usage.Image])
			require.Contains(t, c.Body(), `"error_type":"`+string(code)+`"`)
			require.True(t, strings.HasSuffix(c.Body(), "}\n\n"))
		})
	}
}

// TestImagesWithoutATrueUsage are estimated by the images that came, and looked at.
func TestImagesWithoutATrueUsage(t *testing.T) {
	t.Parallel()
	for _, controls := range []string{
		"fault=no_usage", "fault=absurd_usage&variant=negative", "fault=absurd_usage&variant=huge", "fault=absurd_usage&variant=total", "fault=absurd_usage&variant=fraction",
	} {
		for _, stream := range []string{"false", "true"} {
			t.Run(controls+" stream "+stream, func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				_, err := doEmbed(t, k, drawing(painter(k, gatewaytest.Canceller, controls), `"size":"1024x1024"`, `"quality":"medium"`, `"stream":`+stream))
				require.NoError(t, err)
				charged := k.Only()
				require.Equal(t, usage.Estimated, charged.Provenance)
				require.True(t, charged.Call.Suspect)
				require.EqualValues(t, 1, charged.Usage[usage.Image])
				require.EqualValues(t, 1056, charged.Usage[usage.ImageOutput])
				require.Positive(t, charged.Usage[usage.Input])
			})
		}
	}
}

// TestMoreImagesThanAskedFor are not paid for.
func TestMoreImagesThanAskedFor(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	price := k.Price()
	price.Price.Base = byPiece(k, usage.Image, "0.02")
	model := k.Does(k.ModelAt(gatewaytest.Canceller, "", price), "image")
	answering(k, `{"created":1,"data":[{"url":"a"},{"url":"b"},{"url":"c"}]}`)
	_, err := doEmbed(t, k, drawing(model, `"n":2`))
	require.NoError(t, err)
	require.Equal(t, "0.04", k.Only().Charge.String())
}

// TestImagesGoToWhoeverCan: another vendor when the first one fails; nobody when no vendor of the model has this form.
func TestImagesGoToWhoeverCan(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := painter(k, gatewaytest.Canceller, "fault=503&retry_after=60")
	k.Offer(model, gatewaytest.Drainer, "", k.Price())
	_, err := doEmbed(t, k, drawing(model, `"provider":{"order":["acme"]}`))
	require.NoError(t, err)
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Equal(t, model+"@"+gatewaytest.Drainer, h.Charged[0].Endpoint)

	k = gatewaytest.New(t, hasty)
	for _, in := range []exchange.Incoming{
		drawing(painter(k, gatewaytest.Vendor(chat.Gemini), "")), drawing(painter(k, gatewaytest.Vendor(chat.Anthropic), "")), drawing(k.Model(gatewaytest.Canceller, "")),
		drawing(embedder(k, gatewaytest.Canceller, "")), embed(float, painter(k, gatewaytest.Canceller, "")),
	} {
		_, err := doEmbed(t, k, in)
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, domain.CodeInvalid, e.Code, "%v", err)
		require.Equal(t, "model", e.Details["param"])
	}
	require.Empty(t, k.History().Placed)
}

// TestAClampDoesNotBindImages: the vendor cannot be told how many tokens an image may have, so that a call that cannot be paid is refused.
func TestAClampDoesNotBindImages(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	call, c := k.Call(""), gatewaytest.NewClient()
	call.WalletID, call.KeyID, call.Secret = k.Customer("0.5")
	call.Incoming, call.Clamp = drawing(painter(k, gatewaytest.Canceller, "")), true
	err := k.Gateway.Complete(t.Context(), call, c)
	require.Equal(t, domain.CodeInsufficientCredits, domain.CodeOf(err), "%v", err)
	require.Empty(t, k.HistoryOf(call.WalletID).Placed)
}
