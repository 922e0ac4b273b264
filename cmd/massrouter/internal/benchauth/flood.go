package benchauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// flood is many who sign in with passwords that are wrong, each at an account of its own, so that no back-off slows them down.
type flood struct {
	next atomic.Int64
	mu   sync.Mutex
	took []time.Duration // of each that was answered
	busy int64           // refused because too many signed in
}

// begin floods until the function that it returns is called.
func (f *flood) begin(ctx context.Context, base string, connections int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	c := &http.Client{Transport: transport}
	var running sync.WaitGroup
	for range connections {
		running.Go(func() {
			for ctx.Err() == nil {
				f.try(ctx, c, base)
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	}
}

func (f *flood) try(ctx context.Context, c *http.Client, base string) {
	body := fmt.Sprintf(`{"email":"nobody-%d@example.com","password":"a password that is wrong"}`, f.next.Add(1))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/console/v1/auth/sign-in", strings.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	res, err := c.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body) // its status says all
	_ = res.Body.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took = append(f.took, time.Since(begun))
	if res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests {
		f.busy++
	}
}
