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
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/oauth"
	"github.com/massrouter/massrouter/http/organisation"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/http/tile"
	"github.com/massrouter/massrouter/projections/checkpoint"
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
	Organisations *organisation.API // nil for a service without people
	Accounts      *account.API      // of people about themselves
	OAuth         *oauth.API        // sign-in by services of others; nil for a service without people
	DevMail       http.Handler      // mails that were not sent, on a machine of somebody who develops; nil elsewhere
	Inference     *inference.API
	Stream        http.Handler        // GET /console/v1/stream; ends its answers itself
	LogDir        string              // the transparency log's folder, served to everybody below /log/; "" for none
	Trail         audited.Recorder    // the audit trail; nil keeps none
	Metrics       *middleware.Metrics // nil measures nothing
	BodyTime      time.Duration       // for a request's body to arrive; 0 is 2 min
	Protection    Protection
	Logger        zerolog.Logger
}

// Handler is the root router. The console's operations are mounted from two rooms: what reads from query, what writes
// from command. Everything else speaks the dialect of the inference API.
func (a API) Handler() http.Handler {
	r := chi.NewRouter()
	root := r
	within := cmp.Or(a.BodyTime, bodyTime)
	r.Use(middleware.Observe(a.Logger, a.Metrics), middleware.Client(a.Protection.Proxies), middleware.Harden, middleware.Recover(a.refuse), middleware.BodyTime(within))
	r.Use(a.Protection.guards(a.refuse)...)
	r.NotFound(notFound(a.refuse))
	r.MethodNotAllowed(methodNotAllowed(r, a.refuse))
	r.Group(func(r chi.Router) {
		r.Use(middleware.TimeoutBy(timeOf), middleware.Body(consoleBody, min(consoleRead, within)), audited.Requests(a.Trail), auth.Guard(a.Authenticator, a.Queries, problem.Write), a.Protection.perUser(problem.Write),
			a.Accounts.StepUpRequired)
		r.Use(wall)
		if a.Organisations != nil {
			r.Use(a.Organisations.FourEyes(command.Bodies()))
		}
		a.Queries.Mount(r)
		a.Commands.Mount(r)
		if a.Organisations != nil {
			a.Organisations.Dispatch(root)
			a.Organisations.Mount(r)
		}
		a.Accounts.Mount(r)
		a.OAuth.Mount(r)
	})
	r.Group(func(r chi.Router) {
		r.Use(middleware.Body(consoleBody, min(consoleRead, within)), audited.Requests(a.Trail), auth.Guard(a.Authenticator, a.Queries, problem.Write), a.Protection.perUser(problem.Write), wall)
		r.Method(http.MethodGet, "/console/v1/stream", a.Stream)
	})
	r.Get(account.KeySetPath, a.Accounts.KeySet)
	if a.DevMail != nil {
		r.Method(http.MethodGet, "/dev/mail", a.DevMail)
	}
	r.Group(a.Inference.Mount)
	if a.LogDir != "" {
		r.Group(a.mountLog)
	}
	return r
}

// wall makes what is asked for a tenant see nothing else in the database. It runs after auth.Guard.
func wall(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(checkpoint.ForTenants(r.Context(), auth.ActingOf(r.Context()).Wallets)))
	})
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
