package oauth_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/oauth"
)

// written are configs as they come out of an operator's file.
func written(t *testing.T, configs []oauth.Config) []oauth.Config {
	t.Helper()
	text, err := json.Marshal(configs) //nolint:gosec // secrets of the test
	require.NoError(t, err)
	var members []map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	for _, m := range members {
		for name, value := range m {
			if value == "" {
				delete(m, name)
			}
		}
	}
	text, err = json.Marshal(members)
	require.NoError(t, err)
	read, err := oauth.ParseConfigs(text)
	require.NoError(t, err)
	return read
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	none, err := oauth.ParseConfigs([]byte(" \n"))
	require.NoError(t, err)
	require.Empty(t, none)
	all, err := oauth.ParseConfigs([]byte(`[
		{"kind": "google", "client_id": "g", "client_secret": "s"},
		{"kind": "github", "client_id": "h", "client_secret": "s"},
		{"id": "enterprise", "kind": "github", "name": "Our GitHub", "client_id": "h", "client_secret": "s", "authorize_url": "https://git.example/login/oauth/authorize", "token_url": "https://git.example/login/oauth/access_token", "api_url": "https://git.example/api/v3"},
		{"kind": "wechat", "client_id": "w", "client_secret": "s"},
		{"id": "corp", "kind": "oidc", "client_id": "public", "issuer": "https://login.example/realms/a"},
		{"id": "trusted", "kind": "oidc", "client_id": "public", "issuer": "https://login.example", "verified_email": true}
	]`))
	require.NoError(t, err)
	type row struct {
		id, name, at string
		trust        oauth.Trust
	}
	var got []row
	for _, c := range all {
		got = append(got, row{c.ID, c.Name, c.Issuer + c.TokenURL, c.TrustEmail})
	}
	require.Equal(t, []row{
		{"google", "Google", "https://accounts.google.com", oauth.TrustSaid},
		{"github", "GitHub", "https://github.com/login/oauth/access_token", oauth.TrustNot},
		{"enterprise", "Our GitHub", "https://git.example/login/oauth/access_token", oauth.TrustNot},
		{"wechat", "微信", "https://api.weixin.qq.com/sns/oauth2/access_token", oauth.TrustNot},
		{"corp", "corp", "https://login.example/realms/a", oauth.TrustNot},
		{"trusted", "trusted", "https://login.example", oauth.TrustSaid},
	}, got)
}

// TestConfigsThatAreNone: what is wrong is named, and no value is repeated: it may be a secret in the wrong place.
func TestConfigsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, says string }{
		"no list":        {`{"kind": "google-topsecret"}`, "no JSON list"},
		"cut":            {`[{"client_secret": "topsecret"`, "no JSON list"},
		"two":            {`[] ["topsecret"]`, "no JSON list"},
		"member":         {`[{"kind": "google", "clientSecret": "topsecret"}]`, "no JSON list"},
		"kind":           {`[{"id": "a", "kind": "topsecret", "client_id": "a", "client_secret": "b"}]`, "kind is one of"},
		"no kind":        {`[{"client_id": "topsecret"}]`, "id has 1 to 31"},
		"id":             {`[{"id": "A/topsecret", "kind": "google", "client_id": "a", "client_secret": "b"}]`, "id has 1 to 31"},
		"sso":            {`[{"id": "sso-topsecret", "kind": "google", "client_id": "a", "client_secret": "b"}]`, "id has 1 to 31"},
		"no client":      {`[{"kind": "google", "client_secret": "topsecret"}]`, "no client_id"},
		"no secret":      {`[{"kind": "wechat", "client_id": "topsecret"}]`, "no client_secret"},
		"twice":          {`[{"kind": "google", "client_id": "topsecret", "client_secret": "b"}, {"kind": "google", "client_id": "a", "client_secret": "b"}]`, "number 2: its id is there twice"},
		"issuer":         {`[{"kind": "google", "client_id": "topsecret", "client_secret": "b", "issuer": "https://login.example"}]`, "issuer is of the kind oidc"},
		"no issuer":      {`[{"id": "a", "kind": "oidc", "client_id": "topsecret"}]`, "no issuer"},
		"address":        {`[{"id": "a", "kind": "oidc", "client_id": "topsecret", "token_url": "https://a.example"}]`, "token_url and api_url are of"},
		"scheme":         {`[{"id": "a", "kind": "oidc", "client_id": "a", "issuer": "ftp://topsecret.example"}]`, "addresses are of https"},
		"user":           {`[{"id": "a", "kind": "oidc", "client_id": "a", "issuer": "https://topsecret@login.example"}]`, "addresses are of https"},
		"query":          {`[{"id": "a", "kind": "oidc", "client_id": "a", "issuer": "https://login.example?topsecret"}]`, "addresses are of https"},
		"invisible name": {`[{"kind": "google", "client_id": "a", "client_secret": "topsecret", "name": "Goo\u200bgle"}]`, "name has at most"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := oauth.ParseConfigs([]byte(row.text))
			require.ErrorContains(t, err, row.says)
			require.NotContains(t, err.Error(), "topsecret")
		})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "/", "/": "/", "/account": "/account", "/account/keys": "/account/keys", "/models/acme/large": "/models/acme/large",
		"/auth?callback_url=https%3A%2F%2Fapp.example%2Fback&code_challenge=x": "/auth?callback_url=https%3A%2F%2Fapp.example%2Fback&code_challenge=x",
	} {
		got, err := oauth.Target(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example", "javascript:alert(1)", "evil.example",
		"/account//evil.example", "/account/../../evil", "/account/..", "/account/%2e%2e/x", "/account/%2F%2Fevil.example", "/%2Fevil.example", "/accounts", "/nowhere",
		"/console/v1/me", "/api/v1/keys", "/v1/models", "/account#x", "/account\r\nSet-Cookie: a=b", "/account\x00", "/account\tx", "/account é", " /account", "/account?a=\\", "@evil.example",
		"/account?" + string(make([]byte, 3000)),
	} {
		_, err := oauth.Target(text)
		require.Error(t, err, "%q", text)
	}
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/account", "//evil.example", "/account?x=//evil", "/auth/../..//evil"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := oauth.Target(text)
		if err != nil {
			return
		}
		require.Regexp(t, `^/([a-z][!-~]*)?$`, got)
		again, err := oauth.Target(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
