package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// TestEveryWebhookGetsExactlyWhatItsFilterWants records random histories, registers webhooks with random filters at
// random moments, follows in random steps, lets receivers fail at random, and compares what they had in the end with what
// plain code finds in the log.
func TestEveryWebhookGetsExactlyWhatItsFilterWants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ledger.Tell(t.Context()) // the catalogue, and others' events
	b.work(func(o *webhook.WorkerOptions) { o.PerHost = 100 })
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{bundle: b, rt: rt, registered: map[uuid.UUID]webhook.Registered{}, receivers: map[uuid.UUID]*receiver{}}
		for range 2 {
			c := b.ledger.Open(t.Context(), "0.02", apikey.Limits{})
			h.customers = append(h.customers, c)
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			h.step()
		}
		b.follow()
		for id := range h.registered {
			until(t, func() bool {
				b.clock.Step(time.Minute)
				for _, d := range b.deliveries(id) {
					if d.State == webhook.StatePending {
						return false
					}
				}
				return true
			})
		}
		h.compare()
	})
}

type history struct {
	*bundle
	rt         *rapid.T
	customers  []ledgertest.Customer
	holds      []hold
	registered map[uuid.UUID]webhook.Registered
	receivers  map[uuid.UUID]*receiver
}

type hold struct {
	id       uuid.UUID
	customer ledgertest.Customer
}

// step does something; what the ledger refuses did not happen.
func (h *history) step() {
	ctx, app, id := h.t.Context(), h.ledger.App, uuid.New()
	m := commands.Meta{CommandID: id, Actor: "operator:test", CorrelationID: id, CausationID: id}
	c := rapid.SampledFrom(h.customers).Draw(h.rt, "customer")
	cents := money.MustParse(fmt.Sprintf("0.%03d", rapid.IntRange(1, 30).Draw(h.rt, "amount")))
	switch rapid.IntRange(0, 13).Draw(h.rt, "what") {
	case 0:
		_, _, _ = app.TopUp(ctx, m, commands.TopUp{WalletID: c.Wallet, Amount: cents, Currency: money.USD, PSP: "operator", Reason: "r"})
	case 1:
		_, _, _ = app.Grant(ctx, m, commands.Grant{WalletID: c.Wallet, Amount: cents, Currency: money.USD, Reason: "r"})
	case 2:
		_, _, _ = app.Adjust(ctx, m, commands.Adjust{WalletID: c.Wallet, Amount: cents.Neg(), Currency: money.USD, Reason: "r"})
	case 3, 4:
		placed, err := uuid.NewV7()
		require.NoError(h.t, err)
		m.CommandID = placed
		if _, _, err := app.PlaceHold(ctx, m, commands.PlaceHold{
			HoldID: placed, WalletID: c.Wallet, KeyID: c.Key, Model: ledgertest.Small, Endpoint: ledgertest.Small + "@acme",
			PromptTokens: 100, CompletionTokens: 500, TTL: time.Hour,
		}); err == nil {
			h.holds = append(h.holds, hold{placed, c})
		}
	case 5, 6:
		h.end(m, rapid.Bool().Draw(h.rt, "charge"))
	case 7:
		_, _, _ = app.RotateKey(ctx, m, commands.RotateKey{KeyID: c.Key, Hash: apikey.HashSecret(id.String()), Label: "sk-…", Grace: time.Hour})
	case 8:
		_, _, _ = app.DisableKey(ctx, m, commands.DisableKey{KeyID: c.Key, Reason: "r"})
	case 9:
		_, _, _ = app.EnableKey(ctx, m, commands.EnableKey{KeyID: c.Key})
	case 10, 11:
		h.register(c.Wallet)
	case 12:
		h.clock.Step(2 * time.Hour)
		_, _, _ = app.SweepHolds(ctx, m, commands.SweepHolds{WalletID: c.Wallet, Limit: 100})
	default:
		f := h.newFollower(webhook.FollowerOptions{Batch: rapid.IntRange(1, 5).Draw(h.rt, "batch")})
		_, _, err := f.Step(ctx)
		require.NoError(h.t, err)
	}
}

func (h *history) end(m commands.Meta, charge bool) {
	if len(h.holds) == 0 {
		return
	}
	one := h.holds[0]
	h.holds = h.holds[1:]
	ctx, app := h.t.Context(), h.ledger.App
	if charge {
		_, _, _ = app.SettleHold(ctx, m, commands.SettleHold{
			HoldID: one.id, WalletID: one.customer.Wallet, Endpoint: ledgertest.Small + "@acme", Provenance: usage.Reported,
			Usage: usage.Usage{usage.Output: rapid.Int64Range(0, 3000).Draw(h.rt, "tokens")},
		})
		return
	}
	_, _, _ = app.ReleaseHold(ctx, m, commands.ReleaseHold{HoldID: one.id, WalletID: one.customer.Wallet, Reason: "vendor_error"})
}

func (h *history) register(wallet uuid.UUID) {
	types := rapid.SliceOfNDistinct(rapid.SampledFrom(typeNames()), 0, 4, rapid.ID[webhook.Type]).Draw(h.rt, "types")
	s := webhook.Settings{EventTypes: types}
	if slices.Contains(types, webhook.TypeBalanceLow) || len(types) == 0 && rapid.Bool().Draw(h.rt, "low") {
		s.BalanceThreshold = amount(fmt.Sprintf("0.%03d", rapid.IntRange(0, 40).Draw(h.rt, "threshold")))
	}
	fails := rapid.IntRange(0, 3).Draw(h.rt, "fails")
	server := receive(h.t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n%4 < fails {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s.URL = server.URL
	r, err := h.registry.Register(h.t.Context(), request(), wallet, s)
	if domain.CodeOf(err) == domain.CodeConflict {
		return // there are enough
	}
	require.NoError(h.t, err)
	server.knows(r.Secret)
	h.registered[r.ID], h.receivers[r.ID] = r, server
}

func typeNames() []webhook.Type {
	var all []webhook.Type
	for _, d := range webhook.Types() {
		all = append(all, d.Type)
	}
	return all
}

// compare holds what receivers had against the log.
func (h *history) compare() {
	for id, r := range h.registered {
		want := h.expected(r)
		var had []string
		for got := range h.receivers[id].ids() {
			had = append(had, got)
		}
		sort.Strings(had)
		if !slices.Equal(want, had) {
			h.rt.Fatalf("webhook %s of %v from %d: wanted %v, had %v", id, r.EventTypes, r.FromPosition, want, had)
		}
		h.receivers[id].CloseClientConnections()
	}
}

// expected finds in the raw log what a webhook is to be told.
func (h *history) expected(r webhook.Registered) []string {
	events, err := h.log.Read(h.t.Context(), 0, 1_000_000)
	require.NoError(h.t, err)
	plain := map[string]webhook.Type{ //nolint:gosec // names of events, none of them a credential
		"wallet.opened.v1": "wallet.opened", "wallet.topped_up.v1": "credit.created", "wallet.granted.v1": "credit.created",
		"wallet.adjusted.v1": "credit.created", "wallet.usage_charged.v1": "charge.created", "wallet.charge_corrected.v1": "charge.corrected", "wallet.hold_released.v1": "hold.released",
		"wallet.hold_expired.v1": "hold.expired", "apikey.issued.v1": "key.issued", "apikey.updated.v1": "key.updated", "apikey.rotated.v1": "key.rotated",
		"apikey.disabled.v1": "key.disabled", "apikey.enabled.v1": "key.enabled", "apikey.revoked.v1": "key.revoked", "apikey.app_bound.v1": "key.app_bound",
	}
	mine := map[string]bool{"wallet-" + r.WalletID.String(): true}
	all := []string{}
	posted := decimal.Zero
	for _, e := range events {
		var body struct {
			WalletID string          `json:"wallet_id"`
			KeyID    string          `json:"key_id"`
			Posted   decimal.Decimal `json:"posted_after"`
		}
		require.NoError(h.t, json.Unmarshal(e.Body, &body))
		if e.Type == "apikey.issued.v1" && body.WalletID == r.WalletID.String() {
			mine["apikey-"+body.KeyID] = true
		}
		if !mine[string(e.StreamID)] {
			continue
		}
		told := []webhook.Type{plain[e.Type]}
		if strings.Contains(string(e.Body), `"posted_after"`) {
			if r.BalanceThreshold != nil {
				limit := decimal.RequireFromString(r.BalanceThreshold.String())
				if !posted.LessThan(limit) && body.Posted.LessThan(limit) {
					told = append(told, "balance.low")
				}
			}
			posted = body.Posted
		}
		for _, t := range told {
			if e.Position > r.FromPosition && t != "" && (len(r.EventTypes) == 0 || slices.Contains(r.EventTypes, t)) {
				all = append(all, webhook.DeliveryID(r.ID, e.Shard, e.Position, t, e.RecordedAt).String())
			}
		}
	}
	sort.Strings(all)
	return all
}
