package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/internal/redistest"
)

// desk is a vendor with several customers' keys, in front of the simulator: it knows which key each call came with.
type desk struct {
	mu      sync.Mutex
	calls   map[string]int    // by key
	refuses map[string]string // by key: the answer in place of one
	now     map[string]int    // under way, by key
	most    map[string]int    // at the same time, by key
	hold    chan struct{}     // calls wait until it is closed; nil: they do not
}

func newDesk(k *gatewaytest.Kit) *desk {
	d := &desk{calls: map[string]int{}, refuses: map[string]string{}, now: map[string]int{}, most: map[string]int{}}
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		refusal, hold := d.enter(key)
		defer d.leave(key)
		if refusal != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(map[string]int{"invalid_api_key": 401, "permission_error": 403, "insufficient_quota": 429, "rate_limit_exceeded": 429}[refusal])
			_, _ = fmt.Fprintf(w, `{"error":{"message":"no: %s","type":%q,"code":%q}}`, key, refusal, refusal) //nolint:gosec // a test's own words
			return
		}
		if hold != nil {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		r.Header.Set("Authorization", "Bearer "+gatewaytest.VendorSecret)
		k.Sim.ServeHTTP(w, r)
	}))
	return d
}

func (d *desk) enter(key string) (refusal string, hold chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[key]++
	d.now[key]++
	d.most[key] = max(d.most[key], d.now[key])
	return d.refuses[key], d.hold
}

func (d *desk) leave(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now[key]--
}

func (d *desk) refuse(key, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuses[key] = why
}

func (d *desk) seen(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[key]
}

func (d *desk) highest(key string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most[key]
}

func (d *desk) underWay() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, each := range d.now {
		n += each
	}
	return n
}

// accounts are keys named a, b, c … whose secrets are the name after "secret-".
func accounts(limits limit.Limits, names ...string) gatewaytest.Accounts {
	var all gatewaytest.Accounts
	for _, name := range names {
		all = append(all, credential.Credential{ID: "acme/" + name, Secret: "secret-" + name, Limits: limits})
	}
	return all
}

func with(all gatewaytest.Accounts) gatewaytest.Option {
	return func(o *gateway.Options) { o.Credentials = all }
}

// said is a body that begins a conversation of its own.
func said(model string, n int) string {
	return fmt.Sprintf(`{"model":%q,"max_tokens":5,"messages":[{"role":"user","content":"Number %d."}]}`, model, n)
}

// TestKeysAreUsedInTurn: conversations are spread evenly, each stays with its key, and the record names the key that was used.
func TestKeysAreUsedInTurn(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty, with(accounts(limit.Limits{}, "a", "b", "c")))
	d := newDesk(k)
	model := k.Model(gatewaytest.Canceller, "tokens=2")
	const conversations = 300
	for range 2 {
		for n := range conversations {
			_, err := k.Do(said(model, n))
			require.NoError(t, err)
		}
	}
	charged := k.Settled().Charged
	require.Len(t, charged, 2*conversations)
	count := map[string]int{}
	for n := range conversations {
		require.Equal(t, charged[n].Call.Credential, charged[n+conversations].Call.Credential, "a conversation stays")
		count[charged[n].Call.Credential]++
	}
	for _, name := range []string{"a", "b", "c"} {
		// The keys of conversations are hashes: of a hundred expected, forty off are five standard deviations.
		require.InDelta(t, conversations/3, count["acme/"+name], 40, name)
		require.Equal(t, 2*count["acme/"+name], d.seen("secret-"+name), "what was recorded is what the vendor got")
	}
}

// TestARefusedKeyIsSetAside: the call goes on with another one at once, later calls leave it alone, and it is taken back after its time.
func TestARefusedKeyIsSetAside(t *testing.T) {
	t.Parallel()
	for _, why := range []string{"invalid_api_key", "permission_error", "insufficient_quota"} {
		k := gatewaytest.New(t, hasty, with(accounts(limit.Limits{}, "a", "b")))
		d := newDesk(k)
		model := k.Model(gatewaytest.Canceller, "tokens=2")
		d.refuse("secret-a", why)
		for n := range 30 {
			_, err := k.Do(said(model, n))
			require.NoError(t, err, why)
		}
		h := k.Settled()
		require.Len(t, h.Charged, 30)
		for i := range h.Charged {
			require.Equal(t, "acme/b", h.Charged[i].Call.Credential, why)
		}
		require.Equal(t, 1, d.seen("secret-a"), why)
		require.Contains(t, k.Log.String(), `"credential":"acme/a"`)
		require.NotContains(t, k.Log.String(), "secret-a")

		d.refuse("secret-a", "")
		k.Clock.Step(11 * time.Minute)
		for n := range 30 {
			_, err := k.Do(said(model, n))
			require.NoError(t, err, why)
		}
		require.Greater(t, d.seen("secret-a"), 1, "%s: it is taken back", why)
	}
}

// TestAllKeysRefused is a failure of its own, which the next calls get without asking the vendor.
func TestAllKeysRefused(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty, with(accounts(limit.Limits{}, "a", "b")))
	d := newDesk(k)
	model := k.Model(gatewaytest.Canceller, "tokens=2")
	d.refuse("secret-a", "invalid_api_key")
	d.refuse("secret-b", "insufficient_quota")
	for range 3 {
		_, err := k.Do(gatewaytest.Body(model, `"max_tokens":5`))
		require.Equal(t, gateway.CodeVendorUnavailable, domain.CodeOf(err))
		require.NotContains(t, err.Error(), "secret-")
	}
	require.Equal(t, 1, d.seen("secret-a"))
	require.Equal(t, 1, d.seen("secret-b"))
	require.Equal(t, "100", k.Settled().State.Available().String())
	require.Equal(t, 2, k.Settled().Released[0].Call.Attempts)
}

// limited is two gateways, as two processes, that share a vendor's keys and their limits through Redis.
func limited(t *testing.T, all gatewaytest.Accounts) (*gatewaytest.Kit, []*gateway.Gateway) {
	t.Helper()
	server := redistest.Start(t)
	k := gatewaytest.New(t, hasty, with(all))
	var gateways []*gateway.Gateway
	for range 2 {
		client, err := limit.Client(server.URL())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		limiter, err := limit.New(limit.Options{Redis: client, Budget: 30 * time.Second, Logger: k.Options.Logger})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() { _ = limiter.Run(ctx) }) // it ends with its context
		t.Cleanup(func() {
			cancel()
			running.Wait()
		})
		k.Options.Limits = limiter
		gateways = append(gateways, k.NewGateway())
	}
	return k, gateways
}

// stormed is what came of many calls at once.
type stormed struct {
	answered int
	errs     []error
}

// storm sends so many calls at once, over all gateways.
func storm(ctx context.Context, k *gatewaytest.Kit, gateways []*gateway.Gateway, model string, calls int) (out stormed) {
	var mu sync.Mutex
	var running sync.WaitGroup
	for n := range calls {
		running.Go(func() {
			err := gateways[n%len(gateways)].Complete(ctx, k.Call(said(model, n)), gatewaytest.NewClient())
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				out.answered++
			} else {
				out.errs = append(out.errs, err)
			}
		})
	}
	running.Wait()
	return out
}

// heldBack is how many calls were answered. All others were told to come back.
func (s stormed) heldBack(t *testing.T) int {
	t.Helper()
	for _, err := range s.errs {
		require.Equal(t, gateway.CodeVendorOverloaded, domain.CodeOf(err), "%v", err)
		require.NotContains(t, err.Error(), "secret-")
	}
	return s.answered
}

// TestRatesOfKeysAreExact over two processes: no key is used more often than its vendor grants, and none less when there are calls.
func TestRatesOfKeysAreExact(t *testing.T) {
	t.Parallel()
	all := accounts(limit.Limits{Requests: 10}, "a", "b")
	all[1].Limits.Requests = 15
	k, gateways := limited(t, all)
	d := newDesk(k)
	model := k.Model(gatewaytest.Canceller, "tokens=2")
	begun := time.Now()
	answered := storm(t.Context(), k, gateways, model, 80).heldBack(t)
	minutes := time.Since(begun).Minutes() + 1
	require.Equal(t, answered, d.seen("secret-a")+d.seen("secret-b"), "a call that is kept back reaches no vendor")
	require.GreaterOrEqual(t, d.seen("secret-a"), 10)
	require.GreaterOrEqual(t, d.seen("secret-b"), 15)
	require.LessOrEqual(t, float64(d.seen("secret-a")), 10*minutes)
	require.LessOrEqual(t, float64(d.seen("secret-b")), 15*minutes)
	require.Len(t, k.Settled().Charged, answered)
}

// TestParallelCallsOfKeysAreExact over two processes.
func TestParallelCallsOfKeysAreExact(t *testing.T) {
	t.Parallel()
	all := accounts(limit.Limits{Parallel: 3}, "a", "b")
	k, gateways := limited(t, all)
	d := newDesk(k)
	d.hold = make(chan struct{})
	model := k.Model(gatewaytest.Canceller, "tokens=2")
	came := make(chan stormed, 1)
	go func() { came <- storm(t.Context(), k, gateways, model, 40) }()
	require.Eventually(t, func() bool { return d.underWay() == 6 }, time.Minute, 5*time.Millisecond)
	d.mu.Lock()
	close(d.hold)
	d.hold = nil
	d.mu.Unlock()
	require.GreaterOrEqual(t, (<-came).heldBack(t), 6)
	require.Equal(t, 3, d.highest("secret-a"))
	require.Equal(t, 3, d.highest("secret-b"))
	require.NotEmpty(t, k.Settled().Charged)
}
