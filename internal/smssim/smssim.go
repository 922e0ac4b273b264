// Package smssim simulates providers of text messages for tests, with their quirks. Each checks the signature and the parameters of what it is sent, with code
// of its own, and remembers what was wrong: the test then fails.
//
//	aliyun.go   says in the body whether it worked, with status 200
//	tencent.go  says so for each number of a list
//	twilio.go   errors are JSON with a status of 4xx
package smssim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Message is one that a provider has taken.
type Message struct{ To, Code, Template, ID string }

// Provider is what the simulators have in common.
type Provider struct {
	URL string

	mu     sync.Mutex
	wrong  []string
	taken  []Message
	nonces map[string]bool
	calls  int
	refuse string
	broken func(http.ResponseWriter, *http.Request) bool
}

// start serves until the test ends, which fails when the provider was sent something wrong.
func (p *Provider) start(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, body []byte)) {
	t.Helper()
	p.nonces = map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls++
		instead := p.broken
		p.mu.Unlock()
		if instead != nil && instead(w, r) {
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the body ended early", http.StatusBadRequest)
			return
		}
		handle(w, r, body)
	}))
	p.URL = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		require.Empty(t, p.wrong, "what the provider was sent")
	})
}

// Break has a handler answer first, in place of the provider where it returns true; nil mends it.
func (p *Provider) Break(with func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = with
}

// Refuse has the provider refuse every message with a code of its own; "" ends it.
func (p *Provider) Refuse(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = code
}

// Taken are the messages that it took, the oldest first.
func (p *Provider) Taken() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Message(nil), p.taken...)
}

// Calls is how often it was called, rightly or wrongly.
func (p *Provider) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// want notes what is wrong with a request.
func (p *Provider) want(right bool, format string, args ...any) bool {
	if !right {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
	}
	return right
}

// take keeps a message and names it, unless it is to be refused.
func (p *Provider) take(m Message) (id, refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != "" {
		return "", p.refuse
	}
	p.taken = append(p.taken, m)
	return fmt.Sprintf("sim-%d", len(p.taken)), ""
}

// once says whether a nonce is new.
func (p *Provider) once(nonce string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if nonce == "" || p.nonces[nonce] {
		return false
	}
	p.nonces[nonce] = true
	return true
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

func isCode(text string) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) == 6
}
