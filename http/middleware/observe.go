// Package middleware has what every request passes through: identity, access log, metrics, recovery, bounds and headers.
package middleware

import (
	"cmp"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/http/request"
)

// Observe gives each request its identity and a logger that carries it, logs one line when it has ended, and measures
// it. Neither headers, nor bodies, nor the query are logged: they have secrets and personal data. metrics may be nil.
func Observe(log zerolog.Logger, metrics *Metrics) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			id := identify(r)
			w.Header().Set(request.Header, id.String())
			scoped := log.With().Stringer("request_id", id).Logger()
			r = r.WithContext(scoped.WithContext(request.With(r.Context(), id)))
			ww := chimiddleware.NewWrapResponseWriter(w, r.ProtoMajor)
			done, leave := false, metrics.enter()
			defer func() {
				took, route := time.Since(start), route(r)
				leave(r.Method, route, ww.Status(), took)
				scoped.Info().Str("method", knownMethod(r.Method)).Str("route", route).Int("status", ww.Status()).
					Int("bytes", ww.BytesWritten()).Dur("took_ms", took).Bool("aborted", !done).Msg("request")
			}()
			next.ServeHTTP(ww, r)
			done = true
		})
	}
}

// identify takes over the id of a proxy in front when it is a UUID, and makes one otherwise.
func identify(r *http.Request) uuid.UUID {
	if sent := r.Header.Get(request.Header); len(sent) == 36 {
		if id, err := uuid.Parse(sent); err == nil && id != uuid.Nil {
			return id
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil // without randomness nothing else works either, and that is noticed elsewhere
	}
	return id
}

// route is the pattern that matched, or would have, had the request not been refused before: few values, and none that a caller makes up.
func route(r *http.Request) string {
	c := chi.RouteContext(r.Context())
	if c == nil {
		return unmatched
	}
	pattern := c.RoutePattern()
	if pattern == "" && c.Routes != nil {
		path := r.URL.RawPath
		if path == "" {
			path = r.URL.Path
		}
		pattern = c.Routes.Find(chi.NewRouteContext(), r.Method, path)
	}
	return cmp.Or(pattern, unmatched)
}

// unmatched is the route of requests for what there is not.
const unmatched = "unmatched"

// knownMethod keeps made-up methods out of logs and metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	default:
		return "other"
	}
}
