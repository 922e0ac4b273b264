package gateway_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

// cachePatience is what a busy machine does not use up.
const cachePatience = time.Minute

// remembering is a kit whose gateway keeps answers in a real Redis.
type remembering struct {
	*gatewaytest.Kit
	server *redistest.Server

	mu   *sync.Mutex
	uses map[cache.Use]int
	hits *hits.Recorder // does not run: what it was told waits in it
}

func newRemembering(t *testing.T, options ...gatewaytest.Option) remembering {
	t.Helper()
	k := remembering{server: redistest.Start(t), mu: new(sync.Mutex), uses: make(map[cache.Use]int), hits: hits.NewRecorder(hits.New(nil), hits.Options{})}
	client, err := cache.Client(k.server.URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	store := cache.New(cache.Options{Redis: client, Budget: cachePatience, Retry: time.Millisecond, OnUse: func(u cache.Use) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.uses[u]++
	}})
	k.Kit = gatewaytest.New(t, append(options, func(o *gateway.Options) { o.Cache, o.Hits = store, k.hits })...)
	return k
}

func (k remembering) used(u cache.Use) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.uses[u]
}

// ask runs a call that may be answered by the cache, and waits until its answer is kept if it will be.
func (k remembering) ask(call gateway.Call) (*gatewaytest.Client, error) {
	k.T.Helper()
	if call.Cache == nil {
		call.Cache = &gateway.CacheWish{TTL: time.Hour}
	}
	c := gatewaytest.NewClient()
	return c, k.Gateway.Complete(context.Background(), call, c)
}

// hit is what was told of an answer that was given again.
func (k remembering) hit(c *gatewaytest.Client) hits.Hit {
	k.T.Helper()
	id, err := domain.ParseGenerationID(c.Generation())
	require.NoError(k.T, err)
	h, err := k.hits.Find(context.Background(), id, k.Wallet)
	require.NoError(k.T, err)
	return h
}

// kept waits until so many answers were kept.
func (k remembering) kept(n int) {
	k.T.Helper()
	require.Eventually(k.T, func() bool { return k.used(cache.Stored) == n }, cachePatience, time.Millisecond)
}

// TestASecondAnswerCostsNothing: in every pair of dialects, as a stream and in one piece.
func TestASecondAnswerCostsNothing(t *testing.T) {
	t.Parallel()
	for _, vendor := range vendors() {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			k := newRemembering(t)
			model := k.Model(gatewaytest.Vendor(vendor), "tokens=20")
			calls := 0
			for _, caller := range dialects() {
				for _, stream := range []bool{false, true} {
					call := gateway.Call{KeyID: k.Key, WalletID: k.Wallet, Secret: k.Secret, Incoming: gatewaytest.Ask(caller, model, stream, 40)}
					first, err := k.ask(call)
					require.NoError(t, err)
					require.Equal(t, gateway.CacheStatus{Use: gateway.CacheMiss, TTL: time.Hour}, first.CacheStatus())
					calls++
					k.kept(calls)
					again, err := k.ask(call)
					require.NoError(t, err)
					require.Equal(t, gateway.CacheHit, again.CacheStatus().Use)
					require.NotEqual(t, first.Generation(), again.Generation(), "an answer of its own")
					require.Equal(t, stream, again.Opened())
					require.False(t, again.Replayed(), "that says an Idempotency-Key")
					text, cost, ended := heard(t, caller, first)
					require.NotEqual(t, "0", cost)
					textAgain, costAgain, endedAgain := heard(t, caller, again)
					require.Equal(t, text, textAgain)
					require.True(t, ended && endedAgain)
					require.Equal(t, "0", costAgain, again.Body())
					require.Contains(t, again.Body(), again.Generation())
					h := k.History()
					told, paid := k.hit(again), h.Charged[calls-1]
					require.Equal(t, []any{paid.HoldID, paid.Charge.String(), k.Key, model, stream}, []any{told.Source, told.Saved.String(), told.Key, told.Model, told.Streamed})
					require.Len(t, h.Charged, calls)
					require.Len(t, h.Placed, calls)
					require.Empty(t, h.State.Holds)
					require.Equal(t, int64(calls), k.Sim.Totals().Calls)
				}
			}
			require.Equal(t, calls, k.used(cache.Hit))
		})
	}
}

func TestToolCallsAreKept(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	const tools = `"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}]`
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=20&tools=2"), tools)))
	first, err := k.ask(call)
	require.NoError(t, err)
	require.Contains(t, first.Body(), `"tool_calls"`)
	k.kept(1)
	again, err := k.ask(call)
	require.NoError(t, err)
	require.Equal(t, gateway.CacheHit, again.CacheStatus().Use)
	renamed := strings.Split(strings.ReplaceAll(strings.Join(first.Data(), "\n"), first.Generation(), again.Generation()), "\n")
	require.Equal(t, renamed[:len(renamed)-2], again.Data()[:len(again.Data())-2], "all but its name and the usage")
}

// TestWhatIsNotKept: errors, answers that were cut short, that stopped for another reason than their end, that nobody believes.
func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		controls, members string
		stream, fails     bool
		use               gateway.CacheUse
	}{
		"an error":               {controls: "tokens=5&fault=502", fails: true, use: gateway.CacheMiss},
		"cut by the cap":         {controls: "tokens=20", members: `"max_tokens":10`, use: gateway.CacheMiss},
		"a stream cut so":        {controls: "tokens=20", members: `"max_tokens":10`, stream: true, use: gateway.CacheMiss},
		"filtered":               {controls: "tokens=5&finish=filter", use: gateway.CacheMiss},
		"a stream that breaks":   {controls: "tokens=9&fault=cut&after=4", stream: true, use: gateway.CacheMiss},
		"no usage, so estimated": {controls: "tokens=5&fault=no_usage", use: gateway.CacheMiss},
		"several choices":        {controls: "tokens=5", members: `"n":2`, use: gateway.CacheBypass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newRemembering(t)
			members := []string{`"max_tokens":100`}
			if strings.Contains(row.members, "max_tokens") {
				members = nil
			}
			if row.members != "" {
				members = append(members, row.members)
			}
			body := gatewaytest.Body(k.Model(gatewaytest.Canceller, row.controls), members...)
			if row.stream {
				body = streamed(body)
			}
			for range 2 {
				c, err := k.ask(k.Call(body))
				require.Equal(t, row.fails, err != nil, err)
				require.Equal(t, row.use, c.CacheStatus().Use)
			}
			ctx, cancel := context.WithTimeout(context.Background(), cachePatience)
			defer cancel()
			k.Gateway.Stop(ctx) // nothing is under way any more
			require.Zero(t, k.used(cache.Stored))
			require.Zero(t, k.used(cache.Hit))
			require.GreaterOrEqual(t, k.Sim.Totals().Calls, int64(2))
		})
	}
}

func TestALargeAnswerIsNotCached(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	call := k.Call(streamed(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=10000"), `"max_tokens":20000`)))
	c, err := k.ask(call)
	require.NoError(t, err)
	require.Greater(t, len(c.Body()), 1<<20)
	require.Eventually(t, func() bool { return k.used(cache.TooLarge) == 1 }, cachePatience, time.Millisecond)
	c, err = k.ask(call)
	require.NoError(t, err)
	require.Equal(t, gateway.CacheMiss, c.CacheStatus().Use)
}

// TestWhoseAnswerItIs: another key, other options, a forgotten one, and calls that did not ask for the cache get a new answer.
func TestWhoseAnswerItIs(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"), `"max_tokens":20`)
	_, err := k.ask(k.Call(body))
	require.NoError(t, err)
	k.kept(1)
	plain := gatewaytest.NewClient()
	require.NoError(t, k.Gateway.Complete(t.Context(), k.Call(body), plain))
	require.Zero(t, plain.CacheStatus())
	require.Equal(t, int64(2), k.Sim.Totals().Calls)

	other := k.Call(body)
	other.WalletID, other.KeyID, other.Secret = k.Customer("10")
	clamped, dropping, clearing := k.Call(body), k.Call(body), k.Call(body)
	clamped.Clamp, dropping.DropUnsupported = true, true
	clearing.Cache = &gateway.CacheWish{TTL: time.Hour, Clear: true}
	for i, call := range []gateway.Call{other, clamped, dropping, clearing} {
		c, err := k.ask(call)
		require.NoError(t, err)
		require.Equal(t, gateway.CacheMiss, c.CacheStatus().Use)
		k.kept(2 + i)
	}
	c, err := k.ask(k.Call(body))
	require.NoError(t, err)
	require.Equal(t, gateway.CacheHit, c.CacheStatus().Use)
	require.Equal(t, k.History().Charged[4].HoldID, k.hit(c).Source, "the one after what was forgotten")
}

func TestAHitNeedsNoMoney(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	k.Wallet, k.Key, k.Secret = k.Customer("0.0007")
	body := gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=80"), `"max_tokens":90`)
	_, err := k.ask(k.Call(body))
	require.NoError(t, err)
	k.kept(1)
	c, err := k.ask(k.Call(strings.Replace(body, "Say", "Tell", 1)))
	require.Equal(t, domain.CodeInsufficientCredits, domain.CodeOf(err))
	require.Equal(t, gateway.CacheMiss, c.CacheStatus().Use)
	c, err = k.ask(k.Call(body))
	require.NoError(t, err)
	require.Equal(t, gateway.CacheHit, c.CacheStatus().Use)
}

// TestRateLimitsCountHits: a hit is a request, but it uses no tokens.
func TestRateLimitsCountHits(t *testing.T) {
	t.Parallel()
	limits, err := limit.New(limit.Options{})
	require.NoError(t, err)
	k := newRemembering(t, func(o *gateway.Options) { o.Limits = limits })
	call := k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"), `"max_tokens":20`))
	call.Scopes = []limit.Scope{{Kind: "key", ID: k.Key.String(), Limits: limit.Limits{Requests: 3, Tokens: 1_000_000}}}
	_, err = k.ask(call)
	require.NoError(t, err)
	k.kept(1)
	for range 2 {
		c, err := k.ask(call)
		require.NoError(t, err)
		require.Equal(t, gateway.CacheHit, c.CacheStatus().Use)
	}
	_, err = k.ask(call)
	require.Equal(t, domain.CodeRateLimited, domain.CodeOf(err))
	require.Equal(t, int64(1), k.Sim.Totals().Calls)
}

// TestRedisAwayIsNoFault: calls are answered by the vendor, and are charged.
func TestRedisAwayIsNoFault(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	k.server.Kill(t)
	call := k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5")))
	c, err := k.ask(call)
	require.NoError(t, err)
	require.Equal(t, gateway.CacheStatus{Use: gateway.CacheBypass, TTL: time.Hour}, c.CacheStatus())
	require.Equal(t, int64(5), k.Only().Usage[usage.Output])

	k.Options.Cache = nil // and without any Redis
	c = gatewaytest.NewClient()
	call.Cache = &gateway.CacheWish{TTL: time.Hour}
	require.NoError(t, k.NewGateway().Complete(t.Context(), call, c))
	require.Equal(t, gateway.CacheBypass, c.CacheStatus().Use)
}

// TestAnIdempotencyKeyIsFreeAfterAHit: the cache answered, so that nothing stands under the key.
func TestAnIdempotencyKeyIsFreeAfterAHit(t *testing.T) {
	t.Parallel()
	keep := newKeeping(t)
	k := newRemembering(t, func(o *gateway.Options) { o.Answers = keep.store })
	call := k.Call(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5")))
	_, err := k.ask(call)
	require.NoError(t, err)
	k.kept(1)
	call.Token = "token-1"
	for range 2 {
		c, err := k.ask(call)
		require.NoError(t, err)
		require.Equal(t, gateway.CacheHit, c.CacheStatus().Use)
	}
	var rows int
	require.NoError(t, keep.pool.QueryRow(t.Context(), `SELECT count(*) FROM gateway.answers`).Scan(&rows))
	require.Zero(t, rows)
}

func TestTheAddressIsAPartOfACachedCall(t *testing.T) {
	t.Parallel()
	k := newRemembering(t)
	one, two := k.Model(gatewaytest.Canceller, "tokens=5"), k.Model(gatewaytest.Canceller, "tokens=6")
	ask := func(model string) *gatewaytest.Client {
		c, err := k.ask(gateway.Call{KeyID: k.Key, WalletID: k.Wallet, Secret: k.Secret, Incoming: exchange.Incoming{
			Dialect: chat.Gemini, Model: model, Body: []byte(`{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`),
		}})
		require.NoError(t, err)
		return c
	}
	ask(one)
	k.kept(1)
	require.Equal(t, gateway.CacheMiss, ask(two).CacheStatus().Use)
	require.Equal(t, gateway.CacheHit, ask(one).CacheStatus().Use)
}

// TestCachedVectors: other operations than conversations are cached alike, each form for itself.
func TestCachedVectors(t *testing.T) {
	t.Parallel()
	for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
		k := newRemembering(t)
		model := embedder(k.Kit, gatewaytest.Vendor(vendor), "")
		calls := 0
		for f := range forms() {
			call := k.Call("")
			call.Incoming = embed(f, model)
			first, err := k.ask(call)
			require.NoError(t, err)
			require.Equal(t, gateway.CacheMiss, first.CacheStatus().Use, f)
			calls++
			k.kept(calls)
			again, err := k.ask(call)
			require.NoError(t, err)
			require.Equal(t, gateway.CacheHit, again.CacheStatus().Use, f)
			numbers, cost := vectors(t, first)
			require.NotEqual(t, "0", cost)
			numbersAgain, costAgain := vectors(t, again)
			require.NotEmpty(t, numbers)
			require.Equal(t, numbers, numbersAgain)
			require.Equal(t, "0", costAgain, again.Body())
		}
		require.Equal(t, int64(calls), k.Sim.Totals().Calls)
		require.Len(t, k.History().Charged, calls)
	}
}
