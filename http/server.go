// Package http is the surface of the service: the router of the API, the operations endpoints, and the life of a
// listening server.
package http

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	headerTime = 10 * time.Second // for a request's head
	idleTime   = 2 * time.Minute  // between two requests of one connection
	maxHeader  = 32 << 10         // bytes
	// afterGrace is how long handlers may take to return once their connections have been closed.
	afterGrace = 2 * time.Second
)

// Server answers one listener's requests.
type Server struct {
	Name     string // for the log
	Listener net.Listener
	Handler  http.Handler
	HeadTime time.Duration // for a request's head; 0 is 10 s
	TLS      *tls.Config   // nil answers plain HTTP
	Grace    time.Duration // how long running requests may go on after Run's context has ended
	OnStop   func()        // when given, called at the end of Run's context: ends answers that would never end by themselves
	Logger   zerolog.Logger
}

// Run serves until ctx ends. Then it accepts nothing more and waits for running requests; those that still run after
// Grace lose their connection, which ends their context, and have a moment to return. The context of a request does not
// end with ctx. Run returns nil also when a handler outlasts all that (the log says so): what it owes then is for who
// owns its work to wait for.
func (s *Server) Run(ctx context.Context) error {
	running := &tally{}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running.enter()
			defer running.leave()
			s.Handler.ServeHTTP(w, r)
		}),
		ErrorLog:          log.New(s.Logger.With().Str("server", s.Name).Logger(), "", 0),
		ReadHeaderTimeout: cmp.Or(s.HeadTime, headerTime),
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if s.OnStop != nil {
		server.RegisterOnShutdown(s.OnStop)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.serve(server) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s on %s: %w", s.Name, s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	s.Logger.Info().Str("server", s.Name).Dur("grace_ms", s.Grace).Msg("accepting no more requests")
	err := s.stop(ctx, server)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return err
	}
	s.drain(running)
	return nil
}

// serve accepts until the server is shut down.
func (s *Server) serve(server *http.Server) error {
	if s.TLS == nil {
		return server.Serve(s.Listener)
	}
	server.TLSConfig = s.TLS
	return server.ServeTLS(s.Listener, "", "") // the configuration has the certificate
}

// stop waits for running requests, and closes the connections of those that take too long.
func (s *Server) stop(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if err == nil {
		return nil
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop %s: %w", s.Name, err)
	}
	s.Logger.Warn().Str("server", s.Name).Msg("requests still run after the grace; closing their connections")
	if err := server.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.Name, err)
	}
	return nil
}

// drain waits for the handlers themselves: Close does not.
func (s *Server) drain(running *tally) {
	timer := time.NewTimer(afterGrace)
	defer timer.Stop()
	select {
	case <-running.none():
	case <-timer.C:
		s.Logger.Warn().Str("server", s.Name).Msg("handlers still run although their connections were closed")
	}
}

// tally counts handlers. Unlike a WaitGroup it can be waited for while new ones come.
type tally struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed when n falls to zero; nil while nobody waits
}

func (t *tally) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.n == 0 && t.zero != nil {
		close(t.zero)
		t.zero = nil
	}
}

// none is closed as soon as no handler runs.
func (t *tally) none() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if t.zero == nil {
		t.zero = make(chan struct{})
	}
	return t.zero
}
