package sdktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// front stands between the product and a vendor, and keeps what the product sent: a model's answer does not show whether its
// vendor was given the schema or the image that its caller sent.
type front struct {
	URL   string
	close func()

	mu     sync.Mutex
	bodies [][]byte
}

// newFront hands calls on to a vendor. GET /seen?text=… answers with the body of a call that had the text in it, for the clients
// that do not run in this process.
func newFront(vendor string) (*front, error) {
	to, err := url.Parse(vendor)
	if err != nil {
		return nil, fmt.Errorf("address of the simulator: %w", err)
	}
	f := &front{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // signatures have it
	}, FlushInterval: -1}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /seen", func(w http.ResponseWriter, r *http.Request) {
		body := f.seen(r.URL.Query().Get("text"))
		if body == nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body) // the test that asked sees that it is cut
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.mu.Lock()
		f.bodies = append(f.bodies, body)
		f.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	f.URL, f.close = server.URL, server.Close
	return f, nil
}

// seen is the body of a call that had the text in it, nil if none had.
func (f *front) seen(text string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, body := range f.bodies {
		if bytes.Contains(body, []byte(text)) {
			return body
		}
	}
	return nil
}
