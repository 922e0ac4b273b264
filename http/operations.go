package http

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
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
	Ready func(ctx context.Context) error
	// Details are parts whose state /readyz shows, by name; they do not decide whether it is ready. What a part returns is encoded
	// as JSON; its error goes to the log, and callers see that the part is unavailable.
	Details  map[string]func(ctx context.Context) (any, error)
	Gatherer prometheus.Gatherer
	Logger   zerolog.Logger
}

// Handler has /healthz (the process answers), /readyz (so do the parts that it needs: 200, else 503; and the details of parts)
// and /metrics.
func (o Operations) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Harden)
	r.NotFound(notFound(problem.Write))
	r.MethodNotAllowed(methodNotAllowed(r, problem.Write))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, stateOf{Status: statusOK}) })
	r.Get("/readyz", o.ready)
	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{}))
	return r
}

func (o Operations) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	status, answer := http.StatusOK, stateOf{Status: statusOK}
	if err := o.Ready(ctx); err != nil {
		o.Logger.Warn().Err(err).Msg("not ready")
		status, answer.Status = http.StatusServiceUnavailable, statusUnavailable
	}
	answer.Details = o.details(ctx)
	state(w, status, answer)
}

// details asks the parts, all at once; one that cannot be asked does not hide the others.
func (o Operations) details(ctx context.Context) map[string]any {
	if len(o.Details) == 0 {
		return nil
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	details := make(map[string]any, len(o.Details))
	for name, ask := range o.Details {
		all.Go(func() {
			value, err := ask(ctx)
			if err != nil {
				o.Logger.Warn().Err(err).Str("part", name).Msg("a part does not say how it is")
				value = stateOf{Status: statusUnavailable}
			}
			mu.Lock()
			defer mu.Unlock()
			details[name] = value
		})
	}
	all.Wait()
	return details
}

const (
	statusOK          = "ok"
	statusUnavailable = "unavailable"
)

// stateOf is what a prober is told.
type stateOf struct {
	Status  string         `json:"status"`
	Details map[string]any `json:"details,omitempty"`
}

func state(w http.ResponseWriter, status int, answer stateOf) {
	body, err := json.Marshal(answer)
	if err != nil { // a detail that is no JSON hides itself, not the state
		body = []byte(`{"status":"` + answer.Status + `"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a prober that went away needs no answer
}
