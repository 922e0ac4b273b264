package benchgateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// Proxy is the floor that the gateway is compared with: the standard library's reverse proxy and nothing else.
type Proxy struct {
	listener net.Listener
	server   *http.Server
}

// NewProxy listens on a free local port for calls that go to a server.
func NewProxy(ctx context.Context, to string) (*Proxy, error) {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server", to)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	const conns = 10_000
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(u) },
		FlushInterval: -1, // at once
		Transport:     &http.Transport{MaxIdleConns: conns, MaxIdleConnsPerHost: conns, DisableCompression: true},
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the server closes the body of a request when its answer begins, which may be before the proxy has seen its end.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1.1 has it
		proxy.ServeHTTP(w, r)
	})
	return &Proxy{listener, &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}, nil
}

// URL is where it listens.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Run serves until ctx ends.
func (p *Proxy) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = p.server.Close() }) // what is under way is of no use any more
	defer stop()
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
