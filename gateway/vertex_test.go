package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

const vertexRoot = "/v1/projects/p/locations/eu/publishers/google"

// newVertex is a kit whose vendor is Vertex AI, with a service account whose tokens live so long.
func newVertex(t *testing.T, life time.Duration) (k *gatewaytest.Kit, vendor string) {
	t.Helper()
	k = gatewaytest.New(t, hasty)
	document := k.ServiceAccount(life)
	k.Options.Credentials = gatewaytest.Accounts{{ID: "vertex/a", Secret: document}}
	k.Gateway = k.NewGateway()
	return k, wired(k, chat.Gemini, vertexRoot, catalog.Wire{Auth: catalog.AuthServiceAccount})
}

// TestVertex takes calls with a token, which one exchange gets for all of them.
func TestVertex(t *testing.T) {
	t.Parallel()
	k, vendor := newVertex(t, time.Hour)
	model := k.Model(vendor, "tokens=9&cached=2&reasoning=4")
	calls := 0
	for _, in := range dialects() {
		for _, stream := range []bool{false, true} {
			call, c := k.Call(""), gatewaytest.NewClient()
			call.Incoming = gatewaytest.Ask(in, model, stream, 20)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s", k.Log)
			text, _, ended := heard(t, in, c)
			require.True(t, ended, "%s", c.Body())
			require.Len(t, strings.Fields(text), 9, "%s", c.Body())
			calls++
		}
	}
	h, totals := k.Settled(), k.Sim.Totals()
	require.Len(t, h.Charged, calls)
	var prompt, completion int64
	for i := range h.Charged {
		require.Equal(t, usage.Reported, h.Charged[i].Provenance)
		require.Equal(t, "vertex/a", h.Charged[i].Call.Credential)
		prompt, completion = prompt+h.Charged[i].Usage.Prompt(), completion+h.Charged[i].Usage.Completion()
	}
	require.Equal(t, totals.Reported.Prompt, prompt)
	require.Equal(t, totals.Reported.Completion, completion)
	require.Equal(t, int64(calls), totals.Dialects["vertex"].Calls)
	require.Equal(t, int64(1), k.Sim.Tokens())
}

// TestAnthropicOnVertex: the version stands in the body and the model in the address, for callers of every dialect.
func TestAnthropicOnVertex(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	k.Options.Credentials = gatewaytest.Accounts{{ID: "vertex/a", Secret: k.ServiceAccount(time.Hour)}}
	k.Gateway = k.NewGateway()
	vendor := wired(k, chat.Anthropic, "/v1/projects/p/locations/eu/publishers/anthropic", catalog.Wire{
		Auth: catalog.AuthServiceAccount, BodyVersion: "vertex-2023-10-16",
		Paths: map[string]string{"chat": "/models/{model}:rawPredict", "chat_stream": "/models/{model}:streamRawPredict"},
	})
	model := k.Model(vendor, "tokens=9&cached=2&cache_write=3")
	calls := 0
	for _, in := range dialects() {
		for _, stream := range []bool{false, true} {
			call, c := k.Call(""), gatewaytest.NewClient()
			call.Incoming = gatewaytest.Ask(in, model, stream, 20)
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c), "%s stream %t: %s", in, stream, k.Log)
			text, _, ended := heard(t, in, c)
			require.True(t, ended, "%s", c.Body())
			require.Len(t, strings.Fields(text), 9, "%s", c.Body())
			calls++
		}
	}
	require.Equal(t, int64(calls), k.Sim.Totals().Dialects["vertex-messages"].Calls)
	require.Len(t, k.Settled().Charged, calls)
	_, err := k.Do(gatewaytest.Body(k.Model(vendor, "fault=429&retry_after=60"), `"max_tokens":5`))
	require.Equal(t, gateway.CodeVendorOverloaded, domain.CodeOf(err))
}

// TestOneExchangeAtATime: calls that come at once wait for one token.
func TestOneExchangeAtATime(t *testing.T) {
	t.Parallel()
	k, vendor := newVertex(t, time.Hour)
	model := k.Model(vendor, "tokens=2")
	var running sync.WaitGroup
	var failed atomic.Int64
	for n := range 50 {
		running.Go(func() {
			if k.Gateway.Complete(t.Context(), k.Call(said(model, n)), gatewaytest.NewClient()) != nil {
				failed.Add(1)
			}
		})
	}
	running.Wait()
	require.Zero(t, failed.Load(), "%s", k.Log)
	require.Equal(t, int64(1), k.Sim.Tokens())
}

// TestTokensAreRenewed before their end, beside the calls; after it; and when the vendor does not take one any more.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	k, vendor := newVertex(t, time.Hour)
	model := k.Model(vendor, "tokens=2")
	do := func() {
		t.Helper()
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
		require.NoError(t, err, "%s", k.Log)
	}
	do()
	k.Clock.Step(54 * time.Minute)
	do()
	require.Equal(t, int64(1), k.Sim.Tokens())
	k.Clock.Step(2 * time.Minute)
	do()
	require.Eventually(t, func() bool { return k.Sim.Tokens() == 2 }, 30*time.Second, time.Millisecond, "it is renewed before its end")
	k.Clock.Step(2 * time.Hour)
	do()
	require.Equal(t, int64(3), k.Sim.Tokens())
	k.Clock.Step(time.Minute)
	k.Sim.RevokeTokens()
	do()
	require.Equal(t, int64(4), k.Sim.Tokens())
	h := k.Settled()
	require.Len(t, h.Charged, 5)
	require.Empty(t, h.Released)
}

// TestVertexWithoutAToken: what the endpoint says is not told, and a refusal sets the account aside.
func TestVertexWithoutAToken(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]domain.Code{400: gateway.CodeVendorUnavailable, 401: gateway.CodeVendorUnavailable, 302: gateway.CodeVendorError, 503: gateway.CodeVendorError, 200: gateway.CodeVendorError} {
		k, vendor := newVertex(t, time.Hour)
		var asked atomic.Int64
		k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.URL.Path != "/token" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"access_token":"","token_type":"Bearer","error":"secret words"}`)
		}))
		model := k.Model(vendor, "tokens=2")
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
		require.Equal(t, want, domain.CodeOf(err), "%d: %v", status, err)
		require.NotContains(t, err.Error(), "secret words")
		require.NotContains(t, k.Log.String(), "secret words")
		require.Equal(t, "100", k.Settled().State.Available().String())
		before := asked.Load()
		_, err = k.Do(gatewaytest.Body(model, `"max_tokens":5`))
		require.Error(t, err)
		if want == gateway.CodeVendorUnavailable {
			require.Equal(t, before, asked.Load(), "the account is set aside")
		}
	}
}

// TestAServiceAccountIsChecked: assertions go to Google or to the vendor only, and a document that is none serves nothing.
func TestAServiceAccountIsChecked(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	document := k.ServiceAccount(time.Hour)
	vendor := wired(k, chat.Gemini, vertexRoot, catalog.Wire{Auth: catalog.AuthServiceAccount})
	model := k.Model(vendor, "tokens=2")
	here := k.Vendor.URL + "/token"
	for name, secret := range map[string]string{
		"no document":       "sk-plain",
		"another kind":      strings.Replace(document, "service_account", "authorized_user", 1),
		"another host":      strings.Replace(document, here, "https://tokens.evil.example/token", 1),
		"like Google":       strings.Replace(document, here, "https://oauth2.googleapis.com.evil.example/token", 1),
		"Google, not https": strings.Replace(document, here, "http://oauth2.googleapis.com/token", 1),
		"Google, a port":    strings.Replace(document, here, "https://oauth2.googleapis.com:8443/token", 1),
		"with a user":       strings.Replace(document, here, "https://me@oauth2.googleapis.com/token", 1),
		"no key":            strings.Replace(document, "BEGIN PRIVATE KEY", "BEGIN NOTHING", 1),
	} {
		k.Options.Credentials = gatewaytest.Accounts{{ID: "vertex/a", Secret: secret}}
		c := gatewaytest.NewClient()
		err := k.NewGateway().Complete(t.Context(), k.Call(gatewaytest.Body(model, `"max_tokens":5`)), c)
		require.Equal(t, gateway.CodeVendorUnavailable, domain.CodeOf(err), name)
		require.NotContains(t, err.Error(), "PRIVATE KEY", name)
	}
	require.Zero(t, k.Sim.Tokens())
	require.Empty(t, k.History().Placed)
	google := strings.Replace(document, here, "https://oauth2.googleapis.com/token", 1)
	_, err := credential.ParseServiceAccount(google, &url.URL{Scheme: "https", Host: "eu-aiplatform.googleapis.com"})
	require.NoError(t, err)
}
