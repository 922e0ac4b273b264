package webhook

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// thisMachine lets a sender reach servers of this machine.
var thisMachine = Policy{AllowHTTP: true, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func attempt(t *testing.T, s *sender, ctx context.Context, url string) outcome { //nolint:revive // the test's own context is another one
	t.Helper()
	return s.send(ctx, url, uuid.New(), time.Now(), []byte("{}"), [][]byte{[]byte("key")})
}

func TestWhatAnAttemptComesTo(t *testing.T) {
	t.Parallel()
	s := newSender(thisMachine, 10*time.Second, nil)
	t.Cleanup(s.close)
	serve := func(handler http.HandlerFunc) string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		server.Config.ErrorLog = nil
		return server.URL
	}
	raw := func(text string) string {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 1000))
				_, _ = c.Write([]byte(text))
				_ = c.Close()
			}
		}()
		t.Cleanup(func() {
			require.NoError(t, listener.Close())
			<-done
		})
		return "http://" + listener.Addr().String()
	}
	for name, row := range map[string]struct {
		url    string
		status int
		class  string
	}{
		"200":                      {serve(func(http.ResponseWriter, *http.Request) {}), 200, ""},
		"299":                      {serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }), 299, ""},
		"600":                      {raw("HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"), 600, ErrorStatus},
		"301":                      {serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusMovedPermanently) }), 301, ErrorRedirect},
		"304":                      {serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }), 304, ErrorRedirect},
		"404":                      {serve(http.NotFound), 404, ErrorStatus},
		"410":                      {serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }), 410, ErrorGone},
		"cut off":                  {serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), 0, ErrorProtocol},
		"cut off after the status": {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"), 200, ""},
		"no HTTP":                  {raw("SSH-2.0-OpenSSH_9.2\r\n"), 0, ErrorProtocol},
		"headers without end":      {raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n"), 0, ErrorProtocol},
		"nobody there":             {"http://127.0.0.1:1/", 0, ErrorConnect},
		"not public":               {"http://10.0.0.1/", 0, ErrorAddress},
		"TLS with a plain server":  {strings.Replace(serve(http.NotFound), "http://", "https://", 1), 0, ErrorTLS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := attempt(t, s, t.Context(), row.url)
			require.Equal(t, row.class, o.class)
			require.Equal(t, row.status, o.status)
			require.Positive(t, o.took)
		})
	}
	lost := newSender(thisMachine, 10*time.Second, nil)
	t.Cleanup(lost.close)
	resolveWith(lost, thisMachine, nameServer(t, netip.Addr{}))
	require.Equal(t, ErrorName, attempt(t, lost, t.Context(), "http://name.example/").class)
	require.Equal(t, ErrorInternal, s.send(t.Context(), "http://127.0.0.1:1/", uuid.New(), time.Now(), nil, nil).class, "nothing is sent unsigned")
}

func TestAttemptsEndInTime(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(open) })
	s := newSender(thisMachine, 50*time.Millisecond, nil)
	t.Cleanup(s.close)
	require.Equal(t, ErrorTimeout, attempt(t, s, t.Context(), server.URL).class)
	ending, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, ErrorStopped, attempt(t, s, ending, server.URL).class)
}

func TestCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	var proto string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto = r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	stranger := newSender(thisMachine, 10*time.Second, nil)
	t.Cleanup(stranger.close)
	require.Equal(t, ErrorTLS, attempt(t, stranger, t.Context(), server.URL).class)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	friend := newSender(thisMachine, 10*time.Second, roots)
	t.Cleanup(friend.close)
	require.Empty(t, attempt(t, friend, t.Context(), server.URL).class)
	require.Equal(t, "HTTP/1.1", proto)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "7.5": 0, "x": 0, "Wed, 04 Mar 2026 12:01:00 GMT": time.Minute, "Wed, 04 Mar 2026 11:00:00 GMT": 0,
		"99999999999": 0,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {text}}, now), text)
	}
}
