package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/internal/pgtest"
)

const (
	ownSecret   = "own-secret-of-the-customer-1"
	otherSecret = "own-secret-of-the-customer-2"
	feeRate     = "0.05"
)

// owner is a kit whose customer can have keys at vendors; the platform's key is "secret-a".
type owner struct {
	*gatewaytest.Kit
	*desk
	pool  *pgxpool.Pool
	store *ownkey.Store
	watch *ownkey.Watch
}

func newOwner(t *testing.T, more ...gatewaytest.Option) *owner {
	t.Helper()
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	keyset, err := envelope.Open(text, nil)
	require.NoError(t, err)
	o := &owner{pool: pgtest.New(t)}
	o.watch = ownkey.NewWatch(o.pool, keyset, func(err error) { t.Error(err) })
	require.NoError(t, o.watch.Look(t.Context()))
	o.Kit = gatewaytest.New(t, append([]gatewaytest.Option{hasty, with(accounts(limit.Limits{}, "a")), func(g *gateway.Options) {
		g.OwnKeys, g.OwnKeyRate = o.watch, money.MustPrice(feeRate)
	}}, more...)...)
	o.desk = newDesk(o.Kit)
	o.store = ownkey.New(o.pool, keyset, anyWallet{}, o.Gateway)
	return o
}

// verified reads the history once no hold is open, and has the auditor recompute all of the log.
func (o *owner) verified() gatewaytest.History {
	o.T.Helper()
	h := o.Settled()
	events, err := o.Store.Read(context.Background(), 0, 1<<20)
	require.NoError(o.T, err)
	registry, err := commands.Registry()
	require.NoError(o.T, err)
	report, err := audit.Verify(context.Background(), func(yield func([]eventstore.Event, error) bool) { yield(events, nil) }, audit.Options{Registry: registry})
	require.NoError(o.T, err)
	require.Empty(o.T, report.Findings)
	require.NotZero(o.T, report.Events)
	return h
}

func ownRequest() ownkey.Request {
	return ownkey.Request{ID: uuid.Must(uuid.NewV7()), Actor: "operator:test"}
}

// own stores a key of the kit's customer.
func (o *owner) own(secret string, change ...func(*ownkey.Settings)) ownkey.Key {
	o.T.Helper()
	s := ownkey.Settings{Label: "ours"}
	for _, c := range change {
		c(&s)
	}
	k, replayed, err := o.store.Create(context.Background(), ownRequest(), o.Wallet, gatewaytest.Canceller, secret, s)
	require.NoError(o.T, err)
	require.False(o.T, replayed)
	require.NoError(o.T, o.watch.Look(context.Background()))
	return k
}

func onlyOwn(s *ownkey.Settings) { s.Only = true }

// ownTold is what callers are told of the cost.
type ownTold struct {
	Usage struct {
		Cost   json.Number `json:"cost"`
		IsBYOK bool        `json:"is_byok"`
		Detail struct {
			Upstream *json.Number `json:"upstream_inference_cost"`
		} `json:"cost_details"`
	} `json:"usage"`
}

func (o *owner) told(c *gatewaytest.Client) (a ownTold) {
	o.T.Helper()
	require.NoError(o.T, json.Unmarshal([]byte(c.Body()), &a))
	return a
}

// TestACallWithAnOwnKeyCostsItsPart: the customer's key is used first. Each rate is a part of the pinned price's, in the hold and in the charge; the platform
// owes the vendor nothing; the record, the caller and the charge say the same.
func TestACallWithAnOwnKeyCostsItsPart(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"false", "true"} {
		o := newOwner(t)
		key := o.own(ownSecret)
		c, err := o.Do(gatewaytest.Body(o.Model(gatewaytest.Canceller, "tokens=7"), `"stream":`+stream))
		require.NoError(t, err)
		require.Equal(t, 1, o.seen(ownSecret))
		require.Zero(t, o.seen("secret-a"))

		h := o.verified()
		require.Len(t, h.Charged, 1)
		placed, charged := h.Placed[0], h.Charged[0]
		require.Equal(t, key.ID, placed.OwnKey.ID)
		require.Equal(t, feeRate, placed.OwnKey.Rate.String())
		require.True(t, placed.OwnKey.Same(charged.Call.OwnKey))
		require.Contains(t, charged.Call.Credential, "own/"+key.ID.String())
		require.True(t, charged.VendorCost.IsZero())
		full := money.Zero()
		for _, item := range charged.LineItems {
			whole := money.MustPrice(map[usage.Class]string{usage.Input: gatewaytest.InputPrice, usage.Output: gatewaytest.OutputPrice}[item.Class])
			require.Equal(t, whole.Part(money.MustPrice(feeRate)), item.Price)
			full = full.Add(whole.Times(item.Quantity))
		}
		require.Equal(t, full, charged.Call.UpstreamCost)
		fee, err := money.Percent(full, money.MustPrice("5"))
		require.NoError(t, err)
		require.Equal(t, fee, charged.Charge, "these prices have no more decimals than the ledger")
		if stream == "false" {
			a := o.told(c)
			require.True(t, a.Usage.IsBYOK)
			require.Equal(t, charged.Charge.String(), a.Usage.Cost.String())
			require.Equal(t, full.String(), a.Usage.Detail.Upstream.String())
		} else {
			require.Contains(t, c.Body(), `"is_byok":true`)
		}
	}
}

// TestARefusedOwnKeyGivesWay: the platform's key serves the call as a generation of its own at the whole price. The customer's is set aside until it is replaced; for
// everybody else nothing changes.
func TestARefusedOwnKeyGivesWay(t *testing.T) {
	t.Parallel()
	for _, why := range []string{"invalid_api_key", "permission_error", "insufficient_quota"} {
		o := newOwner(t)
		key := o.own(ownSecret)
		model := o.Model(gatewaytest.Canceller, "tokens=2")
		o.refuse(ownSecret, why)
		for range 5 {
			c, err := o.Do(gatewaytest.Body(model))
			require.NoError(t, err)
			require.False(t, o.told(c).Usage.IsBYOK)
			require.Nil(t, o.told(c).Usage.Detail.Upstream)
		}
		h := o.verified()
		require.Len(t, h.Charged, 5)
		require.Len(t, h.Released, 1)
		require.Equal(t, string(gateway.CodeOwnKeyRefused), h.Released[0].Reason)
		require.Equal(t, key.ID, h.Released[0].Call.OwnKey.ID)
		require.Nil(t, h.Charged[0].Call.OwnKey)
		require.Positive(t, h.Charged[0].VendorCost.Sign())
		require.Equal(t, 1, o.seen(ownSecret), "it is set aside")
		require.Equal(t, 5, o.seen("secret-a"))
		require.NotContains(t, o.Log.String(), `"alert":true`, "it is no key of the platform's")

		_, replayed, err := o.store.Update(t.Context(), ownRequest(), o.Wallet, key.ID, otherSecret, ownkey.Settings{Label: "ours"})
		require.NoError(t, err)
		require.False(t, replayed)
		require.NoError(t, o.watch.Look(t.Context()))
		c, err := o.Do(gatewaytest.Body(model))
		require.NoError(t, err)
		require.True(t, o.told(c).Usage.IsBYOK, "another key is tried at once")
		require.Equal(t, 1, o.seen(otherSecret))
	}
}

// TestAnOnlyKeyNeverGivesWay: the caller is told that the vendor does not take the key, at once and while it is set aside, and pays nothing.
func TestAnOnlyKeyNeverGivesWay(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	o.own(ownSecret, onlyOwn)
	model := o.Model(gatewaytest.Canceller, "tokens=2")
	o.refuse(ownSecret, "invalid_api_key")
	for range 3 {
		_, err := o.Do(gatewaytest.Body(model))
		require.Equal(t, gateway.CodeOwnKeyRefused, domain.CodeOf(err))
		require.ErrorContains(t, err, gatewaytest.Canceller)
		require.NotContains(t, err.Error(), ownSecret)
	}
	require.Equal(t, 1, o.seen(ownSecret))
	require.Zero(t, o.seen("secret-a"))
	h := o.verified()
	require.Empty(t, h.Charged)
	require.Len(t, h.Released, 1)
}

// TestAFailingOwnKeyIsNobodyElses: however often calls with it fail, the circuit of the endpoint stays closed for others.
func TestAFailingOwnKeyIsNobodyElses(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	o.own(ownSecret, onlyOwn)
	model := o.Model(gatewaytest.Canceller, "fail=500")
	for range 50 {
		_, err := o.Do(gatewaytest.Body(model))
		require.Error(t, err)
	}
	endpoint := model + "@" + gatewaytest.Canceller
	require.False(t, o.Gateway.Health().Seen(endpoint, o.Clock.Now()).Open)
	require.Zero(t, o.seen("secret-a"))
}

// TestAnOwnKeyServesWhomItIsFor: its wallet, its models and its API keys; disabled and deleted it serves nobody.
func TestAnOwnKeyServesWhomItIsFor(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	model, other := o.Model(gatewaytest.Canceller, "tokens=2"), o.Model(gatewaytest.Canceller, "tokens=2")
	theirWallet, api, secret := o.Customer("10")
	key := o.own(ownSecret, func(s *ownkey.Settings) { s.Models, s.KeyIDs = []string{model}, []uuid.UUID{o.Key} })
	served := func(call gateway.Call) bool {
		t.Helper()
		before := o.seen(ownSecret)
		require.NoError(t, o.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
		return o.seen(ownSecret) > before
	}
	theirs := gateway.Call{KeyID: api, WalletID: theirWallet, Secret: secret, Incoming: gatewaytest.Chat([]byte(gatewaytest.Body(model)))}
	require.True(t, served(o.Call(gatewaytest.Body(model))))
	require.False(t, served(theirs), "another wallet")
	require.False(t, served(o.Call(gatewaytest.Body(other))), "another model")
	elsewhere := o.Call(gatewaytest.Body(model))
	elsewhere.KeyID = api
	require.Error(t, o.Gateway.Complete(t.Context(), elsewhere, gatewaytest.NewClient()), "the API key is another wallet's")

	change := func(s ownkey.Settings) {
		t.Helper()
		_, _, err := o.store.Update(t.Context(), ownRequest(), o.Wallet, key.ID, "", s)
		require.NoError(t, err)
		require.NoError(t, o.watch.Look(t.Context()))
	}
	change(ownkey.Settings{Label: "ours", KeyIDs: []uuid.UUID{uuid.New()}})
	require.False(t, served(o.Call(gatewaytest.Body(model))), "another API key")
	change(ownkey.Settings{Label: "ours", Disabled: true, Only: true})
	require.False(t, served(o.Call(gatewaytest.Body(model))), "disabled")
	change(ownkey.Settings{Label: "ours"})
	require.True(t, served(o.Call(gatewaytest.Body(other))))
	_, err := o.store.Delete(t.Context(), ownRequest(), o.Wallet, key.ID)
	require.NoError(t, err)
	require.NoError(t, o.watch.Look(t.Context()))
	require.False(t, served(o.Call(gatewaytest.Body(model))), "deleted")
}

// newer is a catalogue whose last picture is older than what was published.
type newer struct {
	gateway.Catalog
	old gateway.Picture
}

func (n newer) Get(context.Context) (gateway.Picture, error) { return n.old, nil }

// TestAKeyAtAVendorThatWasPublishedJustNow is stored: who does not find the vendor looks again. What is not there is still refused.
func TestAKeyAtAVendorThatWasPublishedJustNow(t *testing.T) {
	t.Parallel()
	o := newOwner(t, func(g *gateway.Options) { g.Catalog = newer{g.Catalog, gateway.Picture{}} })
	o.Model(gatewaytest.Canceller, "tokens=2")
	require.NoError(t, o.Gateway.Takes(t.Context(), gatewaytest.Canceller, ownSecret))
	require.Equal(t, domain.CodeVendorNotFound, domain.CodeOf(o.Gateway.Takes(t.Context(), "no-such-vendor", ownSecret)))
}

// TestAVendorWithoutAKeyOfThePlatforms serves those who have one.
func TestAVendorWithoutAKeyOfThePlatforms(t *testing.T) {
	t.Parallel()
	o := newOwner(t, func(g *gateway.Options) { g.Credentials = gatewaytest.Accounts(nil) })
	model := o.Model(gatewaytest.Canceller, "tokens=2")
	_, err := o.Do(gatewaytest.Body(model))
	require.Equal(t, gateway.CodeVendorUnavailable, domain.CodeOf(err))
	o.own(ownSecret)
	c, err := o.Do(gatewaytest.Body(model))
	require.NoError(t, err)
	require.True(t, o.told(c).Usage.IsBYOK)
}

// TestOwnKeysAreNowhere: a run with calls that succeed, that are refused and that fail leaves the key in no log, no event and no table.
func TestOwnKeysAreNowhere(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	o.own(ownSecret, onlyOwn)
	var answers string
	for _, controls := range []string{"tokens=2", "fail=500", "fail=400"} {
		c, err := o.Do(gatewaytest.Body(o.Model(gatewaytest.Canceller, controls)))
		answers += c.Body()
		if err != nil {
			answers += err.Error()
		}
	}
	o.refuse(ownSecret, "invalid_api_key")
	_, err := o.Do(gatewaytest.Body(o.Model(gatewaytest.Canceller, "")))
	require.Error(t, err)
	events, err := o.Store.Read(t.Context(), 0, 1<<30)
	require.NoError(t, err)
	for _, e := range events {
		answers += string(e.Body)
	}
	var table string
	require.NoError(t, o.pool.QueryRow(t.Context(), `SELECT string_agg(v::text, '') || (SELECT string_agg(r::text, '') FROM once.requests r) || encode(string_agg(sealed, ''), 'escape')
		FROM gateway.vendor_keys v`).Scan(&table))
	for _, text := range []string{answers, err0(err), o.Log.String(), table} {
		require.NotEmpty(t, text)
		require.NotContains(t, text, ownSecret)
	}
}

func err0(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

// TestProcessesLearnOfChanges without being told.
func TestProcessesLearnOfChanges(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.watch.Run(ctx) }()
	k, _, err := o.store.Create(t.Context(), ownRequest(), o.Wallet, gatewaytest.Canceller, ownSecret, ownkey.Settings{Label: "ours"})
	require.NoError(t, err)
	usable := func() int {
		all, err := o.watch.ByVendor(o.Wallet, "any", o.Key)
		require.NoError(t, err)
		return len(all[gatewaytest.Canceller])
	}
	require.Eventually(t, func() bool { return usable() == 1 }, time.Minute, 10*time.Millisecond)
	_, err = o.store.Delete(t.Context(), ownRequest(), o.Wallet, k.ID)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return usable() == 0 }, time.Minute, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

// TestAnOnlyKeyKeepsThePlatformsFromAllVendorsOfItsModel: a call is not charged at its whole price because another vendor has the model, too.
func TestAnOnlyKeyKeepsThePlatformsFromAllVendorsOfItsModel(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	model := o.Model(gatewaytest.Canceller, "tokens=2")
	o.Offer(model, gatewaytest.Drainer, "tokens=2", o.Price())
	key := o.own(ownSecret)
	o.refuse(ownSecret, "invalid_api_key")
	_, err := o.Do(gatewaytest.Body(model))
	require.NoError(t, err, "it comes first only: another vendor serves the call")

	_, _, err = o.store.Update(t.Context(), ownRequest(), o.Wallet, key.ID, otherSecret, ownkey.Settings{Label: "ours", Only: true})
	require.NoError(t, err)
	require.NoError(t, o.watch.Look(t.Context()))
	o.refuse(otherSecret, "invalid_api_key")
	_, err = o.Do(gatewaytest.Body(model))
	require.Equal(t, gateway.CodeOwnKeyRefused, domain.CodeOf(err))
	_, err = o.Do(gatewaytest.Body(model, `"provider":{"order":["`+gatewaytest.Drainer+`"]}`))
	require.Equal(t, gateway.CodeOwnKeyRefused, domain.CodeOf(err))
	_, err = o.Do(gatewaytest.Body(o.Model(gatewaytest.Drainer, "tokens=2")))
	require.NoError(t, err, "a model that the vendor does not have is not what the key is for")
	require.Len(t, o.verified().Charged, 2)
}

// TestOwnKeysAreTriedInTurnOfTheirAge: before any key of the platform's, whatever the caller says of the order.
func TestOwnKeysAreTriedInTurnOfTheirAge(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	model := o.Model(gatewaytest.Canceller, "tokens=2")
	o.Offer(model, gatewaytest.Drainer, "tokens=2", o.Price())
	first := o.own(ownSecret)
	second := o.own(otherSecret)
	_, _, err := o.store.Update(t.Context(), ownRequest(), o.Wallet, first.ID, "", ownkey.Settings{Label: "renamed"}) // that makes it no younger
	require.NoError(t, err)
	require.NoError(t, o.watch.Look(t.Context()))
	order := `"provider":{"order":["` + gatewaytest.Drainer + `"]}`
	_, err = o.Do(gatewaytest.Body(model, order))
	require.NoError(t, err)
	o.refuse(ownSecret, "insufficient_quota")
	_, err = o.Do(gatewaytest.Body(model, order))
	require.NoError(t, err)
	o.refuse(otherSecret, "invalid_api_key")
	for range 2 {
		_, err = o.Do(gatewaytest.Body(model, order))
		require.NoError(t, err)
	}
	_, err = o.Do(gatewaytest.Body(model, `"provider":{"order":["`+gatewaytest.Canceller+`"],"allow_fallbacks":false}`))
	require.NoError(t, err)
	var used []string
	for _, c := range o.verified().Charged {
		if c.Call.OwnKey == nil {
			used = append(used, c.Vendor)
			continue
		}
		used = append(used, map[uuid.UUID]string{first.ID: "first", second.ID: "second"}[c.Call.OwnKey.ID])
	}
	require.Equal(t, []string{"first", "second", gatewaytest.Drainer, gatewaytest.Drainer, gatewaytest.Canceller}, used)
	require.Equal(t, 2, o.seen(ownSecret))
}

// TestAnOwnKeyAtItsRateGivesWay for as long as the vendor asks for; it is not called refused.
func TestAnOwnKeyAtItsRateGivesWay(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	o.own(ownSecret)
	o.refuse(ownSecret, "rate_limit_exceeded")
	model := o.Model(gatewaytest.Canceller, "tokens=2")
	c, err := o.Do(gatewaytest.Body(model))
	require.NoError(t, err)
	require.False(t, o.told(c).Usage.IsBYOK)
	require.Equal(t, string(gateway.CodeVendorOverloaded), o.verified().Released[0].Reason)
	o.refuse(ownSecret, "")
	o.Clock.Step(2 * time.Minute)
	c, err = o.Do(gatewaytest.Body(model))
	require.NoError(t, err)
	require.True(t, o.told(c).Usage.IsBYOK)
}

// TestACallOfAnOwnKeyIsLookedUpWithIt, and with no key of the platform's once it is gone.
func TestACallOfAnOwnKeyIsLookedUpWithIt(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	var asked []string
	o.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":{"id":"gen-1","native_tokens_prompt":100,"native_tokens_completion":40}}`)
	}))
	o.Catalog.Change(func(p *gateway.Picture) {
		v := p.Vendors[gatewaytest.Canceller]
		v.Wire = &catalog.Wire{Paths: map[string]string{gateway.LookupPath: "/generation"}}
		p.Vendors[gatewaytest.Canceller] = v
	})
	key := o.own(ownSecret)
	look := gateway.Lookup{
		Endpoint: o.Model(gatewaytest.Canceller, "") + "@" + gatewaytest.Canceller, UpstreamID: "gen-1", Completion: 50,
		Credential: wallet.OwnCredential(key.ID, key.Version),
	}
	used, err := o.Gateway.LookUp(t.Context(), look)
	require.NoError(t, err)
	require.Equal(t, usage.Usage{usage.Input: 100, usage.Output: 40, usage.Request: 1}, used)
	_, _, err = o.store.Update(t.Context(), ownRequest(), o.Wallet, key.ID, otherSecret, ownkey.Settings{Label: "ours", Disabled: true})
	require.NoError(t, err)
	require.NoError(t, o.watch.Look(t.Context()))
	_, err = o.Gateway.LookUp(t.Context(), look)
	require.NoError(t, err)
	_, err = o.store.Delete(t.Context(), ownRequest(), o.Wallet, key.ID)
	require.NoError(t, err)
	require.NoError(t, o.watch.Look(t.Context()))
	_, err = o.Gateway.LookUp(t.Context(), look)
	require.ErrorIs(t, err, gateway.ErrNoLookup)
	require.Equal(t, []string{"Bearer " + ownSecret, "Bearer " + otherSecret}, asked)
}

// TestAStreamOfAnOwnKeyThatBreaksIsChargedItsPart of what was produced.
func TestAStreamOfAnOwnKeyThatBreaksIsChargedItsPart(t *testing.T) {
	t.Parallel()
	o := newOwner(t)
	o.own(ownSecret, onlyOwn)
	c, err := o.Do(gatewaytest.Body(o.Model(gatewaytest.Canceller, "tokens=40&after=20&fault=cut"), `"stream":true`))
	require.NoError(t, err)
	require.Contains(t, c.Body(), `"is_byok":true`)
	h := o.verified()
	require.Len(t, h.Charged, 1)
	require.Equal(t, usage.Estimated, h.Charged[0].Provenance)
	require.True(t, h.Charged[0].VendorCost.IsZero())
	fee, err := money.Percent(h.Charged[0].Call.UpstreamCost, money.MustPrice("5"))
	require.NoError(t, err)
	require.Equal(t, fee, h.Charged[0].Charge)
}
