package oauthsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// Issuer is an OpenID provider that a test can have lie.
type Issuer struct {
	service
	now  func() time.Time
	key  *ecdsa.PrivateKey
	lock sync.Mutex
	user IssuerUser
	lie  Lie
}

// IssuerUser is who is signed in at an issuer.
type IssuerUser struct {
	Subject  string
	Email    string
	Verified any // of email_verified; nil for none
	Name     string
	Denies   string // the person says no, with this error
}

// Lie changes what an issuer says. All members may be nil.
type Lie struct {
	Claims    func(map[string]any)                // of the ID token
	Info      func(map[string]any)                // of the user endpoint
	Discovery func(map[string]any)                // of the issuer
	Sign      func(claims []byte) (string, error) // in place of the issuer's signature
	Back      func(url.Values)                    // what the browser is sent back with
	ByInfo    bool                                // the mailbox comes by the user endpoint only
}

// NewIssuer starts an issuer. now is its clock.
func NewIssuer(t *testing.T, app App, now func() time.Time) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := &Issuer{service: service{App: app}, now: now, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.exchange)
	mux.HandleFunc("GET /userinfo", i.info)
	i.start(t, mux)
	return i
}

// SignIn sets who is signed in.
func (i *Issuer) SignIn(u IssuerUser) {
	i.lock.Lock()
	defer i.lock.Unlock()
	i.user = u
}

// Lie sets what it lies about.
func (i *Issuer) Lie(l Lie) {
	i.lock.Lock()
	defer i.lock.Unlock()
	i.lie = l
}

func (i *Issuer) state() (IssuerUser, Lie) {
	i.lock.Lock()
	defer i.lock.Unlock()
	return i.user, i.lie
}

func answer(w http.ResponseWriter, v map[string]any, lie func(map[string]any)) {
	if lie != nil {
		lie(v)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	_, lie := i.state()
	answer(w, map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys", "userinfo_endpoint": i.URL + "/userinfo",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"authorization_response_iss_parameter_supported": true,
	}, lie.Discovery)
}

const keyID = "one"

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Algorithm: "ES256", Use: "sig"}}})
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	names := []string{"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}
	again := q.Has("prompt")
	if again {
		names = append(names, "prompt", "max_age")
		i.want(q.Get("prompt") == "login" && q.Get("max_age") == "0", "prompt and max_age are %q, %q", q.Get("prompt"), q.Get("max_age"))
	}
	i.only(q, names...)
	i.want(q.Get("client_id") == i.ID && q.Get("redirect_uri") == i.Redirect, "client_id and redirect_uri are %q, %q", q.Get("client_id"), q.Get("redirect_uri"))
	i.want(q.Get("scope") == "openid email profile" && q.Get("response_type") == "code", "scope and response_type are %q, %q", q.Get("scope"), q.Get("response_type"))
	i.want(q.Get("code_challenge_method") == "S256" && isChallenge(q.Get("code_challenge")), "the challenge is not of S256")
	user, lie := i.state()
	to := url.Values{"state": q["state"], "iss": {i.URL}}
	if user.Denies != "" {
		to.Set("error", user.Denies)
	} else {
		to.Set("code", i.grant(grant{redirect: i.Redirect, challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), again: again}))
	}
	if lie.Back != nil {
		lie.Back(to)
	}
	back(w, r, i.Redirect, to)
}

func (i *Issuer) exchange(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		i.want(false, "the form is none: %v", err)
	}
	i.only(r.PostForm, "code", "redirect_uri", "grant_type", "code_verifier")
	id, secret, _ := r.BasicAuth()
	of, ok := i.use(r.PostForm.Get("code"))
	if id != url.QueryEscape(i.ID) || secret != url.QueryEscape(i.Secret) || !ok || !of.proves(r.PostForm.Get("code_verifier")) || r.PostForm.Get("redirect_uri") != of.redirect {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"no"}`))
		return
	}
	user, lie := i.state()
	now := i.now()
	claims := map[string]any{"iss": i.URL, "sub": user.Subject, "aud": i.ID, "nonce": of.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "name": user.Name}
	if of.again {
		claims["auth_time"] = now.Unix()
	}
	if !lie.ByInfo {
		mailbox(claims, user)
	}
	if lie.Claims != nil {
		lie.Claims(claims)
	}
	text, err := json.Marshal(claims)
	i.want(err == nil, "the claims are no JSON: %v", err)
	sign := i.Sign
	if lie.Sign != nil {
		sign = lie.Sign
	}
	token, err := sign(text)
	i.want(err == nil, "the claims cannot be signed: %v", err)
	answer(w, map[string]any{"access_token": i.issue(of), "token_type": "Bearer", "expires_in": 300, "id_token": token}, nil)
}

func mailbox(claims map[string]any, user IssuerUser) {
	if user.Email != "" {
		claims["email"] = user.Email
	}
	if user.Verified != nil {
		claims["email_verified"] = user.Verified
	}
}

// Sign is the issuer's signature.
func (i *Issuer) Sign(claims []byte) (string, error) {
	return Sign(claims, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: keyID}})
}

// Sign makes a JWS of claims.
func Sign(claims []byte, key jose.SigningKey) (string, error) {
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err //nolint:wrapcheck // a test fails with it
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err //nolint:wrapcheck // a test fails with it
	}
	return signed.CompactSerialize() //nolint:wrapcheck // a test fails with it
}

func (i *Issuer) info(w http.ResponseWriter, r *http.Request) {
	if _, ok := i.of(bearer(r)); !i.want(ok, "a token is none") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	user, lie := i.state()
	claims := map[string]any{"sub": user.Subject}
	mailbox(claims, user)
	answer(w, claims, lie.Info)
}
