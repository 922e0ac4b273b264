package oauth

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/account"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	services "github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// The pages of the front ends that somebody is sent to who does not come straight to the page of his choice.
const (
	signInPage    = "/auth/sign-in"   // ?error=, or ?link=
	challengePage = "/auth/challenge" // a second factor
)

const maxQuery = 8 << 10 // bytes of what a service sends back

// begin answers GET /console/v1/auth/oauth/{provider}.
func (a *API) begin(w http.ResponseWriter, r *http.Request) {
	q, err := parameters(r.URL.RawQuery, "audience", "return_to")
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	audience := token.Portal
	switch q.Get("audience") {
	case "", string(token.Portal):
	case string(token.Admin):
		audience = token.Admin
	default:
		problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "audience is one of: portal, admin").With("parameter", "audience"))
		return
	}
	provider := chi.URLParam(r, "provider")
	to, err := a.send(w, r, services.Start{Provider: provider, Purpose: services.SignIn, Audience: audience, ReturnTo: q.Get("return_to")})
	switch {
	case domain.CodeOf(err) == services.CodeFailed:
		note(r, provider, err)
		a.redirect(w, r, audience, signInPage+"?"+url.Values{"error": {string(services.CodeFailed)}}.Encode())
	case err != nil:
		problem.Write(w, r, err)
	default:
		head(w)
		http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // of a configured service, or of an organisation's issuer
	}
}

// send begins a way to a service and gives the browser what it has to keep.
func (a *API) send(w http.ResponseWriter, r *http.Request, s services.Start) (to string, err error) {
	s.Browser = a.p.Account.Kept(r, s.Audience, account.Flow)
	to, browser, err := a.p.Services.Begin(r.Context(), s)
	if err == nil {
		a.p.Account.Keep(w, s.Audience, account.Flow, browser, a.p.Now().Add(services.Life))
	}
	return to, err
}

// finish answers GET /console/v1/auth/oauth/{provider}/callback.
func (a *API) finish(w http.ResponseWriter, r *http.Request) {
	provider := chi.URLParam(r, "provider")
	// Services send more than is read here: scope, session_state, authuser ...
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "the query string is malformed"))
		return
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(q[name]) > 1 {
			problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "the parameter %s is given twice", name).With("parameter", name))
			return
		}
	}
	answer := services.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
	o, err := a.back(r, provider, answer)
	if err != nil {
		code := domain.CodeOf(err)
		if code == domain.CodeInternal || problem.Status(code) >= http.StatusInternalServerError {
			note(r, provider, err)
		}
		a.redirect(w, r, o.Audience, signInPage+"?"+url.Values{"error": {string(code)}}.Encode())
		return
	}
	a.p.Account.Forget(w, o.Audience, account.Flow)
	switch o.Purpose {
	case services.SignIn:
		a.entered(w, r, o)
		return
	case services.Confirm: // the session has new tokens
		a.p.Account.Enter(w, r, &o.Result, o.Audience)
	case services.Link:
	}
	a.redirect(w, r, o.Audience, o.Target)
}

// back looks for the browser among those of both front ends: the way back does not say which one it is of.
func (a *API) back(r *http.Request, provider string, answer services.Answer) (o services.Outcome, err error) {
	o.Audience = token.Portal
	err = domain.Errorf(services.CodeFlow, "this sign-in is over, or was begun in another browser: begin again")
	for _, audience := range []token.Audience{token.Portal, token.Admin} {
		browser := a.p.Account.Kept(r, audience, account.Flow)
		if browser == "" {
			continue
		}
		found, e := a.p.Services.Finish(r.Context(), provider, answer, browser, session.Device{UserAgent: r.UserAgent(), Address: request.Address(r.Context())})
		if found.Audience != "" {
			o = found
		}
		if err = e; domain.CodeOf(e) != services.CodeFlow {
			break
		}
	}
	return o, err
}

// entered sends whoever was shown by a service on.
func (a *API) entered(w http.ResponseWriter, r *http.Request, o services.Outcome) {
	if o.Pending != "" {
		a.p.Account.Keep(w, o.Audience, account.Pending, o.Pending, a.p.Now().Add(services.Life))
		a.redirect(w, r, o.Audience, signInPage+"?"+url.Values{"link": {o.Provider}, "return_to": {o.Target}}.Encode())
		return
	}
	a.p.Account.Enter(w, r, &o.Result, o.Audience)
	if o.Result.Challenge != nil {
		a.redirect(w, r, o.Audience, challengePage+"?"+url.Values{"return_to": {o.Target}}.Encode())
		return
	}
	a.redirect(w, r, o.Audience, o.Target)
}

// finishByForm answers POST /console/v1/auth/oauth/{provider}/callback, response_mode=form_post: a browser that another site has sent here by a form
// has no cookies of ours with it; one that follows a redirect has.
func (*API) finishByForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxQuery)
	if err := r.ParseForm(); err != nil {
		problem.Write(w, r, domain.Errorf(domain.CodeInvalid, "the form is malformed, or larger than 8 KiB"))
		return
	}
	q := url.Values{}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if v := r.PostForm[name]; len(v) > 0 {
			q[name] = v
		}
	}
	head(w)
	http.Redirect(w, r, services.CallbackPath(url.PathEscape(chi.URLParam(r, "provider")))+"?"+q.Encode(), http.StatusSeeOther)
}

// redirect sends a browser to a page of a front end.
func (a *API) redirect(w http.ResponseWriter, r *http.Request, audience token.Audience, page string) {
	head(w)
	http.Redirect(w, r, a.p.Account.Site(audience)+page, http.StatusFound)
}

// head keeps what is in the address of the way back out of caches and of Referer.
func head(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// note tells the operator why a sign-in did not work. There are no secrets in it.
func note(r *http.Request, provider string, err error) {
	var known *domain.Error
	if errors.As(err, &known) && known.Cause != nil {
		err = known.Cause
	}
	zerolog.Ctx(r.Context()).Warn().Err(err).Str("provider", provider).Msg("a sign-in service does not do as it should")
}

// parameters reads a query with these parameters only, each at most once.
func parameters(raw string, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, domain.Errorf(domain.CodeInvalid, "the query string is malformed")
	}
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for name, values := range q {
		if !known[name] || len(values) > 1 {
			return nil, domain.Errorf(domain.CodeInvalid, "there is a parameter that this operation does not have, or one that is given twice").With("parameter", request.Shorten(name))
		}
	}
	return q, nil
}
