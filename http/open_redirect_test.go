package http_test

import (
	nethttp "net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// elsewhere are addresses that lead a browser away, however they are read.
func elsewhere() []string {
	const evil = "evil.example"
	return []string{
		"//" + evil, "///" + evil, "////" + evil, "/\\" + evil, "\\/" + evil, "\\\\" + evil, "/\t/" + evil, "/\n/" + evil, "\t//" + evil, " //" + evil, "/%09/" + evil, "/%2f" + evil, "/%2F%2F" + evil,
		"%2f%2f" + evil, "/%5c" + evil, "/.//" + evil, "/..//" + evil, "/account/..//" + evil, "/account/%2e%2e//" + evil, "/account\\..\\\\" + evil, ";//" + evil, "/;@" + evil,
		"http://" + evil, "https:" + evil, "https:/" + evil, "https:///" + evil, "HTTPS://" + evil, "ftp://" + evil, "ws://" + evil, "@" + evil, "/@" + evil, ":443@" + evil, "." + evil, "-" + evil,
		"https://portal.example@" + evil, "https://portal.example:x@" + evil, "https://portal.example\\@" + evil, "https://" + evil + "#portal.example", "https://" + evil + "\\.portal.example",
		"https://portal.example%00." + evil, "https://portal.example%2f@" + evil, "https://portal.example\r\n@" + evil, "https://portal.example " + evil, "http://portal.example." + evil, "http://localhost." + evil,
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "javascript://portal.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "blob:https://portal.example/x",
		"/account\r\nLocation: https://" + evil, "/account\r\n\r\n<script>", "/account%0d%0aLocation:%20https://" + evil, "/account\u2028", "/\u2215" + evil, "/\uff0f" + evil, "\u3002" + evil, "//\u24d4vil.example",
		"/console/v1/me", "/v1/models", "/nowhere",
	}
}

// TestNobodyIsSentElsewhere goes through the document: each parameter and each member of a body by which an address may come to which a browser is sent takes none that leads away.
// A new one fails here until the test knows how to send it.
func TestNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	b, who := setup(t).withAccounts()
	ann := b.signedIn(who, annEmail)
	address := regexp.MustCompile(`(?i)(^|_)(ur[il]|redirect|return|return_to|next|callback|continue|target|goto|dest|destination)s?$`)
	ways := map[string]func(string) (int, string){} // how an address is sent: the status, and where the answer says that the browser goes
	posted := func(path string, more map[string]any, member string) func(string) (int, string) {
		return func(to string) (int, string) {
			body := map[string]any{member: to}
			for name, value := range more {
				body[name] = value
			}
			got := b.post(path, body, ann.header)
			if got.status >= 400 {
				return got.status, ""
			}
			return got.status, string(got.body)
		}
	}
	ways["BeginOAuth return_to"] = func(to string) (int, string) {
		r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, b.url+authPath+"oauth/corp?return_to="+url.QueryEscape(to), nethttp.NoBody)
		require.NoError(t, err)
		answer, err := b.http.Transport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode, answer.Header.Get("Location")
	}
	ways["BeginSSO return_to"] = posted(authPath+"sso", map[string]any{"email": "a@nowhere.example"}, "return_to")
	ways["LinkIdentity return_to"] = posted(mePath+"/identities", map[string]any{"provider": "corp"}, "return_to")
	ways["ConfirmIdentity return_to"] = posted(mePath+"/identities/confirm", map[string]any{"provider": "corp"}, "return_to")
	ways["AuthorizeApp callback_url"] = posted(authPath+"apps/authorize", nil, "callback_url")
	noBrowser := []string{ // requests go there, no browser, or it is no address, or needs a key and is judged by the same code as AuthorizeApp's
		"CreateAppCode callback_url", "CreateWebhook url", "UpdateWebhook url", "PublishVendor base_url", "RegisterApp url", "UpdateApp url", "ExportAuditEntries target", "ListAuditEntries target",
	}
	var found []string
	for _, item := range loadDocument(t, openapi.Document()).Paths.Map() {
		for _, op := range item.Operations() {
			var names []string
			for _, p := range op.Parameters {
				names = append(names, p.Value.Name)
			}
			if op.RequestBody != nil {
				for _, content := range op.RequestBody.Value.Content {
					for name := range content.Schema.Value.Properties {
						names = append(names, name)
					}
				}
			}
			for _, name := range names {
				if one := op.OperationID + " " + name; address.MatchString(name) && !slices.Contains(noBrowser, one) {
					found = append(found, one)
				}
			}
		}
	}
	slices.Sort(found)
	for _, one := range found {
		send := ways[one]
		require.NotNil(t, send, one)
		unknown := one == "BeginSSO return_to" // nobody has proved the mailbox's domain: that is said first
		good := "/account"
		if strings.HasSuffix(one, "callback_url") {
			good = "https://app.example/back"
		}
		if status, _ := send(good); !unknown {
			require.Less(t, status, 400, "%s: what is refused below is refused for where it leads", one)
		}
		for _, to := range elsewhere() {
			if one == "AuthorizeApp callback_url" && to == "HTTPS://evil.example" { // the app of whoever agrees may be anywhere
				continue
			}
			status, sent := send(to)
			require.True(t, status == 400 || unknown && status == 404, "%s %q: %d", one, to, status)
			require.Empty(t, sent, "%s %q", one, to)
		}
	}
	require.Len(t, found, len(ways))
}

// TestWaysBackGoNowhereElse: neither what a service sends back nor what a proxy says moves a browser to another host than the front end's.
func TestWaysBackGoNowhereElse(t *testing.T) {
	t.Parallel()
	b, _ := setup(t).withAccounts()
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: "new@portal.example", Verified: true})
	for _, to := range elsewhere() {
		begun, kept := b.redirected("GET", authPath+"oauth/corp", "", "", 302)
		require.True(t, strings.HasPrefix(begun, b.issuer.URL+"/"), begun)
		evil := url.QueryEscape(to)
		for _, name := range []string{"next", "return_to", "redirect_uri", "error", "error_description", "error_uri", "iss", "code", "state", "link"} {
			sent, _ := b.redirected("GET", authPath+"oauth/corp/callback?"+name+"="+evil, kept, "", 302)
			require.True(t, strings.HasPrefix(sent, portal+"/auth/sign-in?error="), "%s=%q: %s", name, to, sent)
			require.NotContains(t, sent, "evil")
		}
		sent, _ := b.redirected("POST", authPath+"oauth/corp/callback", "", "return_to="+evil+"&next="+evil+"&state="+evil, 303)
		u, err := url.Parse(sent)
		require.NoError(t, err)
		require.Empty(t, u.Host)
		require.Equal(t, authPath+"oauth/corp/callback", u.Path)
		require.Equal(t, []string{"state"}, slices.Collect(func(yield func(string) bool) {
			for name := range u.Query() {
				if !yield(name) {
					return
				}
			}
		}))
	}
	for _, provider := range []string{"%2f%2fevil.example", "%5cevil.example", "..%2f..%2f..%2f%2fevil.example", "evil.example%0d%0aLocation:%20x"} {
		sent, _ := b.redirected("POST", authPath+"oauth/"+provider+"/callback", "", "state=x", 303)
		require.True(t, strings.HasPrefix(sent, authPath+"oauth/"), sent)
		require.NotContains(t, sent, "\n")
	}
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL", "X-Rewrite-URL"} {
		r, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodGet, b.url+authPath+"oauth/corp/callback?state=x", nethttp.NoBody)
		require.NoError(t, err)
		if r.Header.Set(name, "evil.example"); name == "Host" {
			r.Host = "evil.example"
		}
		answer, err := b.http.Transport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, portal+"/auth/sign-in?error=sign_in_over", answer.Header.Get("Location"), name)
	}
}
