package gateway_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/remote"
)

// picture serves an image on this machine, and counts who asks for it.
func picture(t *testing.T) (address string, data []byte, asked *atomic.Int64) {
	t.Helper()
	data = append([]byte("\x89PNG\x0D\x0A\x1A\x0A"), bytes.Repeat([]byte{7}, 500)...)
	asked = new(atomic.Int64)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(data)
	}))
	t.Cleanup(site.Close)
	return site.URL + "/a.png", data, asked
}

// shows asks in a dialect about the picture at an address.
func shows(d chat.Dialect, model, address string) exchange.Incoming {
	in := exchange.Incoming{Dialect: d}
	switch d {
	case chat.OpenAI:
		in.Body = []byte(`{"model":"` + model + `","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + address + `"}}]}]}`)
	case chat.Responses:
		in.Body = []byte(`{"model":"` + model + `","input":[{"role":"user","content":[{"type":"input_image","image_url":"` + address + `"}]}]}`)
	case chat.Anthropic:
		in.Body = []byte(`{"model":"` + model + `","max_tokens":50,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"` + address + `"}}]}]}`)
	case chat.Gemini:
		in.Model = model
		in.Body = []byte(`{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"image/png","fileUri":"` + address + `"}}]}]}`)
	case chat.Bedrock:
	}
	return in
}

// TestAVendorThatFetchesNothing gets the image itself, whoever asks and whatever the vendor speaks; one that fetches gets the address.
func TestAVendorThatFetchesNothing(t *testing.T) {
	t.Parallel()
	for _, in := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini} {
		for _, out := range []chat.Dialect{chat.OpenAI, chat.Responses, chat.Anthropic, chat.Gemini} {
			for _, inlined := range []bool{true, false} {
				t.Run(string(in)+" to "+string(out), func(t *testing.T) {
					t.Parallel()
					address, data, asked := picture(t)
					k := gatewaytest.New(t, hasty)
					k.Options.Media = remote.NewFetcher(remote.Options{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
					k.Gateway = k.NewGateway()
					root := "/v1"
					if out == chat.Gemini {
						root = "/v1beta"
					}
					model := k.Model(wired(k, out, root, catalog.Wire{InlineMedia: inlined}), "tokens=6")
					var sent []byte
					k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						sent, _ = io.ReadAll(r.Body)
						r.Body = io.NopCloser(bytes.NewReader(sent))
						k.Sim.ServeHTTP(w, r)
					}))
					call := k.Call("")
					call.Incoming = shows(in, model, address)
					require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()), "%s", k.Log)
					require.Equal(t, int64(6), k.Only().Usage.Completion())
					encoded := base64.StdEncoding.EncodeToString(data)
					require.Equal(t, inlined, bytes.Contains(sent, []byte(encoded)), "%s", sent)
					require.Equal(t, !inlined, bytes.Contains(sent, []byte(address)), "%s", sent)
					want := int64(0)
					if inlined {
						want = 1
					}
					require.Equal(t, want, asked.Load())
				})
			}
		}
	}
}

// TestAnImageThatCannotBeHad: the caller is told which and why, nothing is charged, and a vendor that fetches serves the call.
func TestAnImageThatCannotBeHad(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	k.Options.Media = remote.NewFetcher(remote.Options{})
	k.Gateway = k.NewGateway()
	model := k.Model(wired(k, chat.OpenAI, "/v1", catalog.Wire{InlineMedia: true}), "tokens=6")
	call := k.Call("")
	call.Incoming = shows(chat.OpenAI, model, "http://127.0.0.1/a.png") // not public
	err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	require.ErrorContains(t, err, "messages.0.content.0")
	require.Equal(t, "100", k.Settled().State.Available().String())
	require.Empty(t, k.Settled().Charged)

	k.Offer(model, gatewaytest.Vendor(chat.Anthropic), "tokens=7", k.Price())
	require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()), "%s", k.Log)
	require.Equal(t, int64(7), k.Settled().Charged[0].Usage.Completion())
}
