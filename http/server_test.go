package http_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http"
)

// serving is a server in a test: stop ends its context, ended gets what Run returned.
type serving struct {
	url   string
	stop  context.CancelFunc
	ended chan error
}

func serve(t *testing.T, grace time.Duration, handler nethttp.HandlerFunc) serving {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	s := serving{url: "http://" + listener.Addr().String(), stop: cancel, ended: make(chan error, 1)}
	server := &http.Server{Name: "test", Listener: listener, Handler: handler, Grace: grace, Logger: zerolog.Nop()}
	go func() { s.ended <- server.Run(ctx) }()
	return s
}

// fetch gets the whole answer, in the background.
func fetch(t *testing.T, url string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, url, nil)
	require.NoError(t, err)
	go func() {
		res, err := nethttp.DefaultClient.Do(r)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			err = errors.Join(err, res.Body.Close())
		}
		done <- err
	}()
	return done
}

func TestServerLetsRunningRequestsEnd(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := serve(t, time.Minute, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		close(begun)
		<-goOn
		if r.Context().Err() == nil {
			_, _ = io.WriteString(w, "whole")
		}
	})
	answer := fetch(t, s.url)
	<-begun
	s.stop()
	require.Eventually(t, func() bool { // nothing more is accepted
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.url[len("http://"):])
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	select {
	case err := <-s.ended:
		t.Fatalf("the server ended under a running request: %v", err)
	default:
	}
	close(goOn)
	require.NoError(t, <-answer)
	require.NoError(t, <-s.ended)
}

func TestServerCutsOffWhatOutlastsTheGrace(t *testing.T) {
	t.Parallel()
	begun, returned := make(chan struct{}), make(chan struct{})
	s := serve(t, time.Millisecond, func(_ nethttp.ResponseWriter, r *nethttp.Request) {
		close(begun)
		<-r.Context().Done() // the connection is closed
		close(returned)
	})
	answer := fetch(t, s.url)
	<-begun
	s.stop()
	require.NoError(t, <-s.ended)
	<-returned
	require.Error(t, <-answer)
}

func TestServerDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := serve(t, time.Millisecond, func(nethttp.ResponseWriter, *nethttp.Request) {
		close(begun)
		<-goOn
	})
	answer := fetch(t, s.url)
	<-begun
	s.stop()
	require.NoError(t, <-s.ended)
	close(goOn)
	require.Error(t, <-answer)
}

func TestServerSaysWhyItCannotServe(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	server := &http.Server{Name: "test", Listener: listener, Handler: nethttp.NotFoundHandler(), Logger: zerolog.Nop()}
	require.ErrorContains(t, server.Run(t.Context()), "serve test on")
}

func TestOperationsEndpoints(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "things_total", Help: "Things."})
	registry.MustRegister(counter)
	var ready error
	var log bytes.Buffer
	handler := http.Operations{
		Ready: func(context.Context) error { return ready }, Gatherer: registry, Logger: zerolog.New(&log),
	}.Handler()
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return w
	}
	require.Equal(t, 200, get("GET", "/healthz").Code)
	require.JSONEq(t, `{"status":"ok"}`, get("GET", "/readyz").Body.String())
	require.Contains(t, get("GET", "/metrics").Body.String(), "things_total 0")
	require.Equal(t, 404, get("GET", "/console/v1/wallets").Code)
	require.Equal(t, 405, get("POST", "/healthz").Code)
	require.Equal(t, "GET", get("POST", "/healthz").Header().Get("Allow"))

	handler = http.Operations{
		Ready: func(context.Context) error { return ready }, Gatherer: registry, Logger: zerolog.New(&log),
		Details: map[string]func(context.Context) (any, error){
			"parts": func(context.Context) (any, error) { return []string{"a"}, nil },
			"gone":  func(context.Context) (any, error) { return nil, errors.New("no route to 10.9.9.9") },
		},
	}.Handler()
	detailed := get("GET", "/readyz")
	require.Equal(t, 200, detailed.Code, "details do not decide")
	require.JSONEq(t, `{"status":"ok","details":{"parts":["a"],"gone":{"status":"unavailable"}}}`, detailed.Body.String())
	require.Contains(t, log.String(), "10.9.9.9")
	handler = http.Operations{
		Ready: func(context.Context) error { return ready }, Gatherer: registry, Logger: zerolog.New(&log),
		Details: map[string]func(context.Context) (any, error){"odd": func(context.Context) (any, error) { return make(chan int), nil }},
	}.Handler()
	require.JSONEq(t, `{"status":"ok"}`, get("GET", "/readyz").Body.String())

	ready = errors.New("no route to 10.1.2.3")
	away := get("GET", "/readyz")
	require.Equal(t, 503, away.Code)
	require.JSONEq(t, `{"status":"unavailable"}`, away.Body.String())
	require.Contains(t, log.String(), "10.1.2.3")
	require.Equal(t, 200, get("GET", "/healthz").Code)
}
