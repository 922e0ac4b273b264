package gatewaytest

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/internal/sim"
)

// The vendors: the bill of the first stops when a call is cancelled; the second bills to the end.
const (
	Canceller = "acme"
	Drainer   = "zenith"
)

// Vendor is the vendor that speaks a dialect; its bill stops when a call is cancelled.
func Vendor(d chat.Dialect) string {
	if d == chat.OpenAI {
		return Canceller
	}
	return Canceller + "-" + string(d)
}

// Prices of the kit's models, in USD a token.
const (
	InputPrice     = "0.000001"
	CachePrice     = "0.0000001"
	WritePrice     = "0.00000125"
	OutputPrice    = "0.000004"
	ReasoningPrice = "0.000006"
	ContextLength  = 100_000
	MaxOutput      = 20_000
)

// Credentials has the simulator's key for every vendor but "nobody".
type Credentials struct{}

// Credentials implements gateway.Credentials.
func (Credentials) Credentials(vendor string) []credential.Credential {
	if vendor == "nobody" {
		return nil
	}
	if vendor == Vendor(chat.Bedrock) {
		return []credential.Credential{{ID: vendor + "/only", Secret: AccessKey}}
	}
	return []credential.Credential{{ID: vendor + "/only", Secret: VendorSecret}}
}

// AccessKey is the document of the access key that the simulator takes.
const AccessKey = `{"access_key_id":"` + sim.SimAccessKey + `","secret_access_key":"` + VendorSecret + `"}`

// Catalog is the picture of what the kit has published.
type Catalog struct {
	mu      sync.Mutex
	picture gateway.Picture
	err     error
}

func newCatalog() *Catalog {
	return &Catalog{picture: gateway.Picture{
		Vendors: map[string]catalog.Vendor{}, Models: map[string]catalog.Model{}, Endpoints: map[string]catalog.Endpoint{},
		ByModel: map[string][]string{}, Prices: map[string][]catalog.PriceVersion{}, GroupPrices: map[string]catalog.GroupPrices{},
	}}
}

// Get implements gateway.Catalog. The picture is a copy, as it changes under way.
func (c *Catalog) Get(context.Context) (gateway.Picture, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.copied(), c.err
}

// Renew implements gateway.Catalog.
func (c *Catalog) Renew(ctx context.Context) (gateway.Picture, error) { return c.Get(ctx) }

func (c *Catalog) copied() gateway.Picture {
	return gateway.Picture{
		Vendors: copied(c.picture.Vendors), Models: copied(c.picture.Models), Endpoints: copied(c.picture.Endpoints),
		ByModel: copied(c.picture.ByModel), Prices: copied(c.picture.Prices), GroupPrices: copied(c.picture.GroupPrices),
	}
}

func copied[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	for key, value := range m {
		out[key] = value
	}
	return out
}

// Fail makes Get fail.
func (c *Catalog) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// Change changes the picture only, as a projection that is ahead or behind would show it.
func (c *Catalog) Change(change func(*gateway.Picture)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.picture)
}

func (k *Kit) publishVendors() {
	for d, root := range map[chat.Dialect]string{chat.Responses: "/v1", chat.Anthropic: "/v1", chat.Gemini: "/v1beta"} {
		k.PublishVendor(catalog.Vendor{
			ID: Vendor(d), Name: "Vendor " + string(d), BaseURL: k.Vendor.URL + root, Dialect: string(d), CancelPolicy: catalog.Cancel,
			MaxTokensField: "max_tokens", Status: catalog.Active,
		})
	}
	k.PublishVendor(catalog.Vendor{
		ID: Vendor(chat.Bedrock), Name: "Vendor bedrock", BaseURL: k.Vendor.URL, Dialect: string(chat.Bedrock), CancelPolicy: catalog.Cancel,
		MaxTokensField: "max_tokens", Status: catalog.Active, Wire: &catalog.Wire{Auth: catalog.AuthSigV4, Region: "eu-central-1"},
	})
	for id, policy := range map[string]catalog.CancelPolicy{Canceller: catalog.Cancel, Drainer: catalog.Drain, "nobody": catalog.Cancel} {
		k.PublishVendor(catalog.Vendor{
			ID: id, Name: "Vendor " + id, BaseURL: k.Vendor.URL + "/v1", Dialect: "openai", CancelPolicy: policy,
			MaxTokensField: "max_tokens", Status: catalog.Active,
		})
	}
}

// PublishVendor publishes a vendor.
func (k *Kit) PublishVendor(v catalog.Vendor) {
	k.T.Helper()
	_, _, err := k.App.PublishVendor(context.Background(), Meta(), commands.PublishVendor{Vendor: v})
	require.NoError(k.T, err)
	k.Catalog.Change(func(p *gateway.Picture) { p.Vendors[v.ID] = v })
}

// Model publishes a model of a vendor that the simulator answers as the controls say, and returns its name.
func (k *Kit) Model(vendor, controls string) string {
	k.T.Helper()
	return k.ModelAt(vendor, controls, k.Price())
}

// ModelAt is Model with a price of its own; without an id no price is published.
func (k *Kit) ModelAt(vendor, controls string, price catalog.PriceVersion) string {
	k.T.Helper()
	k.models++
	id := fmt.Sprintf("acme/model-%d", k.models)
	k.publishModel(catalog.Model{
		ID: id, Name: "Model", ContextLength: ContextLength, MaxCompletionTokens: MaxOutput, InputModalities: []string{"text", "image", "file", "audio"},
		OutputModalities: []string{"text"}, ReleasedAt: k.Clock.Now(), Status: catalog.Active,
	})
	k.Offer(id, vendor, controls, price)
	return id
}

// Offer publishes one more endpoint of a model. See ModelAt.
func (k *Kit) Offer(model, vendor, controls string, price catalog.PriceVersion) {
	k.T.Helper()
	upstream := "sim-large"
	if controls != "" {
		upstream += "?" + controls
	}
	endpoint := catalog.Endpoint{
		ID: model + "@" + vendor, Model: model, Vendor: vendor, UpstreamModel: upstream, ContextLength: ContextLength,
		MaxCompletionTokens: MaxOutput, Status: catalog.Active,
	}
	_, _, err := k.App.PublishEndpoint(context.Background(), Meta(), commands.PublishEndpoint{Endpoint: endpoint})
	require.NoError(k.T, err)
	k.Catalog.Change(func(p *gateway.Picture) {
		p.Endpoints[endpoint.ID] = endpoint
		p.ByModel[model] = append(p.ByModel[model], endpoint.ID)
	})
	if price.ID != uuid.Nil {
		k.PublishPrice(endpoint.ID, price)
	}
}

func (k *Kit) publishModel(m catalog.Model) {
	k.T.Helper()
	_, _, err := k.App.PublishModel(context.Background(), Meta(), commands.PublishModel{Model: m})
	require.NoError(k.T, err)
	k.Catalog.Change(func(p *gateway.Picture) { p.Models[m.ID] = m })
}

// PublishPrice publishes a price version.
func (k *Kit) PublishPrice(endpoint string, v catalog.PriceVersion) {
	k.T.Helper()
	accepted, _, err := k.App.PublishPrice(context.Background(), Meta(), commands.PublishPrice{Endpoint: endpoint, PriceVersion: v})
	require.NoError(k.T, err)
	v.EffectiveFrom = accepted.EffectiveFrom
	k.Catalog.Change(func(p *gateway.Picture) {
		if v.Group == "" {
			p.Prices[endpoint] = append(p.Prices[endpoint], v)
			return
		}
		groups := catalog.GroupPrices(copied(p.GroupPrices[endpoint]))
		groups[v.Group] = append(groups[v.Group], v)
		p.GroupPrices[endpoint] = groups
	})
}

// Price is a version with the kit's prices.
func (k *Kit) Price() catalog.PriceVersion {
	return catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice(InputPrice), usage.CacheRead: money.MustPrice(CachePrice),
		usage.CacheWrite: money.MustPrice(WritePrice), usage.Output: money.MustPrice(OutputPrice),
		usage.Reasoning: money.MustPrice(ReasoningPrice),
	}}}
}

// Accounts are the platform's keys at every vendor.
type Accounts []credential.Credential

// Credentials implements gateway.Credentials.
func (a Accounts) Credentials(string) []credential.Credential { return a }

// Does lets a model put out something else than text, such as "embeddings", in the picture.
func (k *Kit) Does(model string, outputs ...string) string {
	k.Catalog.Change(func(p *gateway.Picture) {
		m := p.Models[model]
		m.OutputModalities = outputs
		p.Models[model] = m
	})
	return model
}
