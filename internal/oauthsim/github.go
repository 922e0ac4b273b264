package oauthsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// GitHub simulates GitHub's OAuth apps.
type GitHub struct {
	service
	lock sync.Mutex
	user GitHubUser
}

// GitHubUser is who is signed in at GitHub.
type GitHubUser struct {
	ID     int64
	Login  string
	Name   string // "" for none
	Emails []GitHubEmail
	Denies string // the person says no, with this error
	Scope  string // what the person grants; "" for all that was asked
}

// GitHubEmail is one of somebody's mailboxes.
type GitHubEmail struct {
	Email    string `json:"email"`
	Primary  bool   `json:"primary"`
	Verified bool   `json:"verified"`
}

// NewGitHub starts GitHub.
func NewGitHub(t *testing.T, app App) *GitHub {
	t.Helper()
	g := &GitHub{service: service{App: app}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/access_token", g.exchange)
	mux.HandleFunc("GET /user", g.api(func(u GitHubUser, _ grant) any {
		var name any
		if u.Name != "" {
			name = u.Name
		}
		return map[string]any{"id": u.ID, "login": u.Login, "name": name, "email": "public@example.com"} // its public mailbox proves nothing
	}))
	mux.HandleFunc("GET /user/emails", g.api(func(u GitHubUser, of grant) any {
		if !strings.Contains(of.scope, "user:email") {
			return nil
		}
		return u.Emails
	}))
	g.start(t, mux)
	return g
}

// SignIn sets who is signed in at GitHub.
func (g *GitHub) SignIn(u GitHubUser) {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.user = u
}

func (g *GitHub) person() GitHubUser {
	g.lock.Lock()
	defer g.lock.Unlock()
	return g.user
}

func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	again := q.Get("prompt") == "select_account"
	names := []string{"client_id", "redirect_uri", "scope", "state", "response_type", "code_challenge", "code_challenge_method"}
	if again {
		names = append(names, "prompt")
	}
	g.only(q, names...)
	g.want(q.Get("client_id") == g.ID, "client_id is %q", q.Get("client_id"))
	g.want(q.Get("code_challenge_method") == "S256" && isChallenge(q.Get("code_challenge")), "the challenge is not of S256")
	g.want(q.Get("scope") == "read:user user:email", "the scope is %q", q.Get("scope"))
	if !g.want(q.Get("redirect_uri") == g.Redirect, "redirect_uri is %q", q.Get("redirect_uri")) {
		http.Error(w, "redirect_uri_mismatch", http.StatusBadRequest)
		return
	}
	u := g.person()
	if u.Denies != "" {
		back(w, r, g.Redirect, url.Values{"error": {u.Denies}, "error_description": {"The user has denied your application access."}, "state": q["state"]})
		return
	}
	scope := u.Scope
	if scope == "" {
		scope = q.Get("scope")
	}
	back(w, r, g.Redirect, url.Values{"code": {g.grant(grant{redirect: g.Redirect, challenge: q.Get("code_challenge"), scope: scope})}, "state": q["state"]})
}

func (g *GitHub) exchange(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		g.want(false, "the form is none: %v", err)
	}
	g.only(r.PostForm, "client_id", "client_secret", "code", "redirect_uri", "grant_type", "code_verifier")
	g.want(r.Header.Get("User-Agent") == "massrouter", "there is no User-Agent")
	// It answers as a form unless it is asked for JSON. Errors have status 200.
	answer := func(v map[string]string) {
		if r.Header.Get("Accept") == "application/json" {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_ = json.NewEncoder(w).Encode(v)
			return
		}
		form := url.Values{}
		for name, value := range v {
			form.Set(name, value)
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		_, _ = w.Write([]byte(form.Encode()))
	}
	of, ok := g.use(r.PostForm.Get("code"))
	switch {
	case r.PostForm.Get("client_id") != g.ID || r.PostForm.Get("client_secret") != g.Secret:
		answer(map[string]string{"error": "incorrect_client_credentials", "error_description": "The client_id and/or client_secret passed are incorrect."})
	case !ok || !of.proves(r.PostForm.Get("code_verifier")):
		answer(map[string]string{"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."})
	case r.PostForm.Get("redirect_uri") != of.redirect:
		answer(map[string]string{"error": "redirect_uri_mismatch", "error_description": "The redirect_uri MUST match the registered callback URL."})
	default:
		answer(map[string]string{"access_token": g.issue(of), "token_type": "bearer", "scope": strings.ReplaceAll(of.scope, " ", ",")})
	}
}

// api answers whoever has a token; nil is no answer.
func (g *GitHub) api(answer func(GitHubUser, grant) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") == "" || strings.HasPrefix(r.Header.Get("User-Agent"), "Go-http-client") {
			http.Error(w, "Request forbidden by administrative rules.", http.StatusForbidden)
			return
		}
		of, ok := g.of(bearer(r))
		if !g.want(ok, "a token is none") {
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return
		}
		v := answer(g.person(), of)
		if v == nil {
			http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(v)
	}
}
