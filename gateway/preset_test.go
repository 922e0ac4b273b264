package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/preset"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// anyWallet exists.
type anyWallet struct{}

func (anyWallet) Exists(context.Context, uuid.UUID) error { return nil }

// presetKit is a kit whose presets are in a real database. It notes what the vendor is sent.
type presetKit struct {
	*gatewaytest.Kit
	store *preset.Store

	mu   *sync.Mutex
	sent *[]string
}

func newPresets(t *testing.T) presetKit {
	t.Helper()
	k := presetKit{store: preset.New(pgtest.New(t), anyWallet{}), mu: new(sync.Mutex), sent: new([]string)}
	k.Kit = gatewaytest.New(t, func(o *gateway.Options) { o.Presets = k.store })
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		k.mu.Lock()
		*k.sent = append(*k.sent, string(body))
		k.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		k.Sim.ServeHTTP(w, r)
	}))
	return k
}

// create makes a version, and returns the preset's id.
func (k presetKit) create(slug, prompt, parameters string) uuid.UUID {
	k.T.Helper()
	v, _, err := k.store.Create(k.T.Context(), preset.Request{ID: uuid.New(), Actor: "operator:test"}, k.Wallet, slug,
		preset.Content{SystemPrompt: prompt, Parameters: []byte(parameters)})
	require.NoError(k.T, err)
	return v.PresetID
}

func (k presetKit) last() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return (*k.sent)[len(*k.sent)-1]
}

// TestAPresetSaysWhatACallLeavesUnsaid: in every pair of dialects, and the record names the version.
func TestAPresetSaysWhatACallLeavesUnsaid(t *testing.T) {
	t.Parallel()
	for _, vendor := range vendors() {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			k := newPresets(t)
			model := k.Model(gatewaytest.Vendor(vendor), "tokens=80")
			k.create("mine", "", `{"model":"acme/unknown"}`)
			id := k.create("mine", "Speak like a pirate.", fmt.Sprintf(`{"model":%q,"max_tokens":20,"temperature":0.25}`, model))
			bodies := map[chat.Dialect]string{
				chat.OpenAI:    `{"model":"@preset/mine","messages":[{"role":"user","content":"Hi."}]}`,
				chat.Responses: `{"preset":"mine","input":"Hi."}`,
				chat.Anthropic: `{"model":"@preset/mine","messages":[{"role":"user","content":"Hi."}]}`,
				chat.Gemini:    `{"contents":[{"role":"user","parts":[{"text":"Hi."}]}]}`,
			}
			for i, caller := range dialects() {
				in := exchange.Incoming{Dialect: caller, Body: []byte(bodies[caller])}
				if caller == chat.Gemini {
					in.Model = "@preset/mine"
				}
				c := gatewaytest.NewClient()
				err := k.Gateway.Complete(t.Context(), gateway.Call{KeyID: k.Key, WalletID: k.Wallet, Secret: k.Secret, Incoming: in}, c)
				require.NoError(t, err, caller)
				require.Contains(t, k.last(), "Speak like a pirate.")
				require.Contains(t, k.last(), "0.25")
				require.NotContains(t, k.last(), "mine", "the vendor knows nothing of presets")
				h := k.Settled()
				require.Len(t, h.Charged, i+1)
				charged := h.Charged[i]
				require.Equal(t, int64(20), charged.Usage[usage.Output], "the cap of the preset")
				require.Equal(t, model, charged.Model)
				require.Equal(t, id, charged.Call.PresetID)
				require.Equal(t, int64(2), charged.Call.PresetVersion)
			}
		})
	}
}

// TestAPassedBodyKeepsItsBytes: but for the model, what was there goes to the vendor as it came.
func TestAPassedBodyKeepsItsBytes(t *testing.T) {
	t.Parallel()
	k := newPresets(t)
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	k.create("mine", "", fmt.Sprintf(`{"model":%q,"temperature":0.25,"seed":7}`, model))
	const said = ` "messages" : [ { "role":"user", "content":"H\u0069" } ] , "seed": 1 ,"max_tokens":9`
	_, err := k.Do(`{"model":"@preset/mine",` + said + `}`)
	require.NoError(t, err)
	require.Contains(t, k.last(), said)
	require.Contains(t, k.last(), `"temperature":0.25`)
	k.Only()
}

func TestPresetsThatCannotBe(t *testing.T) {
	t.Parallel()
	k := newPresets(t)
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	_, err := k.Do(gatewaytest.Body("@preset/none"))
	require.Equal(t, preset.CodeNotFound, domain.CodeOf(err))
	id := k.create("mine", "P", fmt.Sprintf(`{"model":%q}`, model))
	other := k.Call(gatewaytest.Body("@preset/mine"))
	other.WalletID, other.KeyID, other.Secret = k.Customer("10")
	require.Equal(t, preset.CodeNotFound, domain.CodeOf(k.Gateway.Complete(t.Context(), other, gatewaytest.NewClient())), "it is another wallet's")
	_, err = k.store.Archive(t.Context(), preset.Request{ID: uuid.New()}, id)
	require.NoError(t, err)
	_, err = k.Do(gatewaytest.Body("@preset/mine"))
	require.Equal(t, preset.CodeArchived, domain.CodeOf(err))
	k.create("silent", "P", "")
	_, err = k.Do(gatewaytest.Body("@preset/silent"))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "nobody names a model")
	_, err = k.Do(gatewaytest.Body(model, `"preset":"silent"`))
	require.NoError(t, err)
	require.Len(t, k.Settled().Charged, 1)

	k.Options.Presets = nil
	err = k.NewGateway().Complete(t.Context(), k.Call(gatewaytest.Body(model, `"preset":"silent"`)), gatewaytest.NewClient())
	require.Equal(t, preset.CodeNotFound, domain.CodeOf(err))
}

// TestARetryMayComeAfterANewVersion: an Idempotency-Key belongs to what the caller said.
func TestARetryMayComeAfterANewVersion(t *testing.T) {
	t.Parallel()
	keep := newKeeping(t)
	k := newPresets(t)
	k.Options.Answers = keep.store
	g := k.NewGateway()
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	k.create("mine", "One.", "")
	call := k.Call(gatewaytest.Body(model, `"preset":"mine"`))
	call.Token = "token-1"
	first, again := gatewaytest.NewClient(), gatewaytest.NewClient()
	require.NoError(t, g.Complete(t.Context(), call, first))
	k.create("mine", "Two.", "")
	require.NoError(t, g.Complete(t.Context(), call, again))
	require.True(t, again.Replayed())
	require.Equal(t, first.Body(), again.Body())
	require.Equal(t, int64(1), k.Only().Call.PresetVersion)
}
