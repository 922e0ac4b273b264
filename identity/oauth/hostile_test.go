package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// TestTokensThatAreNotBelieved: of a service that lies nobody is signed in, and the person is told no more than that it does not work.
func TestTokensThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	claim := func(name string, value any) oauthsim.Lie {
		return oauthsim.Lie{Claims: func(c map[string]any) {
			if value == nil {
				delete(c, name)
				return
			}
			c[name] = value
		}}
	}
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	hmac := jose.SigningKey{Algorithm: jose.HS256, Key: []byte("corp-secret:%&corp-secret:%&corp-secret:%&")}
	for name, lie := range map[string]oauthsim.Lie{
		"another issuer":        claim("iss", "https://evil.example"),
		"no issuer":             claim("iss", nil),
		"another audience":      claim("aud", "another-client"),
		"several audiences":     claim("aud", []string{"corp-client", "another-client"}),
		"no audience":           claim("aud", nil),
		"another party":         claim("azp", "another-client"),
		"another nonce":         claim("nonce", "x"),
		"no nonce":              claim("nonce", nil),
		"expired":               claim("exp", at.Add(-3*time.Minute).Unix()),
		"no end":                claim("exp", nil),
		"made long ago":         claim("iat", at.Add(-time.Hour).Unix()),
		"made in the future":    claim("iat", at.Add(time.Hour).Unix()),
		"not yet":               claim("nbf", at.Add(time.Hour).Unix()),
		"another access token":  claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"no subject":            claim("sub", nil),
		"an empty subject":      claim("sub", ""),
		"a number as subject":   claim("sub", 17),
		"a long subject":        claim("sub", strings.Repeat("x", 256)),
		"a subject with breaks": claim("sub", "a\nb"),
		"the mailbox as a list": claim("email", []string{ann}),
		"alg none": {Sign: func(c []byte) (string, error) {
			return "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + jose64(c) + ".", nil
		}},
		"the secret as key":     {Sign: func(c []byte) (string, error) { return oauthsim.Sign(c, hmac) }},
		"no token":              {Sign: func([]byte) (string, error) { return "", nil }},
		"no JWT":                {Sign: func([]byte) (string, error) { return "<html>", nil }},
		"another's mailbox":     {ByInfo: true, Info: func(c map[string]any) { c["sub"] = "2" }},
		"nobody's mailbox":      {ByInfo: true, Info: func(c map[string]any) { delete(c, "sub") }},
		"back from another":     {Back: func(q url.Values) { q.Set("iss", "https://evil.example") }},
		"back from nobody":      {Back: func(q url.Values) { q.Del("iss") }},
		"algorithms as it says": {Discovery: func(d map[string]any) { d["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }, Sign: func(c []byte) (string, error) { return oauthsim.Sign(c, hmac) }},
	} {
		b.Service = b.service(b.configs(), loopback) // knows nothing of the issuer yet
		b.issuer.Lie(lie)
		o, err := b.run(oauth.Start{Provider: "corp"})
		require.Equal(t, oauth.CodeFailed, domain.CodeOf(err), "%s: %v", name, err)
		require.Nil(t, o.Result.Session)
		require.Empty(t, o.Pending)
		b.issuer.Lie(oauthsim.Lie{})
		require.NotNil(t, b.enters("corp").Result.Session, "it is the lie")
	}
}

func jose64(text []byte) string {
	o, err := jose.JSONWebKey{Key: text}.MarshalJSON() // base64url of raw bytes, as JWK writes it
	if err != nil {
		return ""
	}
	var k struct{ K string }
	_ = json.Unmarshal(o, &k)
	return k.K
}

// TestTheMailboxMayComeLater: some issuers give it at the user endpoint only.
func TestTheMailboxMayComeLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true, Name: "Ann"})
	b.issuer.Lie(oauthsim.Lie{ByInfo: true})
	u, err := b.accounts.Get(t.Context(), b.session("corp").User)
	require.NoError(t, err)
	require.Equal(t, ann, string(u.Email))
}

// TestServicesThatAnswerNonsense: each request of each service may get anything, or nothing, and whoever waits is told within the time that he would wait.
func TestServicesThatAnswerNonsense(t *testing.T) {
	t.Parallel()
	page := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	answers := map[string]func(http.ResponseWriter){
		"a page":        page(200, "text/html", "<html><body>We are back soon</body></html>"),
		"an empty page": page(200, "application/json", ""),
		"a list":        page(200, "application/json", "[]"),
		"null":          page(200, "application/json", "null"),
		"an object":     page(200, "application/json", "{}"),
		"broken":        page(200, "application/json", `{"id":`),
		"an error":      page(500, "text/html", "<html>secret-of-theirs</html>"),
		"too many":      page(429, "application/json", `{}`),
		"a redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
			w.WriteHeader(http.StatusFound)
		},
		"endless": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			for _, err := w.Write([]byte(`{"access_token":"`)); err == nil; {
				_, err = w.Write([]byte(strings.Repeat("x", 64<<10)))
			}
		},
		"cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		},
		"gone": func(w http.ResponseWriter) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = connection.Close()
			}
		},
	}
	for what, answer := range answers {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.github.SignIn(gitHub(ann))
			b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o", UnionID: "u"})
			b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
			for _, at := range []string{
				"github /login/oauth/access_token", "github /user", "github /user/emails", "wechat /sns/oauth2/access_token", "wechat /sns/userinfo",
				"corp /token", "corp /keys", "corp /userinfo",
			} {
				b.Service = b.service(b.configs(), loopback) // has no keys of the issuer yet
				provider, path, _ := strings.Cut(at, " ")
				broken := func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == path {
						answer(w)
					}
					return r.URL.Path == path
				}
				b.issuer.Lie(oauthsim.Lie{ByInfo: path == "/userinfo"})
				to, browser := b.begin(oauth.Start{Provider: provider})
				back := b.visit(to)
				b.github.Break(broken)
				b.wechat.Break(broken)
				b.issuer.Break(broken)
				o, err := b.Finish(t.Context(), provider, back, browser, laptop)
				b.github.Break(nil)
				b.wechat.Break(nil)
				b.issuer.Break(nil)
				if path == "/user/emails" && (what == "a list" || what == "null") {
					require.NoError(t, err) // somebody without mailboxes
					require.NotEmpty(t, o.Pending)
					continue
				}
				require.Equal(t, oauth.CodeFailed, domain.CodeOf(err), "%s: %v", at, err)
				require.Nil(t, o.Result.Session)
				for _, secret := range []string{back.Code, "secret:%&", url.QueryEscape("secret:%&"), "secret-of-theirs", "<html"} {
					require.NotContains(t, err.Error(), secret)
				}
			}
		})
	}
}

// TestIssuersThatAreDown: nobody is sent to one that does not say what it is; one that has said so serves on while it does not.
func TestIssuersThatAreDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	begin := func() error {
		_, _, err := b.Begin(t.Context(), oauth.Start{Provider: "corp", Purpose: oauth.SignIn, Audience: token.Portal})
		return err
	}
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	b.issuer.Break(down)
	b.requireCode(oauth.CodeFailed, begin())
	b.issuer.Break(nil)
	for name, lie := range map[string]func(map[string]any){
		"another issuer":     func(d map[string]any) { d["issuer"] = "https://evil.example" },
		"no endpoints":       func(d map[string]any) { delete(d, "authorization_endpoint") },
		"no token endpoint":  func(d map[string]any) { delete(d, "token_endpoint") },
		"a strange endpoint": func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" },
	} {
		b.issuer.Lie(oauthsim.Lie{Discovery: lie})
		b.requireCode(oauth.CodeFailed, begin())
		_ = name
	}
	b.issuer.Lie(oauthsim.Lie{})
	require.NoError(t, begin())
	b.step(2 * time.Hour)
	b.issuer.Break(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/.well-known") && down(w, r)
	})
	require.NotNil(t, b.enters("corp").Result.Session)
}

// TestServicesInOurNetworkAreNotReached: what is not public is reached only where the operator has said so, whatever leads there.
func TestServicesInOurNetworkAreNotReached(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reached := make(chan string, 10)
	spy := func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case reached <- r.URL.Path:
		default:
		}
		return false
	}
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	open := b.Service
	for name, allowed := range map[string][]netip.Prefix{"none": nil, "another": {netip.MustParsePrefix("10.0.0.0/8")}} {
		b.Service = b.service(b.configs(), allowed)
		b.issuer.Break(spy)
		_, _, err := b.Begin(t.Context(), oauth.Start{Provider: "corp", Purpose: oauth.SignIn, Audience: token.Portal})
		b.requireCode(oauth.CodeFailed, err)
		require.Empty(t, reached, name)
		b.issuer.Break(nil)
	}
	b.Service = open
	for _, at := range []string{"http://169.254.169.254/token", "http://localhost:1/token", "https://[::1]:1/token", "http://10.0.0.1/token", "file:///etc/passwd"} {
		b.Service = b.service(b.configs(), loopback)
		b.issuer.Lie(oauthsim.Lie{Discovery: func(d map[string]any) { d["token_endpoint"] = at }})
		_, err := b.run(oauth.Start{Provider: "corp"})
		b.requireCode(oauth.CodeFailed, err)
		b.issuer.Lie(oauthsim.Lie{})
	}
}

// TestErrorsOfServicesAreToldApart: what is about this sign-in is the person's to repeat; what is about our own registration is not.
func TestErrorsOfServicesAreToldApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o"})
	_, err := b.run(oauth.Start{Provider: "wechat"})
	b.requireCode(oauth.CodeFailed, err)
	require.ErrorContains(t, err, "unionid")

	wrong := b.configs()
	for n := range wrong {
		wrong[n].ClientSecret = "a-wrong-secret"
	}
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o", UnionID: "u"})
	right := b.Service
	b.Service = b.service(wrong, loopback)
	for _, provider := range []string{"github", "wechat"} {
		_, err := b.run(oauth.Start{Provider: provider})
		b.requireCode(oauth.CodeFailed, err)
		require.NotContains(t, fmt.Sprintf("%v %+v", err, err), "a-wrong-secret")
	}
	b.Service = right
	for _, provider := range []string{"github", "wechat"} {
		to, browser := b.begin(oauth.Start{Provider: provider})
		answer := b.visit(to)
		answer.Code = "guessed"
		_, err := b.Finish(t.Context(), provider, answer, browser, laptop)
		b.requireCode(oauth.CodeRefused, err)
	}
}
