package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// early is how long before its end a token is renewed, a fifth of its life at most; until its end it serves.
	early = 5 * time.Minute
	// again is how long after a renewal that failed the next one waits, while there is a token that serves.
	again = 15 * time.Second
	// exchange is how long the exchange for a token may take.
	exchange = 10 * time.Second
	// maxAnswer bounds what is read of the endpoint's answer, in bytes.
	maxAnswer = 64 << 10
	// longest is how long a token serves at most, whatever the endpoint says.
	longest = 12 * time.Hour
)

// ErrRefused means that the endpoint does not take the account: no retry helps.
var ErrRefused = errors.New("the token endpoint refuses the service account")

// Tokens are those of a service account, one after the other. It is safe for concurrent use.
type Tokens struct {
	account   *ServiceAccount
	transport http.RoundTripper
	now       func() time.Time
	flight    singleflight.Group // one exchange at a time

	mu    sync.Mutex
	token string
	since time.Time
	until time.Time
	next  time.Time // when it is time for another one
}

// NewTokens makes the tokens of an account. Nothing is asked before the first is wanted.
func NewTokens(a *ServiceAccount, transport http.RoundTripper, now func() time.Time) *Tokens {
	return &Tokens{account: a, transport: transport, now: now}
}

// Token is a token that serves now. When its end is near it is renewed beside the calls; calls wait only where there is none. Errors: ErrRefused;
// the context's; what went wrong in the exchange.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	token, renew := t.current()
	if token != "" && !renew {
		return token, nil
	}
	renewed := t.flight.DoChan("", func() (any, error) {
		if token, renew := t.current(); !renew { // another call's exchange has just ended
			return token, nil
		}
		return t.renew(context.WithoutCancel(ctx))
	})
	if token != "" {
		return token, nil
	}
	select {
	case r := <-renewed:
		if r.Err != nil {
			return "", r.Err
		}
		token, _ = r.Val.(string)
		return token, nil
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a token: %w", context.Cause(ctx))
	}
}

// current is the token, "" if none serves, and whether it is time for another one.
func (t *Tokens) current() (token string, renew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.token == "" || !now.Before(t.until) {
		return "", true
	}
	return t.token, !now.Before(t.next)
}

// Drop forgets a token that the vendor did not take, and says whether another one may be: not when it was made after the call had begun.
func (t *Tokens) Drop(token string, begun time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != token {
		return true
	}
	if !t.since.Before(begun) {
		return false
	}
	t.token = ""
	return true
}

// Reveals says whether a text has the token in it.
func (t *Tokens) Reveals(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token != "" && strings.Contains(text, t.token)
}

func (t *Tokens) renew(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	begun := t.now()
	token, life, err := t.exchange(ctx, begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.next = t.now().Add(again)
		return "", err
	}
	t.token, t.since, t.until = token, begun, begun.Add(life)
	t.next = t.until.Add(-min(early, life/5))
	return token, nil
}

// exchange gets a token for an assertion.
func (t *Tokens) exchange(ctx context.Context, now time.Time) (token string, life time.Duration, err error) {
	assertion, err := t.account.assertion(now)
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.account.endpoint.String(), strings.NewReader(form))
	if err != nil {
		return "", 0, fmt.Errorf("ask for a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "massrouter")
	resp, err := t.transport.RoundTrip(req) // redirects are not followed: an assertion goes to one address only
	if err != nil {
		return "", 0, fmt.Errorf("ask for a token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return "", 0, fmt.Errorf("%w: it answered %d", ErrRefused, resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return "", 0, fmt.Errorf("ask for a token: the endpoint answered %d", resp.StatusCode)
	case err != nil:
		return "", 0, fmt.Errorf("read a token: %w", err)
	}
	return readToken(body)
}

var errNoToken = errors.New("the token endpoint's answer has no bearer token")

func readToken(body []byte) (string, time.Duration, error) {
	var answer struct {
		Token string      `json:"access_token"`
		Type  string      `json:"token_type"`
		Life  json.Number `json:"expires_in"`
	}
	if json.Unmarshal(body, &answer) != nil || !strings.EqualFold(answer.Type, "Bearer") || answer.Token == "" ||
		strings.ContainsFunc(answer.Token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "", 0, errNoToken
	}
	seconds, err := answer.Life.Int64()
	if err != nil || seconds <= 0 {
		return "", 0, errNoToken
	}
	return answer.Token, time.Duration(min(seconds, int64(longest/time.Second))) * time.Second, nil
}
