// Package vendor serves the simulated vendor on an address of its own.
package vendor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/internal/sim"
)

const (
	headerTimeout = 10 * time.Second
	closeTimeout  = 5 * time.Second
)

// Server is a simulated vendor that listens.
type Server struct {
	sim      *sim.Server
	listener net.Listener
}

// Listen takes the address; port 0 takes a free one. Run serves.
func Listen(ctx context.Context, address string, options sim.Options) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated vendor: %w", err)
	}
	return &Server{sim: sim.New(options), listener: listener}, nil
}

// URL is the base without /v1.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Address is the address that it listens on.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Totals is what was served so far.
func (s *Server) Totals() sim.Totals { return s.sim.Totals() }

// Close gives the address back when Run was never called; after Run it does nothing.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop listening for the simulated vendor: %w", err)
	}
	return nil
}

// Run serves until ctx ends, then cuts what waits and returns.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{Handler: s.sim, ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the simulated vendor: %w", err)
	case <-ctx.Done():
	}
	s.sim.Close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := server.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve the simulated vendor: %w", ended))
	}
	return err
}
