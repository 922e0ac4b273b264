package oauth

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/oauth2"
)

const (
	connectTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second // for a whole answer of a service
	maxAnswer      = 1 << 20          // bytes; key sets of large services have some ten thousand
	maxHeader      = 64 << 10
	userAgent      = "massrouter"
)

var (
	errSize   = errors.New("the answer is larger than 1 MiB")
	errScheme = errors.New("the address is not https")
)

// statusError is an answer that is none.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("the answer has the status %d", int(e)) }

// NewClient makes the client by which services are reached: public addresses only but for the allowed networks, TLS but there, no redirects, no
// proxies, answers of at most 1 MiB within 10 s.
func NewClient(allowed []netip.Prefix) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout, Control: control(allowed)}
	return &http.Client{
		Timeout: answerTimeout,
		Transport: bounded{allowed: allowed, next: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout, ForceAttemptHTTP2: true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// control is asked before each connection. It sees the address that a name was resolved to.
func control(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	public := ssrf.New()
	return func(network, address string, c syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial: %w", err)
		}
		if within(allowed, to.Addr()) {
			return nil
		}
		return public.Safe(network, address, c)
	}
}

func within(allowed []netip.Prefix, to netip.Addr) bool {
	for _, network := range allowed {
		if network.Contains(to.Unmap()) {
			return true
		}
	}
	return false
}

// bounded sends requests that say who asks, and cuts answers.
type bounded struct {
	allowed []netip.Prefix
	next    http.RoundTripper
}

// RoundTrip refuses addresses without TLS, but for numbers in the allowed networks: there is no name that could lead elsewhere.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		to, err := netip.ParseAddr(r.URL.Hostname())
		if r.URL.Scheme != "http" || err != nil || !within(b.allowed, to) {
			return nil, errScheme
		}
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", userAgent)
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json") // GitHub answers in another form else
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // http.Client wraps it
	}
	response.Body = &cut{ReadCloser: response.Body, left: maxAnswer}
	return response, nil
}

// cut is a body that fails when it is too large.
type cut struct {
	io.ReadCloser
	left int64
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errSize
	}
	return n, err //nolint:wrapcheck // io.EOF is compared
}

// get asks for JSON and decodes it. The error does not have the address, which may hold a secret.
func get(ctx context.Context, client *http.Client, address string, header http.Header, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return errors.New("the address is none")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := client.Do(request)
	if err != nil {
		return cause(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return cause(err)
	case response.StatusCode != http.StatusOK:
		return statusError(response.StatusCode)
	case json.Unmarshal(body, into) != nil:
		return errors.New("the answer is not the JSON that it should be")
	}
	return nil
}

// cause is an error of a request, without its address, and without what the service has sent.
func cause(err error) error {
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		return fmt.Errorf("the token endpoint answers %d, %q", answer.Response.StatusCode, plain(answer.ErrorCode))
	}
	text := []rune(err.Error())
	const most = 300
	if len(text) > most || strings.ContainsAny(err.Error(), "\r\n<") { // a page, not a reason
		return errors.New("the answer is not what it should be")
	}
	return err
}
