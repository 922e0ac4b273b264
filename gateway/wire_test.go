package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// wired publishes a vendor of the simulator, with a wire, and returns its id.
func wired(k *gatewaytest.Kit, d chat.Dialect, root string, w catalog.Wire) string {
	k.T.Helper()
	const id = "peculiar"
	k.PublishVendor(catalog.Vendor{
		ID: id, Name: "Peculiar", BaseURL: k.Vendor.URL + root, Dialect: string(d), CancelPolicy: catalog.Cancel, MaxTokensField: "max_tokens",
		Status: catalog.Active, Wire: &w,
	})
	return id
}

// TestHowAVendorWantsToBeCalled: the key where the vendor looks for it and nowhere else, its headers, its parameters and its paths.
func TestHowAVendorWantsToBeCalled(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		dialect chat.Dialect
		wire    catalog.Wire
		path    string // decoded
		key     func(h http.Header, q url.Values) string
		bare    bool // no key at all
	}{
		"header": {
			chat.OpenAI,
			catalog.Wire{Auth: catalog.AuthHeader, AuthName: "api-key"},
			"/base/chat/completions",
			func(h http.Header, _ url.Values) string { return h.Get("Api-Key") }, false,
		},
		"query": {
			chat.OpenAI,
			catalog.Wire{Auth: catalog.AuthQuery, AuthName: "key", Query: map[string]string{"api-version": "1"}},
			"/base/chat/completions",
			func(_ http.Header, q url.Values) string { return q.Get("key") }, false,
		},
		"query of gemini": {
			chat.Gemini,
			catalog.Wire{Auth: catalog.AuthQuery, AuthName: "key", Query: map[string]string{"api-version": "1"}},
			"/base/models/sim-large?tokens=3:streamGenerateContent", func(_ http.Header, q url.Values) string { return q.Get("key") }, false,
		},
		"bearer": {
			chat.Anthropic,
			catalog.Wire{Auth: catalog.AuthBearer},
			"/base/messages",
			func(h http.Header, _ url.Values) string { return strings.TrimPrefix(h.Get("Authorization"), "Bearer ") }, false,
		},
		"none": {chat.OpenAI, catalog.Wire{Auth: catalog.AuthNone}, "/base/chat/completions", nil, true},
		"paths": {
			chat.OpenAI,
			catalog.Wire{Paths: map[string]string{"chat": "/x/{model}/talk"}},
			"/base/x/sim-large?tokens=3/talk",
			func(h http.Header, _ url.Values) string { return strings.TrimPrefix(h.Get("Authorization"), "Bearer ") }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t, hasty)
			if row.bare {
				k.Options.Credentials = gatewaytest.Accounts{}
				k.Gateway = k.NewGateway()
			}
			row.wire.Headers = map[string]string{"X-Region": "eu-1"}
			model := k.Model(wired(k, row.dialect, "/base", row.wire), "tokens=3")
			k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				places := 0
				for _, has := range []string{r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Api-Key"), r.Header.Get("X-Goog-Api-Key"), r.URL.Query().Get("key")} {
					if has != "" {
						places++
					}
				}
				query := r.URL.Query()
				switch {
				case r.URL.Path != row.path, r.Header.Get("X-Region") != "eu-1", query.Get("api-version") != row.wire.Query["api-version"],
					row.bare && places > 0, !row.bare && (places != 1 || row.key(r.Header, query) != gatewaytest.VendorSecret):
					w.WriteHeader(http.StatusTeapot)
					return
				}
				r.URL.Path, r.URL.RawPath = map[chat.Dialect]string{
					chat.OpenAI: "/v1/chat/completions", chat.Anthropic: "/v1/messages", chat.Gemini: "/v1beta" + strings.TrimPrefix(r.URL.Path, "/base"),
				}[row.dialect], ""
				r.Header.Set("Authorization", "Bearer "+gatewaytest.VendorSecret)
				k.Sim.ServeHTTP(w, r)
			}))
			call, c := k.Call(""), gatewaytest.NewClient()
			call.Incoming = gatewaytest.Ask(chat.OpenAI, model, true, 20)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s", k.Log)
			require.Equal(t, int64(3), k.Only().Usage.Completion())
			require.NotContains(t, k.Log.String(), gatewaytest.VendorSecret)
		})
	}
}

// TestAVendorThatDoesNotTellUsageOfStreams is not asked for it, whoever asks; what it does not tell is estimated.
func TestAVendorThatDoesNotTellUsageOfStreams(t *testing.T) {
	t.Parallel()
	for _, in := range []chat.Dialect{chat.OpenAI, chat.Anthropic} {
		k := gatewaytest.New(t, hasty)
		model := k.Model(wired(k, chat.OpenAI, "/v1", catalog.Wire{NoStreamUsage: true}), "tokens=6")
		k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || strings.Contains(string(body), "include_usage") {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			k.Sim.ServeHTTP(w, r)
		}))
		call := k.Call("")
		call.Incoming = gatewaytest.Ask(in, model, true, 20)
		if in == chat.OpenAI {
			call.Body = []byte(strings.TrimSuffix(string(call.Body), "}") + `,"stream_options":{"include_usage":true}}`)
		}
		require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()), "%s", k.Log)
		charged := k.Only()
		require.Equal(t, usage.Estimated, charged.Provenance)
		require.Equal(t, int64(6), charged.Usage.Completion())
	}
}

// azure publishes Azure's two forms.
func azure(k *gatewaytest.Kit, version string) string {
	if version == "" {
		return wired(k, chat.OpenAI, "/openai/v1", catalog.Wire{Auth: catalog.AuthHeader, AuthName: "api-key"})
	}
	return wired(k, chat.OpenAI, "/openai", catalog.Wire{
		Auth: catalog.AuthHeader, AuthName: "api-key", Query: map[string]string{"api-version": version},
		Paths: map[string]string{
			"chat": "/deployments/{model}/chat/completions", "completion": "/deployments/{model}/completions", "embeddings": "/deployments/{model}/embeddings",
			"image": "/deployments/{model}/images/generations", "speech": "/deployments/{model}/audio/speech", "transcription": "/deployments/{model}/audio/transcriptions",
		},
	})
}

// TestAzure is called by its own rules, in both forms, for callers of every dialect.
func TestAzure(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "2024-10-21"} {
		for _, in := range dialects() {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s version %q stream %t", in, version, stream), func(t *testing.T) {
					t.Parallel()
					k := gatewaytest.New(t, hasty)
					call, c := k.Call(""), gatewaytest.NewClient()
					call.Incoming = gatewaytest.Ask(in, k.Model(azure(k, version), "tokens=9&cached=2&reasoning=4"), stream, 20)
					require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s", k.Log)
					text, cost, ended := heard(t, in, c)
					require.True(t, ended, "%s", c.Body())
					require.Len(t, strings.Fields(text), 9, "%s", c.Body())
					charged := k.Only()
					require.Equal(t, charged.Charge.String(), cost)
					require.Equal(t, usage.Reported, charged.Provenance)
					totals := k.Sim.Totals()
					require.Equal(t, int64(1), totals.Dialects["azure"].Calls)
					require.Equal(t, totals.Reported.Prompt, charged.Usage.Prompt())
					require.Equal(t, totals.Reported.Completion, charged.Usage.Completion())
					require.NotEmpty(t, charged.Call.UpstreamID, "the first chunk has none")
				})
			}
		}
	}
}

// TestAzureFilters prompts with an error, and answers with a finish reason of their own.
func TestAzureFilters(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		k := gatewaytest.New(t, hasty)
		vendor := azure(k, "2024-10-21")
		call := k.Call("")
		call.Incoming = gatewaytest.Ask(chat.Anthropic, k.Model(vendor, "finish=blocked"), stream, 20)
		err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
		require.Equal(t, gateway.CodeVendorRefused, domain.CodeOf(err))
		require.ErrorContains(t, err, "content management policy")
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "content_filter", e.Details["provider_code"])

		c := gatewaytest.NewClient()
		call.Incoming = gatewaytest.Ask(chat.OpenAI, k.Model(vendor, "finish=filter&tokens=2"), stream, 20)
		require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
		require.Contains(t, c.Body(), `"content_filter_results"`, "the same dialect passes through")
		h := k.Settled()
		require.Len(t, h.Charged, 1)
		require.Equal(t, "content_filter", h.Charged[0].Call.FinishReason)
	}
}

func TestAzureFails(t *testing.T) {
	t.Parallel()
	for controls, want := range map[string]domain.Code{
		"fault=404": gateway.CodeVendorError, "fault=429&retry_after=60": gateway.CodeVendorOverloaded, "fault=401": gateway.CodeVendorUnavailable,
		"fault=429&variant=insufficient_quota": gateway.CodeVendorUnavailable, "fault=500": gateway.CodeVendorError,
	} {
		k := gatewaytest.New(t, hasty)
		_, err := k.Do(gatewaytest.Body(k.Model(azure(k, "2024-10-21"), controls), `"max_tokens":5`))
		require.Equal(t, want, domain.CodeOf(err), controls)
		require.Equal(t, string(want), k.OnlyReleased().Reason, controls)
	}
	k := gatewaytest.New(t, hasty)
	_, err := k.Do(gatewaytest.Body(k.Model(azure(k, "latest"), "tokens=2"), `"max_tokens":5`))
	require.Equal(t, gateway.CodeVendorError, domain.CodeOf(err), "there is no such version")
}

// TestAzureIsLeft when the caller goes away.
func TestAzureIsLeft(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	_, _ = leave(t, k, k.Model(azure(k, "2024-10-21"), "tokens=5000&between=2ms"), 4, false)
	require.NoError(t, k.Sim.WaitIdle(t.Context()))
	totals := k.Sim.Totals()
	require.Equal(t, int64(1), totals.Aborted, "the vendor was told")
	e := k.Only()
	require.True(t, e.Call.Cancelled)
	require.LessOrEqual(t, e.Usage[usage.Output], totals.Unreported.Completion)
}
