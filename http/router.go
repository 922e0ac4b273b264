package http

import (
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
)

const (
	consolePrefix = "/console/"
	consoleBody   = 256 << 10 // bytes: far more than any command needs
	consoleRead   = 15 * time.Second
	consoleTime   = 30 * time.Second
)

// API is everything that the public listener answers.
type API struct {
	Authenticator auth.Authenticator // of the console
	Commands      *command.API
	Queries       *query.API
	Inference     *inference.API
	Metrics       *middleware.Metrics // nil measures nothing
	Logger        zerolog.Logger
}

// Handler is the root router. The console's operations are mounted from two rooms: what reads from query, what writes
// from command. Everything else speaks the dialect of the inference API.
func (a API) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Observe(a.Logger, a.Metrics), middleware.Harden, middleware.Recover(a.refuse))
	r.NotFound(notFound(a.refuse))
	r.MethodNotAllowed(methodNotAllowed(r, a.refuse))
	r.Group(func(r chi.Router) {
		r.Use(middleware.Timeout(consoleTime), middleware.Body(consoleBody, consoleRead), auth.Guard(a.Authenticator, problem.Write))
		a.Queries.Mount(r)
		a.Commands.Mount(r)
	})
	r.Group(a.Inference.Mount)
	return r
}

// refuse answers in the shape of the surface that was asked.
func (a API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, consolePrefix) {
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
		for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
			if routes.Match(chi.NewRouteContext(), method, path) {
				allowed = append(allowed, method)
			}
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, r, domain.Errorf(problem.CodeMethodNotAllowed, "this path answers %s only", strings.Join(allowed, ", ")))
	}
}
