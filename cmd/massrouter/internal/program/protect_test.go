package program

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	hs "github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/http/middleware"
)

// putCertificate writes a certificate with a serial number, and returns it.
func putCertificate(t *testing.T, dir string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	put(t, filepath.Join(dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	put(t, filepath.Join(dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	made, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return made
}

// put replaces a file at once, as those who deploy certificates do.
func put(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// logged is a log that others write while it is read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes(), []byte(text))
}

// guarded is a program that has opened its protection only, with the files looked at all the time.
func guarded(t *testing.T, c config.Protect) (*Program, *logged) {
	t.Helper()
	log := &logged{}
	p := &Program{o: Options{Config: config.Config{Protect: c}, Log: zerolog.New(log)}}
	require.NoError(t, p.openProtection())
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, f := range p.watched {
		f.every = 5 * time.Millisecond
		running.Go(func() { _ = f.run(ctx) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return p, log
}

func TestTheCertificateIsReplacedWhileItServes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	roots := x509.NewCertPool()
	roots.AddCert(putCertificate(t, dir, 1))
	p, log := guarded(t, config.Protect{TLSCert: filepath.Join(dir, "tls.crt"), TLSKey: filepath.Join(dir, "tls.key")})

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.api = listener
	require.Equal(t, "https://"+listener.Addr().String(), p.BaseURL())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	chain := middleware.Client(nil)(middleware.Harden(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))) //nolint:gosec // plain text, to the test
	server := hs.Server{Name: "test", Listener: listener, Handler: chain, TLS: p.tls, Grace: time.Minute, Logger: zerolog.Nop()}
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })

	serial := func(most uint16) (int64, error) {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, MaxVersion: most}}).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	got, err := serial(tls.VersionTLS13)
	require.NoError(t, err)
	require.Equal(t, int64(1), got)
	_, err = serial(tls.VersionTLS12)
	require.ErrorContains(t, err, "protocol version")

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.BaseURL(), nil)
	require.NoError(t, err)
	res, err := client.Do(r)
	require.NoError(t, err)
	proto, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "HTTP/2.0", string(proto))
	require.NotEmpty(t, res.Header.Get("Strict-Transport-Security"))

	put(t, filepath.Join(dir, "tls.crt"), []byte("no certificate"))
	require.Eventually(t, func() bool { return log.has("cannot be used") }, time.Minute, time.Millisecond)
	got, err = serial(tls.VersionTLS13)
	require.NoError(t, err)
	require.Equal(t, int64(1), got, "what is wrong changes nothing")
	roots.AddCert(putCertificate(t, dir, 2))
	require.Eventually(t, func() bool { n, err := serial(tls.VersionTLS13); return err == nil && n == 2 }, time.Minute, time.Millisecond)
}

func TestRulesAreReadAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rules")
	put(t, file, []byte("deny 203.0.113.0/24\n"))
	p, log := guarded(t, config.Protect{RulesFile: file})
	refused := func() bool {
		w := httptest.NewRecorder()
		h := middleware.Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})(p.gate.Middleware(func(*http.Request) bool { return false }, func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusForbidden) })(
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		require.NoError(t, err)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		h.ServeHTTP(w, r)
		return w.Code == http.StatusForbidden
	}
	require.True(t, refused())
	put(t, file, []byte("deny everybody, please\n"))
	require.Eventually(t, func() bool { return log.has("cannot be used") }, time.Minute, time.Millisecond)
	require.True(t, refused())
	require.NoError(t, os.Remove(file))
	require.True(t, refused(), "a file that is gone for a moment")
	put(t, file, []byte("# nobody is refused any more\n"))
	require.Eventually(t, func() bool { return !refused() }, time.Minute, time.Millisecond)
}

func TestProtectionThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []config.Protect{{TLSCert: "/nonexistent", TLSKey: "/nonexistent"}, {RulesFile: "/nonexistent"}} {
		p := &Program{o: Options{Config: config.Config{Protect: c}}}
		require.Error(t, p.openProtection())
	}
}
