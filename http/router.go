package http

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/http/tile"
)

const (
	consolePrefix = "/console/"
	consoleBody   = 256 << 10 // bytes: far more than any command needs
	consoleRead   = 15 * time.Second
	consoleTime   = 30 * time.Second
	exportTime    = 15 * time.Minute // for a file that is written while it is made
	bodyTime      = 2 * time.Minute  // for any body
	logPrefix     = "/log/"
	logTime       = 15 * time.Second
)

// API is everything that the public listener answers.
type API struct {
	Authenticator auth.Authenticator // of the console
	Commands      *command.API
	Queries       *query.API
	Inference     *inference.API
	Stream        http.Handler        // GET /console/v1/stream; ends its answers itself
	LogDir        string              // the transparency log's folder, served to everybody below /log/; "" for none
	Metrics       *middleware.Metrics // nil measures nothing
	BodyTime      time.Duration       // for a request's body to arrive; 0 is 2 min
	Logger        zerolog.Logger
}

// Handler is the root router. The console's operations are mounted from two rooms: what reads from query, what writes
// from command. Everything else speaks the dialect of the inference API.
func (a API) Handler() http.Handler {
	r := chi.NewRouter()
	within := cmp.Or(a.BodyTime, bodyTime)
	r.Use(middleware.Observe(a.Logger, a.Metrics), middleware.Harden, middleware.Recover(a.refuse), middleware.BodyTime(within))
	r.NotFound(notFound(a.refuse))
	r.MethodNotAllowed(methodNotAllowed(r, a.refuse))
	r.Group(func(r chi.Router) {
		r.Use(middleware.TimeoutBy(timeOf), middleware.Body(consoleBody, min(consoleRead, within)), auth.Guard(a.Authenticator, problem.Write))
		a.Queries.Mount(r)
		a.Commands.Mount(r)
	})
	r.Group(func(r chi.Router) {
		r.Use(middleware.Body(consoleBody, min(consoleRead, within)), auth.Guard(a.Authenticator, problem.Write))
		r.Method(http.MethodGet, "/console/v1/stream", a.Stream)
	})
	r.Group(a.Inference.Mount)
	if a.LogDir != "" {
		r.Group(a.mountLog)
	}
	return r
}

// mountLog serves the transparency log's files.
func (a API) mountLog(r chi.Router) {
	files := tile.New(a.LogDir, problem.Write)
	serve := func(w http.ResponseWriter, r *http.Request) {
		files.Serve(w, r, strings.TrimPrefix(r.URL.Path, logPrefix))
	}
	r.Use(middleware.Timeout(logTime))
	r.Get(logPrefix+"*", serve)
	r.Head(logPrefix+"*", serve)
}

// timeOf is how long a request of the console may take.
func timeOf(r *http.Request) time.Duration {
	if query.Exports(r) {
		return exportTime
	}
	return consoleTime
}

// refuse answers in the shape of the surface that was asked.
func (a API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, consolePrefix) || strings.HasPrefix(r.URL.Path, logPrefix) {
		problem.Write(w, r, err)
		return
	}
	inference.WriteError(w, r, err)
}

type refusal func(w http.ResponseWriter, r *http.Request, err error)

func notFound(refuse refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, domain.Errorf(domain.CodeNotFound, "there is nothing at this path"))
	}
}

// methodNotAllowed says which methods the path has.
func methodNotAllowed(routes chi.Routes, refuse refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.RawPath
		if path == "" {
			path = r.URL.Path
		}
		var allowed []string
		for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
			if routes.Match(chi.NewRouteContext(), method, path) {
				allowed = append(allowed, method)
			}
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, r, domain.Errorf(problem.CodeMethodNotAllowed, "this path answers %s only", strings.Join(allowed, ", ")))
	}
}
