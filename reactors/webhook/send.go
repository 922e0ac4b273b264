package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
)

const (
	connectTimeout = 5 * time.Second
	maxAnswer      = 4 << 10 // bytes that are read of an answer's body
	maxHeader      = 16 << 10
	maxIdle        = 100
	userAgent      = "MassRouter-Webhooks/1"
)

// The classes of errors that an attempt may end with. They are shown to the customer, who knows nothing more of our
// network by them.
const (
	ErrorStatus   = "status"      // an answer that is no 2xx
	ErrorRedirect = "redirect"    // 3xx: redirects are not followed
	ErrorGone     = "gone"        // 410
	ErrorTimeout  = "timeout"     // no whole answer in time
	ErrorName     = "dns"         // the name has no address
	ErrorAddress  = "not_allowed" // the name has an address that is not public
	ErrorConnect  = "connect"     // nobody answers there
	ErrorTLS      = "tls"         // no certificate that proves the name, or no TLS
	ErrorProtocol = "protocol"    // no HTTP, or cut off
	ErrorInternal = "internal"    // ours: the secret cannot be read
	ErrorStopped  = "stopped"     // ours: the process that sent it was stopped
	ErrorExpired  = "expired"     // its three days were over before it could be sent
)

// sender sends requests. Safe for concurrent use.
type sender struct {
	client  *http.Client
	timeout time.Duration
}

// newSender makes a sender that reaches what the policy lets it, and follows neither proxies nor redirects. roots are the
// authorities that certificates are checked with; nil means the system's.
func newSender(p Policy, timeout time.Duration, roots *x509.CertPool) *sender {
	dialer := &net.Dialer{Timeout: connectTimeout, Control: p.control}
	return &sender{timeout: timeout, client: &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only: a connection is a request
			MaxResponseHeaderBytes: maxHeader, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// outcome is what an attempt came to.
type outcome struct {
	status     int // 0 without an answer
	class      string
	took       time.Duration
	retryAfter time.Duration // what the receiver asked for; 0 when it did not
}

func (o outcome) delivered() bool { return o.class == "" }

// send makes one attempt. at is the time that it says.
func (s *sender) send(ctx context.Context, url string, id uuid.UUID, at time.Time, body []byte, keys [][]byte) outcome {
	began := time.Now()
	o := s.attempt(ctx, url, id, at, body, keys)
	o.took = time.Since(began)
	return o
}

func (s *sender) attempt(ctx context.Context, url string, id uuid.UUID, at time.Time, body []byte, keys [][]byte) outcome {
	if len(keys) == 0 {
		return outcome{class: ErrorInternal}
	}
	trying, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(trying, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return outcome{class: ErrorProtocol}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(HeaderID, id.String())
	request.Header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(HeaderSignature, signature(keys, id.String(), at, body))
	response, err := s.client.Do(request)
	if err != nil {
		return outcome{class: classify(ctx, err)}
	}
	defer func() { _ = response.Body.Close() }()
	// The status has said all. A short answer is read to its end, so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return outcome{status: response.StatusCode, class: classOf(response.StatusCode), retryAfter: retryAfter(response.Header, at)}
}

func classOf(status int) string {
	switch {
	case status >= 200 && status < 300:
		return ""
	case status >= 300 && status < 400:
		return ErrorRedirect
	case status == http.StatusGone:
		return ErrorGone
	}
	return ErrorStatus
}

// classify says no more of an error than its class. ctx is the sender's own.
func classify(ctx context.Context, err error) string {
	var (
		name        *net.DNSError
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		timeout     net.Error
	)
	switch {
	case ctx.Err() != nil:
		return ErrorStopped
	case errors.Is(err, errAddress):
		return ErrorAddress
	case errors.As(err, &name):
		return ErrorName
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrorTimeout
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return ErrorTLS
	case errors.As(err, &op) && op.Op == "dial":
		return ErrorConnect
	}
	return ErrorProtocol
}

// retryAfter reads the header (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
