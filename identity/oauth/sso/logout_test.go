package sso_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// said is a logout token's claims, changed.
func (b *bench) said(c company, change func(map[string]any)) []byte {
	b.t.Helper()
	claims := map[string]any{
		"iss": c.URL, "aud": "company", "sub": "ann", "jti": uuid.NewString(), "iat": b.now().Unix(), "exp": b.now().Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if change != nil {
		change(claims)
	}
	text, err := json.Marshal(claims)
	require.NoError(b.t, err)
	return text
}

// TestLogoutTokens end what their session, or their person, has made at this service, once; whatever is wrong with one, nothing ends.
func TestLogoutTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	b.join(c.id, b.member("ann@company.example"), "developer")
	enter := func(subject, sid string) func() bool {
		c.Lie(oauthsim.Lie{Claims: func(m map[string]any) { m["sid"] = sid }})
		o, err := b.enter(c, oauthsim.IssuerUser{Subject: subject, Email: subject + "@company.example"})
		require.NoError(t, err)
		return func() bool { return b.live(o.Result) }
	}
	one, two, other := enter("ann", "s1"), enter("ann", "s2"), enter("bob", "s3")
	own := b.in("ann@company.example")
	signed := func(change func(map[string]any)) string {
		text, err := c.Sign(b.said(c, change))
		require.NoError(t, err)
		return text
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	forged, err := oauthsim.Sign(b.said(c, nil), jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: stranger, KeyID: "one"}})
	require.NoError(t, err)
	shared, err := oauthsim.Sign(b.said(c, nil), jose.SigningKey{Algorithm: jose.HS256, Key: []byte("the company's secret, long enough for HS256")})
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	with := func(name string, value any) string { return signed(func(m map[string]any) { m[name] = value }) }
	without := func(name string) string { return signed(func(m map[string]any) { delete(m, name) }) }
	for name, wrong := range map[string]string{
		"nothing": "", "no token": "x.y.z", "no signature": encode([]byte(`{"alg":"none"}`)) + "." + encode(b.said(c, nil)) + ".", "another key": forged, "HS256": shared,
		"another issuer": with("iss", "https://evil.example"), "another audience": with("aud", "another"), "no audience": without("aud"),
		"over": with("exp", b.now().Add(-5*time.Minute).Unix()), "without an end": without("exp"), "without a beginning": without("iat"),
		"old": with("iat", b.now().Add(-time.Hour).Unix()), "of tomorrow": with("iat", b.now().Add(time.Hour).Unix()),
		"a nonce": with("nonce", "x"), "an empty nonce": with("nonce", ""), "no events": without("events"), "other events": with("events", map[string]any{"x": map[string]any{}}),
		"an event that is none": with("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": true}),
		"no jti":                without("jti"), "of nobody": without("sub"), "a long sid": with("sid", string(make([]byte, 300))),
	} {
		err := b.services.Logout(ctx, c.provider, wrong)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), "%s: %v", name, err)
	}
	require.True(t, one() && two() && other() && b.live(own))
	b.requireCode(domain.CodeNotFound, b.services.Logout(ctx, "nothing", signed(nil)))

	require.NoError(t, b.services.Logout(ctx, c.provider, signed(func(m map[string]any) { m["sid"] = "s1"; delete(m, "sub") })))
	require.False(t, one())
	require.True(t, two() && other())
	all := signed(nil)
	require.NoError(t, b.services.Logout(ctx, c.provider, all))
	require.False(t, two())
	require.True(t, other() && b.live(own), "another person, and another way in")
	b.requireCode(domain.CodeInvalid, b.services.Logout(ctx, c.provider, all))
	require.NoError(t, b.services.Logout(ctx, c.provider, with("sub", "nobody")), "nobody to be signed out")

	b.step(time.Hour)
	n, err := b.services.Prune(ctx)
	require.NoError(t, err)
	require.NotZero(t, n)
}
