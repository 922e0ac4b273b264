package crashtest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// told is what the clients were told: the cost of each generation whose answer reached them, and the credits that were
// confirmed.
type told struct {
	mu      sync.Mutex
	costs   map[uuid.UUID]money.Amount
	credits map[string]int // by Idempotency-Key
	wrong   []string       // answers that contradict each other
	other   map[string]int // everything else, by what it was

	acked  atomic.Int64
	failed atomic.Int64
	moved  chan struct{} // one token: acked or failed has grown
}

func newTold() *told {
	return &told{costs: map[uuid.UUID]money.Amount{}, credits: map[string]int{}, other: map[string]int{}, moved: make(chan struct{}, 1)}
}

func (b *told) charged(generation, cost string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, err := domain.ParseGenerationID(generation)
	amount, moneyErr := money.Parse(cost)
	before, again := b.costs[id]
	switch {
	case err != nil || moneyErr != nil:
		b.wrong = append(b.wrong, fmt.Sprintf("generation %q cost %q: %v %v", generation, cost, err, moneyErr))
	case again && !before.Equal(amount):
		b.wrong = append(b.wrong, fmt.Sprintf("%s cost %s and then %s", generation, before, amount))
	}
	b.costs[id] = amount
	b.acked.Add(1)
	b.wake()
}

func (b *told) missed(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.other[what]++
	b.failed.Add(1)
	b.wake()
}

func (b *told) wake() {
	select {
	case b.moved <- struct{}{}:
	default:
	}
}

// client is one caller of the service. The contexts of its methods end only when something is badly wrong.
type client struct {
	service *service
	http    *http.Client
	told    *told
	account account
	random  *rand.Rand
}

// errAgain: the call may be tried again with the same Idempotency-Key.
var errAgain = errors.New("no answer")

// over says whether a channel is closed.
func over(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// calls makes plain calls, streaming and not, until stop is closed.
func (c *client) calls(ctx context.Context, stop <-chan struct{}) {
	for !over(stop) && ctx.Err() == nil {
		if err := c.call(ctx, c.request(), ""); err != nil {
			c.rest(ctx)
		}
	}
}

// sureCalls makes calls with an Idempotency-Key, each until it is answered, also after stop was closed. It counts them.
func (c *client) sureCalls(ctx context.Context, stop <-chan struct{}) (keys int) {
	for !over(stop) && ctx.Err() == nil {
		keys++
		body, key := c.request(), uuid.NewString()
		for c.call(ctx, body, key) != nil && ctx.Err() == nil {
			c.rest(ctx)
		}
	}
	return keys
}

// rest gives a service that is down a moment.
func (c *client) rest(ctx context.Context) {
	timer := time.NewTimer(time.Duration(20+c.random.IntN(80)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *client) request() []byte {
	model, stream := quick, c.random.IntN(2) == 0
	if c.random.IntN(3) == 0 {
		model = slow
	}
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": stream, "max_tokens": 100, "seed": c.random.IntN(1000),
		"messages": []any{map[string]any{"role": "user", "content": "Sum up what a ledger is for."}},
	})
	if err != nil {
		panic(err) // the map above has a JSON form
	}
	return body
}

// send asks one of the API processes.
func (c *client) send(ctx context.Context, path, secret, key string, body []byte) (*http.Response, error) {
	base := *c.service.base[c.random.IntN(len(c.service.base))].Load()
	if base == "" {
		return nil, errAgain
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return c.http.Do(r)
}

// answer is what a client reads of an answer, or of a stream's last chunk.
type answer struct {
	ID    string `json:"id"`
	Usage *struct {
		Cost json.RawMessage `json:"cost"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// call makes one call and notes what it was told.
func (c *client) call(ctx context.Context, body []byte, key string) error {
	response, err := c.send(ctx, "/v1/chat/completions", c.account.secret, key, body)
	if err != nil {
		c.told.missed("no connection")
		return errAgain
	}
	defer func() { _ = response.Body.Close() }() // it was read, or the connection is lost
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
		c.told.missed(fmt.Sprintf("status %d", response.StatusCode))
		return errAgain
	}
	last, err := read(response)
	if err != nil || last.Usage == nil || len(last.Error) > 0 {
		c.told.missed("cut off")
		return errAgain
	}
	c.told.charged(last.ID, strings.Trim(string(last.Usage.Cost), `"`))
	return nil
}

// read reads an answer whole, or a stream up to the chunk with the usage.
func read(response *http.Response) (last answer, err error) {
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			return last, err
		}
		return last, json.Unmarshal(raw, &last)
	}
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return last, err
		}
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk answer
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return last, err
		}
		if chunk.Usage != nil || len(chunk.Error) > 0 {
			return chunk, nil
		}
	}
}

// credits tops the wallet up again and again, each time until it is confirmed.
func (c *client) credits(ctx context.Context, stop <-chan struct{}) {
	path := "/console/v1/wallets/" + c.account.wallet.String() + "/top-ups"
	for !over(stop) && ctx.Err() == nil {
		key := uuid.NewString()
		body := []byte(`{"amount":"0.01","currency":"USD","reason":"crash","reference":"` + key + `"}`)
		for !c.credit(ctx, path, key, body) && ctx.Err() == nil {
			c.rest(ctx)
		}
		c.rest(ctx)
	}
}

func (c *client) credit(ctx context.Context, path, key string, body []byte) bool {
	response, err := c.send(ctx, path, c.service.token, key, body)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }() // it was read, or the connection is lost
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		if response.StatusCode < http.StatusInternalServerError {
			c.told.missed(fmt.Sprintf("top-up: status %d: %s", response.StatusCode, raw))
		}
		return false
	}
	c.told.mu.Lock()
	defer c.told.mu.Unlock()
	c.told.credits[key]++
	return true
}
