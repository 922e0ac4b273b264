package gateway_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// fee is a price for each call, whatever it uses.
func fee(amount string) catalog.PriceVersion {
	return catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice("0"), usage.Request: money.MustPrice(amount),
	}}}
}

// TestExactlyTwentyOfTwoHundred: $1.00, 200 calls at once that cost $0.05 each.
func TestExactlyTwentyOfTwoHundred(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.ModelAt(gatewaytest.Canceller, "first=20ms", fee("0.05"))
	id, key, _ := k.Customer("1.00")
	var wg sync.WaitGroup
	var paid, refused, other atomic.Int64
	for range 200 {
		wg.Go(func() {
			err := k.Gateway.Complete(t.Context(), gateway.Call{KeyID: key, WalletID: id, Incoming: gatewaytest.Chat([]byte(gatewaytest.Body(model)))}, gatewaytest.NewClient())
			switch domain.CodeOf(err) {
			case "":
				paid.Add(1)
			case domain.CodeInsufficientCredits:
				refused.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int64{20, 180, 0}, []int64{paid.Load(), refused.Load(), other.Load()})
	h := k.HistoryOf(id)
	require.True(t, h.State.Available().IsZero())
	require.True(t, h.State.Held.IsZero())
	require.Len(t, h.Charged, 20)
	require.Equal(t, int64(20), k.Sim.Totals().Calls, "who cannot pay does not reach the vendor")
}

func TestRefusalsOfTheLedger(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	cap1, zero := money.MustParse("0.001"), "0"
	for name, row := range map[string]struct {
		amount string
		limits apikey.Limits
		change func(key uuid.UUID) error
		code   domain.Code
		limit  string
	}{
		"empty wallet": {amount: zero, code: domain.CodeInsufficientCredits, limit: "wallet"},
		"key's cap":    {amount: "10", limits: apikey.Limits{Caps: wallet.Caps{Day: &cap1}}, code: domain.CodeKeyLimitExceeded, limit: "key_day"},
		"other models": {amount: "10", limits: apikey.Limits{Models: []string{"acme/other"}}, code: domain.CodeModelNotAllowed},
		"revoked": {amount: "10", code: domain.CodeKeyRevoked, change: func(key uuid.UUID) error {
			_, _, err := k.App.RevokeKey(context.Background(), gatewaytest.Meta(), commands.RevokeKey{KeyID: key, Reason: "test"})
			return err
		}},
		"disabled": {amount: "10", code: domain.CodeKeyDisabled, change: func(key uuid.UUID) error {
			_, _, err := k.App.DisableKey(context.Background(), gatewaytest.Meta(), commands.DisableKey{KeyID: key, Reason: "test"})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, key, _ := k.Customer(row.amount, row.limits)
			if row.change != nil {
				require.NoError(t, row.change(key))
			}
			c := gatewaytest.NewClient()
			err := k.Gateway.Complete(t.Context(), gateway.Call{KeyID: key, WalletID: id, Incoming: gatewaytest.Chat([]byte(gatewaytest.Body(model, `"max_tokens":1000`)))}, c)
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, row.code, e.Code)
			require.Empty(t, c.Generation())
			if row.limit != "" {
				require.Equal(t, row.limit, e.Details["limit"])
				for _, detail := range []string{"required", "available", "affordable_output_tokens"} {
					require.Contains(t, e.Details, detail)
				}
			}
		})
	}
}

// TestClamp: the output cap is lowered to what is affordable, and that is what the vendor is told.
func TestClamp(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "tokens=5000")
	body := gatewaytest.Body(model, `"max_tokens":5000`, `"n":3`)
	// The prompt's bound, and 100 tokens at the dearest output price.
	amount := money.MustPrice(gatewaytest.WritePrice).Times(int64(len(body))).Add(money.MustPrice(gatewaytest.ReasoningPrice).Times(100))
	id, key, _ := k.Customer(amount.String())
	call := gateway.Call{KeyID: key, WalletID: id, Incoming: gatewaytest.Chat([]byte(body))}
	err := k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, domain.CodeInsufficientCredits, e.Code)
	require.Equal(t, "33", e.Details["affordable_output_tokens"])

	call.Clamp = true
	c := gatewaytest.NewClient()
	require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
	h := k.HistoryOf(id)
	require.Equal(t, int64(99), h.Placed[0].CompletionTokens)
	require.Equal(t, int64(99), h.Charged[0].Usage.Completion())
	for _, choice := range parse(t, c.Body()).Choices {
		require.Equal(t, "length", choice.Finish)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	unpriced := k.ModelAt(gatewaytest.Canceller, "", catalog.PriceVersion{})
	nobody := k.Model("nobody", "")
	for name, row := range map[string]struct {
		model  string
		change func(*gateway.Picture)
		want   domain.Code
	}{
		"unknown":         {model: "acme/unknown", want: domain.CodeModelNotFound},
		"without a price": {model: unpriced, want: domain.CodePriceNotInForce},
		"no credential":   {model: nobody, want: gateway.CodeVendorUnavailable},
		"disabled model":  {model: model, want: domain.CodeModelNotFound, change: func(p *gateway.Picture) { m := p.Models[model]; m.Status = catalog.Disabled; p.Models[model] = m }},
		"disabled endpoint": {model: model, want: domain.CodeModelNotFound, change: func(p *gateway.Picture) {
			e := p.Endpoints[model+"@acme"]
			e.Status = catalog.Disabled
			p.Endpoints[e.ID] = e
		}},
		"disabled vendor": {model: model, want: gateway.CodeVendorUnavailable, change: func(p *gateway.Picture) { v := p.Vendors["acme"]; v.Status = catalog.Disabled; p.Vendors["acme"] = v }},
		"no context length": {model: model, want: gateway.CodeVendorUnavailable, change: func(p *gateway.Picture) {
			m, e := p.Models[model], p.Endpoints[model+"@acme"]
			m.ContextLength, e.ContextLength = 0, 0
			p.Models[model], p.Endpoints[e.ID] = m, e
		}},
		"another dialect": {model: model, want: gateway.CodeVendorUnavailable, change: func(p *gateway.Picture) { v := p.Vendors["acme"]; v.Dialect = "latin"; p.Vendors["acme"] = v }},
		"price of tomorrow": {model: model, want: domain.CodePriceNotInForce, change: func(p *gateway.Picture) {
			later := p.Prices[model+"@acme"][0]
			later.EffectiveFrom = k.Clock.Now().Add(24 * time.Hour)
			p.Prices[model+"@acme"] = []catalog.PriceVersion{later}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := k.Options
			picture, err := k.Catalog.Get(t.Context())
			require.NoError(t, err)
			if row.change != nil {
				row.change(&picture)
			}
			o.Catalog = fixed{picture: picture}
			g, err := gateway.New(o)
			require.NoError(t, err)
			defer g.Stop(t.Context())
			err = g.Complete(t.Context(), k.Call(gatewaytest.Body(row.model)), gatewaytest.NewClient())
			require.Equal(t, row.want, domain.CodeOf(err))
		})
	}
}

// fixed is a catalogue that does not change.
type fixed struct {
	picture gateway.Picture
	err     error
}

func (f fixed) Get(context.Context) (gateway.Picture, error) { return f.picture, f.err }

func (f fixed) Renew(ctx context.Context) (gateway.Picture, error) { return f.Get(ctx) }

func TestWithoutTheCatalogueNothingBegins(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	k.Catalog.Fail(errors.New("no connection"))
	_, err := k.Do(gatewaytest.Body(model))
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
}

// TestThePriceIsPinned: a price that changes while a call runs does not change its cost.
func TestThePriceIsPinned(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	c := gatewaytest.NewClient()
	c.OnWrite = func(string) error {
		if c.Body() == "" {
			k.PublishPrice(model+"@acme", fee("5"))
		}
		return nil
	}
	require.NoError(t, k.Gateway.Complete(t.Context(), k.Call(streamed(gatewaytest.Body(model))), c))
	e := k.Only()
	require.True(t, e.Charge.Equal(gatewaytest.Cost(e.Usage)))
	_, err := k.Do(gatewaytest.Body(model))
	require.NoError(t, err)
	require.Equal(t, "5", k.Settled().Charged[1].Charge.String())
}

// TestAnAdmissionThatNobodyWaitedForIsTakenBack: the ledger answered too late.
func TestAnAdmissionThatNobodyWaitedForIsTakenBack(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	gate := make(chan struct{})
	k.Options.Ledger = slow{Ledger: k.App, gate: gate}
	k.Options.LedgerTimeout = 10 * time.Millisecond
	g := k.NewGateway()
	err := g.Complete(t.Context(), k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, ""))), gatewaytest.NewClient())
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(err))
	close(gate)
	g.Stop(t.Context())
	require.Equal(t, "admission_unknown", k.OnlyReleased().Reason)
	require.Zero(t, k.Sim.Totals().Calls)
}

// slow places holds, but says so only after the caller's time is over.
type slow struct {
	gateway.Ledger
	gate chan struct{}
}

func (s slow) PlaceHold(ctx context.Context, m commands.Meta, c commands.PlaceHold) (commands.Held, commands.Receipt, error) {
	if _, _, err := s.Ledger.PlaceHold(context.WithoutCancel(ctx), m, c); err != nil {
		return commands.Held{}, commands.Receipt{}, err
	}
	<-ctx.Done()
	return commands.Held{}, commands.Receipt{}, domain.Errorf(domain.CodeUnavailable, "the wait was given up")
}

func (s slow) ReleaseHold(ctx context.Context, m commands.Meta, c commands.ReleaseHold) (commands.Balance, commands.Receipt, error) {
	<-s.gate
	return s.Ledger.ReleaseHold(context.WithoutCancel(ctx), m, c)
}

// TestAPanicLosesNothing: what was produced is charged, the caller is told that it was our fault.
func TestAPanicLosesNothing(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	c := gatewaytest.NewClient()
	broken := false
	c.OnWrite = func(string) error {
		if !broken {
			broken = true
			panic("a fault of ours")
		}
		return nil
	}
	body := streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=6"), `"max_tokens":9`))
	require.NoError(t, k.Gateway.Complete(t.Context(), k.Call(body), c))
	e := k.Only()
	require.Equal(t, int64(6), e.Usage[usage.Output])
	require.Equal(t, "internal", e.Call.Error)
	require.Contains(t, c.Body(), `"error_type":"internal"`)
	require.Contains(t, k.Log.String(), "a fault of ours")
	require.Zero(t, k.Gateway.Running())
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	o := k.Options
	o.RequestTimeout = 9 * time.Hour
	_, err := gateway.New(o)
	require.ErrorContains(t, err, "three request timeouts")
	o = k.Options
	o.Journal = nil
	_, err = gateway.New(o)
	require.ErrorContains(t, err, "needs a ledger")
}

// inOrder asks the Canceller first.
const inOrder = `"provider":{"order":["` + gatewaytest.Canceller + `","` + gatewaytest.Drainer + `"]}`

// TestAnotherVendorTakesTheCall: each vendor is a generation of its own, at its own price, and only the last one is charged.
func TestAnotherVendorTakesTheCall(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"401", "429", "429&variant=insufficient_quota", "500", "503"} {
		for _, stream := range []bool{false, true} {
			k := newKeeping(t, hasty)
			model := k.Model(gatewaytest.Canceller, "fault="+fault)
			dear := k.Price()
			dear.Price.Base[usage.Output] = money.MustPrice("0.00001")
			k.Offer(model, gatewaytest.Drainer, "tokens=7", dear)
			body := gatewaytest.Body(model, `"max_tokens":20`, inOrder)
			if stream {
				body = streamed(body)
			}
			call := k.Call(body)
			call.Token = "once"
			c := gatewaytest.NewClient()
			require.NoError(t, k.Gateway.Complete(t.Context(), call, c))
			history := k.Settled()
			require.Len(t, history.Charged, 1)
			charged, released := history.Charged[0], history.Released
			require.Len(t, released, 1)
			require.Equal(t, model+"@"+gatewaytest.Drainer, charged.Endpoint)
			require.Equal(t, dear.ID, charged.PriceVersion)
			require.Equal(t, model+"@"+gatewaytest.Canceller, released[0].Endpoint)
			require.Equal(t, 1, released[0].Call.Attempts, "not the one that failed, when there is another")
			require.Equal(t, domain.GenerationID(charged.HoldID), c.Generation())
			require.Contains(t, c.Body(), c.Generation())
			require.True(t, charged.Held.IsZero(), "nothing stays held")

			again := gatewaytest.NewClient()
			require.NoError(t, k.Gateway.Complete(t.Context(), call, again))
			require.True(t, again.Replayed())
			require.Equal(t, c.Body(), again.Body())
		}
	}
}

// TestNoOtherVendorForTheCallersFault: what is wrong with a request is wrong everywhere.
func TestNoOtherVendorForTheCallersFault(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "fault=400")
	k.Offer(model, gatewaytest.Drainer, "", k.Price())
	_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`, inOrder))
	require.Equal(t, gateway.CodeVendorRefused, domain.CodeOf(err))
	require.Equal(t, model+"@"+gatewaytest.Canceller, k.OnlyReleased().Endpoint)
}
