// Package oauthsim simulates sign-in services for tests, with their quirks. Each checks what it is sent and remembers what was wrong; whoever is sent to
// its sign-in page is let in at once, as the person that the test has set.
//
//	github.go  OAuth 2 whose errors have status 200, whose tokens are form-encoded unless JSON is asked for, and whose API wants a User-Agent
//	wechat.go  names, GET and text/plain of its own
//	issuer.go  OpenID Connect that lies in the ways that a test asks for
package oauthsim

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// App is a client as a service has it registered.
type App struct {
	ID       string
	Secret   string
	Redirect string // address that codes may be sent to
}

// service is what the simulators have in common.
type service struct {
	App
	URL string

	mu     sync.Mutex
	wrong  []string
	codes  map[string]grant
	token  map[string]grant // by access token
	broken func(http.ResponseWriter, *http.Request) bool
}

// grant is what a code stands for.
type grant struct {
	redirect, challenge, nonce, scope string
	again                             bool
}

// start serves until the test ends, which fails when the service was sent something wrong.
func (s *service) start(t *testing.T, mux http.Handler) {
	t.Helper()
	s.codes, s.token = map[string]grant{}, map[string]grant{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		instead := s.broken
		s.mu.Unlock()
		if instead == nil || !instead(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	s.URL = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		require.Empty(t, s.wrong, "what the service was sent")
	})
}

// Break has a handler answer first, in place of the service where it returns true; nil mends it.
func (s *service) Break(with func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = with
}

// want notes what is wrong with a request.
func (s *service) want(right bool, format string, args ...any) bool {
	if !right {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
	return right
}

// only says that each parameter is there once, and that none is there but these.
func (s *service) only(values url.Values, names ...string) {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
		s.want(len(values[name]) == 1 && values.Get(name) != "", "the parameter %s is there %d times", name, len(values[name]))
	}
	for name := range values {
		s.want(known[name], "the parameter %s is none", name)
	}
}

// grant makes a code.
func (s *service) grant(g grant) string {
	code := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = g
	return code
}

// use takes a code, once.
func (s *service) use(code string) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.codes[code]
	delete(s.codes, code)
	return g, ok
}

// issue makes an access token.
func (s *service) issue(g grant) string {
	token := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token[token] = g
	return token
}

func (s *service) of(token string) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.token[token]
	return g, ok
}

// proves says whether a verifier is the challenge's (RFC 7636, 4.6).
func (g grant) proves(verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return g.challenge == base64.RawURLEncoding.EncodeToString(sum[:]) && len(verifier) >= 43 && len(verifier) <= 128
}

// isChallenge says whether a text can be a challenge of S256.
func isChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// back sends a browser back.
func back(w http.ResponseWriter, r *http.Request, to string, q url.Values) {
	http.Redirect(w, r, to+"?"+q.Encode(), http.StatusFound)
}

// Visit is a browser that follows a link to a service and stops where it is sent back: the address of the callback.
func Visit(t *testing.T, address string) *url.URL {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusFound, response.StatusCode, "%s", address)
	to, err := response.Location()
	require.NoError(t, err)
	return to
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}
