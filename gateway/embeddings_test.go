package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// embedder is a model that makes vectors, at a vendor of some dialect.
func embedder(k *gatewaytest.Kit, vendor, controls string) string {
	return k.Does(k.Model(vendor, controls), "embeddings")
}

// form is a way to ask for vectors.
type form string

const (
	float    form = "float"
	inBase64 form = "base64"
	single   form = "embedContent"
	batch    form = "batchEmbedContents"
)

// forms are all ways, each with how many texts it takes here.
func forms() map[form]int { return map[form]int{float: 2, inBase64: 2, single: 1, batch: 2} }

// embed is a call for the vectors of "first" and "second", or of the first alone.
func embed(f form, model string) exchange.Incoming {
	const content = `{"content":{"parts":[{"text":%q}]},"outputDimensionality":8}`
	in := exchange.Incoming{Dialect: chat.OpenAI, Operation: exchange.Embeddings}
	switch f {
	case float, inBase64:
		in.Body = fmt.Appendf(nil, `{"model":%q,"input":["first","second"],"dimensions":8,"encoding_format":%q}`, model, f)
	case single:
		in.Dialect, in.Model, in.Single = chat.Gemini, model, true
		in.Body = fmt.Appendf(nil, content, "first")
	case batch:
		in.Dialect, in.Model = chat.Gemini, model
		in.Body = fmt.Appendf(nil, `{"requests":[`+content+`,`+content+`]}`, "first", "second")
	}
	return in
}

func doEmbed(t *testing.T, k *gatewaytest.Kit, in exchange.Incoming) (*gatewaytest.Client, error) {
	t.Helper()
	call, c := k.Call(""), gatewaytest.NewClient()
	call.Incoming = in
	return c, k.Gateway.Complete(t.Context(), call, c)
}

// vectors are the numbers that a caller got, as bits, and the cost that it was told.
func vectors(t *testing.T, c *gatewaytest.Client) (bits [][]uint32, cost string) {
	t.Helper()
	answer := decode(t, c.Body())
	all := append(list(answer["data"]), list(answer["embeddings"])...)
	if one := object(answer["embedding"]); one != nil {
		all = append(all, one)
	}
	for _, v := range all {
		var numbers []uint32
		switch e := v["embedding"].(type) {
		case string:
			raw, err := base64.StdEncoding.DecodeString(e)
			require.NoError(t, err)
			for i := 0; i < len(raw); i += 4 {
				numbers = append(numbers, uint32(raw[i])|uint32(raw[i+1])<<8|uint32(raw[i+2])<<16|uint32(raw[i+3])<<24)
			}
		default:
			values, ok := e.([]any)
			if !ok {
				values, _ = v["values"].([]any)
			}
			for _, x := range values {
				var f float32
				_, err := fmt.Sscan(number(x), &f)
				require.NoError(t, err)
				numbers = append(numbers, math.Float32bits(f))
			}
		}
		bits = append(bits, numbers)
	}
	return bits, number(object(answer["usage"])["cost"]) + number(object(answer["usageMetadata"])["cost"])
}

// TestEmbeddingsInEveryForm: whatever form caller and vendor speak, the numbers are the vendor's to the bit, and what is charged is
// what the vendor says or, where it cannot, an estimate that is marked as one.
func TestEmbeddingsInEveryForm(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	c, err := doEmbed(t, k, embed(float, embedder(k, gatewaytest.Canceller, "")))
	require.NoError(t, err)
	want, _ := vectors(t, c)
	require.Len(t, want, 2)
	require.Len(t, want[0], 8)
	for f, n := range forms() {
		for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
			t.Run(fmt.Sprintf("%s to %s", f, vendor), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty)
				model := embedder(k, gatewaytest.Vendor(vendor), "")
				c, err := doEmbed(t, k, embed(f, model))
				require.NoError(t, err)
				got, cost := vectors(t, c)
				require.Equal(t, want[:n], got, "%s", c.Body())
				charged := k.Only()
				require.Equal(t, charged.Charge.String(), cost)
				require.Equal(t, gatewaytest.Cost(charged.Usage).String(), cost)
				require.False(t, charged.Call.Suspect)
				require.NotContains(t, c.Body(), "sim-large")
				require.Zero(t, charged.Usage.Completion())
				totals := k.Sim.Totals()
				if vendor == chat.OpenAI {
					require.Equal(t, usage.Reported, charged.Provenance)
					require.Equal(t, totals.Reported.Prompt, charged.Usage.Prompt())
				} else {
					require.Equal(t, usage.Estimated, charged.Provenance)
					require.Equal(t, map[bool]int64{true: 2, false: 4}[n == 1], charged.Usage.Prompt(), "a token for the word, one for the line")
				}
				placed := k.History().Placed[0]
				require.Zero(t, placed.CompletionTokens, "there is nothing to put out")
				require.LessOrEqual(t, charged.Usage.Prompt(), placed.PromptTokens)
			})
		}
	}
}

// TestEmbeddingFaults: a status for the caller, and a hold that is released.
func TestEmbeddingFaults(t *testing.T) {
	t.Parallel()
	for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
		for fault, want := range map[string]domain.Code{
			"400": gateway.CodeVendorRefused, "403": gateway.CodeVendorError, "500": gateway.CodeVendorError, "503&retry_after=60": gateway.CodeVendorOverloaded,
			"429&variant=insufficient_quota": gateway.CodeVendorUnavailable, "malformed&variant=html": gateway.CodeVendorError, "malformed": gateway.CodeVendorError,
			"empty": gateway.CodeVendorError, "cut": gateway.CodeVendorError, "error_in_stream": gateway.CodeVendorError, "timeout_before": gateway.CodeVendorTimeout,
		} {
			t.Run(fmt.Sprintf("%s %s", vendor, fault), func(t *testing.T) {
				t.Parallel()
				k := gatewaytest.New(t, hasty, patience(fault))
				_, err := doEmbed(t, k, embed(float, embedder(k, gatewaytest.Vendor(vendor), "fault="+fault)))
				require.Equal(t, want, domain.CodeOf(err), "%v", err)
				require.Equal(t, string(want), k.OnlyReleased().Reason)
			})
		}
	}
}

// TestEmbeddingsWithoutATrueUsage are estimated, and looked at.
func TestEmbeddingsWithoutATrueUsage(t *testing.T) {
	t.Parallel()
	for _, controls := range []string{
		"fault=no_usage", "fault=absurd_usage&variant=negative", "fault=absurd_usage&variant=huge", "fault=absurd_usage&variant=overflow", "fault=absurd_usage&variant=total",
		"fault=absurd_usage&variant=zero", "fault=absurd_usage&variant=fraction",
	} {
		t.Run(controls, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			_, err := doEmbed(t, k, embed(float, embedder(k, gatewaytest.Canceller, controls)))
			require.NoError(t, err)
			charged := k.Only()
			require.Equal(t, usage.Estimated, charged.Provenance)
			require.True(t, charged.Call.Suspect)
			require.Equal(t, usage.Usage{usage.Input: 4, usage.Request: 1}, charged.Usage)
		})
	}
	k := gatewaytest.New(t, hasty)
	in := embed(float, embedder(k, gatewaytest.Canceller, "fault=no_usage"))
	in.Body = []byte(strings.Replace(string(in.Body), `["first","second"]`, `[[1,2,3],[4,5]]`, 1))
	_, err := doEmbed(t, k, in)
	require.NoError(t, err)
	require.EqualValues(t, 5, k.Only().Usage.Prompt(), "tokens that are given are counted")
}

// TestManyTextsAreMoreThanOneContext: each text has the model's whole context, and so have the bounds of what the vendor reports.
func TestManyTextsAreMoreThanOneContext(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	texts := strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("word ", 10_000)+`",`, 12), ",")
	in := embed(float, embedder(k, gatewaytest.Canceller, ""))
	in.Body = []byte(strings.Replace(string(in.Body), `"first","second"`, texts, 1))
	_, err := doEmbed(t, k, in)
	require.NoError(t, err)
	charged := k.Only()
	require.Equal(t, usage.Reported, charged.Provenance)
	require.Greater(t, charged.Usage.Prompt(), int64(gatewaytest.ContextLength))
	require.False(t, charged.Call.Suspect)
}

// TestAnotherVendorMakesTheVectors when the first one fails: of another form, and at its own price.
func TestAnotherVendorMakesTheVectors(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := embedder(k, gatewaytest.Canceller, "fault=503&retry_after=60")
	k.Offer(model, gatewaytest.Vendor(chat.Gemini), "", k.Price())
	in := embed(inBase64, model)
	in.Body = []byte(strings.TrimSuffix(string(in.Body), "}") + `,"provider":{"order":["acme"]}}`)
	c, err := doEmbed(t, k, in)
	require.NoError(t, err)
	h := k.Settled()
	require.Len(t, h.Released, 1)
	require.Len(t, h.Charged, 1)
	require.Equal(t, model+"@"+gatewaytest.Vendor(chat.Gemini), h.Charged[0].Endpoint)
	got, _ := vectors(t, c)
	require.Len(t, got, 2)
}

// TestModelsDoWhatTheyAreFor: anything else is refused before anything is held or sent.
func TestModelsDoWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	talks, embeds := k.Model(gatewaytest.Canceller, ""), embedder(k, gatewaytest.Canceller, "")
	foreign := embedder(k, gatewaytest.Vendor(chat.Anthropic), "")
	refused := func(in exchange.Incoming) {
		t.Helper()
		_, err := doEmbed(t, k, in)
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, domain.CodeInvalid, e.Code, "%v", err)
		require.Equal(t, "model", e.Details["param"])
	}
	refused(embed(float, talks))
	refused(embed(single, talks))
	refused(embed(float, foreign))
	for _, d := range dialects() {
		refused(gatewaytest.Ask(d, embeds, false, 20))
	}
	require.Empty(t, k.History().Placed)
	require.Zero(t, k.Sim.Totals().Calls)
	k.Does(talks, "text", "embeddings")
	_, err := doEmbed(t, k, embed(float, talks))
	require.NoError(t, err)
	_, err = doEmbed(t, k, gatewaytest.Ask(chat.OpenAI, talks, false, 20))
	require.NoError(t, err, "a model may do both")
}

// TestEmbeddingsAreKept: the same token gives the same bytes again; the same body for something else is another call.
func TestEmbeddingsAreKept(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, hasty)
	model := k.Does(k.Model(gatewaytest.Canceller, ""), "text", "embeddings")
	ask := func(in exchange.Incoming) (*gatewaytest.Client, error) {
		call, c := k.Call(""), gatewaytest.NewClient()
		call.Token, call.Incoming = "once", in
		return c, k.Gateway.Complete(t.Context(), call, c)
	}
	first, err := ask(embed(inBase64, model))
	require.NoError(t, err)
	again, err := ask(embed(inBase64, model))
	require.NoError(t, err)
	require.True(t, again.Replayed())
	require.Equal(t, first.Body(), again.Body())
	other := embed(inBase64, model)
	other.Operation = exchange.Chat
	other.Body = append(other.Body[:len(other.Body)-1], `,"messages":[{"role":"user","content":"a"}]}`...)
	_, err = ask(other)
	require.Equal(t, domain.CodeIdempotencyConflict, domain.CodeOf(err))
	require.Len(t, k.History().Charged, 1)
}

// TestACallerWhoLeavesEmbeddings: where that stops the bill nothing is charged; where it does not, what came is.
func TestACallerWhoLeavesEmbeddings(t *testing.T) {
	t.Parallel()
	for vendor, charged := range map[string]int{gatewaytest.Canceller: 0, gatewaytest.Drainer: 1} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			model := embedder(k, vendor, "")
			ctx, leave := context.WithCancel(t.Context())
			k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body) // the server notices that a client left when it has nothing left to read
				if err != nil {
					t.Errorf("read the request: %v", err)
				}
				leave()
				if vendor == gatewaytest.Canceller {
					<-r.Context().Done()
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				k.Sim.ServeHTTP(w, r)
			}))
			call := k.Call("")
			call.Incoming = embed(float, model)
			_ = k.Gateway.Complete(ctx, call, gatewaytest.NewClient())
			h := k.Settled()
			require.Len(t, h.Charged, charged)
			require.Len(t, h.Released, 1-charged)
		})
	}
}
