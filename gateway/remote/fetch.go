package remote

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/sync/semaphore"
)

const (
	connectTimeout = 5 * time.Second
	maxAddress     = 2048 // bytes
	maxHeader      = 32 << 10
	maxRedirects   = 3
	userAgent      = "massrouter"
)

// Why a medium cannot be had. What a caller is told does not tell an address that is not public from one where nobody answers, so
// that nobody can look around in the platform's network with it.
var (
	errAddress   = errors.New("it is no http or https address without a user name, of at most 2048 characters")
	errRedirects = errors.New("it leads from one address to the next")
	errSize      = errors.New("it is too large")
	errEncoding  = errors.New("its server compresses it, though nobody asked for that")
	errTime      = errors.New("it did not come in time")
	errReach     = errors.New("its server cannot be reached")
)

// statusError is an answer of the server that is not the medium.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("its server answers with the status %d", int(e))
}

// reason is what a caller is told of an error.
func reason(err error) string {
	var status statusError
	if errors.As(err, &status) {
		return status.Error()
	}
	for _, known := range []error{errAddress, errRedirects, errSize, errEncoding, errKind, errTime} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errTime.Error()
	}
	return errReach.Error()
}

// Fetcher gets media. It is safe for concurrent use.
type Fetcher struct {
	o      Options
	client *http.Client
	room   *semaphore.Weighted
}

// NewFetcher makes a Fetcher.
func NewFetcher(o Options) *Fetcher {
	o.MaxSize = cmp.Or(o.MaxSize, 20<<20)
	o.MaxTotal = cmp.Or(o.MaxTotal, 32<<20)
	o.MaxCount = cmp.Or(o.MaxCount, 20)
	o.Timeout = cmp.Or(o.Timeout, 20*time.Second)
	o.Fetches = cmp.Or(o.Fetches, 64)
	dialer := &net.Dialer{Timeout: connectTimeout, Control: control(o.Allowed)}
	return &Fetcher{o: o, room: semaphore.NewWeighted(int64(o.Fetches)), client: &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHeader, DisableCompression: true, DisableKeepAlives: true,
		},
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			if len(before) > maxRedirects || before[len(before)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
				return errRedirects
			}
			return check(next.URL)
		},
	}}
}

// control is what the dialer asks before each connection. It sees the address that a name was resolved to, so that a name that resolves
// otherwise a second time gains nothing.
func control(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	public := ssrf.New()
	return func(network, address string, c syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial: %w", err)
		}
		for _, network := range allowed {
			if network.Contains(to.Addr().Unmap()) {
				return nil
			}
		}
		return public.Safe(network, address, c)
	}
}

// check refuses addresses that are of no medium.
func check(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errAddress
	}
	return nil
}

// allowance is how many bytes may still come.
type allowance struct{ left atomic.Int64 }

func newAllowance(bytes int64) *allowance {
	a := new(allowance)
	a.left.Store(bytes)
	return a
}

// take is false when there are not so many left.
func (a *allowance) take(bytes int64) bool { return a.left.Add(-bytes) >= 0 }

// fetched is what a server answered.
type fetched struct {
	data   []byte
	header string // Content-Type
}

// fetch gets what stands at an address.
func (f *Fetcher) fetch(ctx context.Context, address string, left *allowance) (fetched, error) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress {
		return fetched{}, errAddress
	}
	if err := check(u); err != nil {
		return fetched{}, err
	}
	if err := f.room.Acquire(ctx, 1); err != nil {
		return fetched{}, fmt.Errorf("wait for a turn: %w", err)
	}
	defer f.room.Release(1)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return fetched{}, errAddress
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "image/*, application/pdf, text/plain")
	response, err := f.client.Do(request)
	if err != nil {
		return fetched{}, fmt.Errorf("fetch a medium: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return f.read(response, left)
}

// read takes the answer.
func (f *Fetcher) read(response *http.Response, left *allowance) (fetched, error) {
	switch encoding := response.Header.Get("Content-Encoding"); {
	case response.StatusCode != http.StatusOK:
		return fetched{}, statusError(response.StatusCode)
	case encoding != "" && encoding != "identity":
		return fetched{}, errEncoding
	case response.ContentLength > f.o.MaxSize:
		return fetched{}, errSize
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, f.o.MaxSize+1))
	switch {
	case err != nil:
		return fetched{}, fmt.Errorf("read a medium: %w", err)
	case int64(len(data)) > f.o.MaxSize || !left.take(int64(len(data))):
		return fetched{}, errSize
	}
	return fetched{data: data, header: response.Header.Get("Content-Type")}, nil
}
