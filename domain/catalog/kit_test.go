package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func vendor() catalog.Vendor {
	return catalog.Vendor{
		ID: "acme", Name: "Acme", BaseURL: "https://api.acme.example/v1", Dialect: "openai", CancelPolicy: catalog.Cancel,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}
}

func model() catalog.Model {
	return catalog.Model{
		ID: "acme/chat", Name: "Acme Chat", Description: "Talks.\nA lot.", ContextLength: 128_000, MaxCompletionTokens: 16_000,
		InputModalities: []string{"text", "image"}, OutputModalities: []string{"text"}, SupportedParameters: []string{"tools", "top_p"},
		Tokenizer: "o200k_base", ReleasedAt: start, Status: catalog.Active,
	}
}

func endpoint() catalog.Endpoint {
	return catalog.Endpoint{
		ID: "acme/chat@acme", Model: "acme/chat", Vendor: "acme", UpstreamModel: "acme-chat-2026", ContextLength: 128_000,
		MaxCompletionTokens: 16_000, Status: catalog.Active,
	}
}

func publishedVendor(t *testing.T) *catalog.VendorState {
	t.Helper()
	s := &catalog.VendorState{}
	e, err := s.Publish(vendor())
	require.NoError(t, err)
	apply(t, s, &catalog.VendorState{}, e)
	return s
}

func publishedModel(t *testing.T) *catalog.ModelState {
	t.Helper()
	s := &catalog.ModelState{}
	e, err := s.Publish(model())
	require.NoError(t, err)
	apply(t, s, &catalog.ModelState{}, e)
	return s
}

func publishedEndpoint(t *testing.T) *catalog.EndpointState {
	t.Helper()
	s := &catalog.EndpointState{}
	e, err := s.Publish(endpoint(), publishedVendor(t), publishedModel(t))
	require.NoError(t, err)
	apply(t, s, &catalog.EndpointState{}, e)
	return s
}

// apply folds an event as a reader of the log does, from its stored bytes, and restores the state from a snapshot.
func apply[S domain.Aggregate](t *testing.T, s, empty S, e domain.Event) {
	t.Helper()
	registry, err := domain.NewRegistry(catalog.Events())
	require.NoError(t, err)
	body, err := domain.Encode(e)
	require.NoError(t, err)
	decoded, err := registry.Decode(e.EventType(), body)
	require.NoError(t, err)
	require.Equal(t, e, decoded)
	s.Apply(decoded, start)
	require.NoError(t, s.Check())
	snapshot, err := json.Marshal(s)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(snapshot, empty))
	require.Equal(t, s, empty)
}

func versionID(n byte) uuid.UUID { return uuid.UUID{15: n} }

func version(n byte, from time.Time, output string) catalog.PriceVersion {
	return catalog.PriceVersion{
		ID: versionID(n), Currency: money.USD, EffectiveFrom: from,
		Price: catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.000001"), usage.Output: money.MustPrice(output)}},
	}
}

// priced is a published endpoint with price versions, each published at start.
func priced(t *testing.T, versions ...catalog.PriceVersion) *catalog.EndpointState {
	t.Helper()
	s := publishedEndpoint(t)
	for _, v := range versions {
		e, err := s.PublishPrice(v, start)
		require.NoError(t, err)
		apply(t, s, &catalog.EndpointState{}, e)
	}
	return s
}

func requireCode(t *testing.T, code domain.Code, err error, msg ...any) {
	t.Helper()
	require.Equal(t, code, domain.CodeOf(err), msg...)
}
