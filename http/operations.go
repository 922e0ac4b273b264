package http

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
)

// readyTime bounds the question whether the service is ready: who asks does so every few seconds.
const readyTime = 3 * time.Second

// Operations are the endpoints for those who run the service. They are for a listener of their own, which the public
// does not reach.
type Operations struct {
	// Ready says whether requests can be answered now; its error goes to the log, never to the caller.
	Ready    func(ctx context.Context) error
	Gatherer prometheus.Gatherer
	Logger   zerolog.Logger
}

// Handler has /healthz (the process answers), /readyz (so do the parts that it needs: 200, else 503) and /metrics.
func (o Operations) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Harden)
	r.NotFound(notFound(problem.Write))
	r.MethodNotAllowed(methodNotAllowed(r, problem.Write))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "ok") })
	r.Get("/readyz", o.ready)
	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{}))
	return r
}

func (o Operations) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := o.Ready(ctx); err != nil {
		o.Logger.Warn().Err(err).Msg("not ready")
		state(w, http.StatusServiceUnavailable, "unavailable")
		return
	}
	state(w, http.StatusOK, "ok")
}

func state(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"status":"` + text + `"}`)) // a prober that went away needs no answer
}
