package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/token"
)

const issuer = "https://massrouter.example"

type bench struct {
	now    time.Time
	key    token.Key
	seed   []byte
	issuer *token.Issuer
}

func key(t *testing.T, n byte) (token.Key, []byte) {
	t.Helper()
	seed := bytes.Repeat([]byte{n}, ed25519.SeedSize)
	k, err := token.NewKey(seed)
	require.NoError(t, err)
	return k, seed
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	b.key, b.seed = key(t, 1)
	var err error
	b.issuer, err = token.NewIssuer(issuer, func() time.Time { return b.now }, b.key)
	require.NoError(t, err)
	return b
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	claims := token.Claims{User: uuid.New(), Session: uuid.New(), Audience: token.Portal, Shown: b.now.Add(-time.Minute)}
	text, expires, err := b.issuer.Issue(claims)
	require.NoError(t, err)
	require.Equal(t, b.now.Add(token.Life), expires)
	got, err := b.issuer.Check(text, token.Portal)
	require.NoError(t, err)
	require.True(t, got.IssuedAt.Equal(b.now))
	require.True(t, got.Shown.Equal(claims.Shown))
	got.IssuedAt, got.Shown = time.Time{}, claims.Shown
	require.Equal(t, claims, got)
	silent, _, err := b.issuer.Issue(token.Claims{})
	require.NoError(t, err)
	got, err = b.issuer.Check(silent, "")
	require.NoError(t, err)
	require.True(t, got.Shown.IsZero())

	_, err = b.issuer.Check(text, token.Admin)
	require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err))
	other, err := token.NewIssuer("https://other.example", func() time.Time { return b.now }, b.key)
	require.NoError(t, err)
	_, err = other.Check(text, token.Portal)
	require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err))

	b.now = b.now.Add(token.Life + 29*time.Second)
	_, err = b.issuer.Check(text, token.Portal)
	require.NoError(t, err, "clocks may differ a little")
	b.now = b.now.Add(time.Second)
	_, err = b.issuer.Check(text, token.Portal)
	require.Equal(t, token.CodeExpired, domain.CodeOf(err))
	b.now = b.now.Add(-2 * token.Life)
	_, err = b.issuer.Check(text, token.Portal)
	require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err), "from the future")
}

// TestKeysChange: tokens of the old key stay good as long as it is among the keys.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	next, _ := key(t, 2)
	old, _, err := b.issuer.Issue(token.Claims{Audience: token.Portal})
	require.NoError(t, err)
	require.NoError(t, b.issuer.Use(next, b.key))
	fresh, _, err := b.issuer.Issue(token.Claims{Audience: token.Portal})
	require.NoError(t, err)
	for _, text := range []string{old, fresh} {
		_, err = b.issuer.Check(text, token.Portal)
		require.NoError(t, err)
	}
	set, err := b.issuer.KeySet()
	require.NoError(t, err)
	var keys jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(set, &keys))
	require.Len(t, keys.Keys, 2)
	signed, err := jose.ParseSignedCompact(fresh, []jose.SignatureAlgorithm{jose.EdDSA})
	require.NoError(t, err)
	_, err = signed.Verify(keys.Key(next.ID)[0])
	require.NoError(t, err, "others can check tokens with what is published")
	require.NotContains(t, string(set), `"d"`)

	require.NoError(t, b.issuer.Use(next))
	_, err = b.issuer.Check(old, token.Portal)
	require.Equal(t, domain.CodeUnauthenticated, domain.CodeOf(err))
	require.Error(t, b.issuer.Use())
	require.Error(t, b.issuer.Use(token.Key{ID: "public only"}))
	_, err = token.NewKey([]byte("short"))
	require.Error(t, err)
}

// TestForgeries: none, another algorithm with the public key as its secret, another key, another type, another body, a life of years.
func TestForgeries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b64 := base64.RawURLEncoding.EncodeToString
	good, _, err := b.issuer.Issue(token.Claims{User: uuid.New(), Session: uuid.New(), Audience: token.Portal})
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	sign := func(private ed25519.PrivateKey, head, body string) string {
		text := b64([]byte(head)) + "." + b64([]byte(body))
		return text + "." + b64(ed25519.Sign(private, []byte(text)))
	}
	mine := ed25519.NewKeyFromSeed(b.seed)
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	head := `{"alg":"EdDSA","kid":"` + b.key.ID + `","typ":"at+jwt"}`
	_, err = b.issuer.Check(sign(mine, head, string(payload)), token.Portal)
	require.NoError(t, err, "what the rows below change is what makes them wrong")
	hs := b64([]byte(`{"alg":"HS256","kid":"`+b.key.ID+`","typ":"at+jwt"}`)) + "." + parts[1]
	mac := hmac.New(sha256.New, b.key.Public)
	_, _ = mac.Write([]byte(hs))
	change := func(from, to string) string {
		changed := strings.Replace(string(payload), from, to, 1)
		require.NotEqual(t, string(payload), changed)
		return changed
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"no token":           "x",
		"two parts":          parts[0] + "." + parts[1],
		"none":               b64([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"none with a key":    b64([]byte(`{"alg":"none","kid":"`+b.key.ID+`","typ":"at+jwt"}`)) + "." + parts[1] + "." + parts[2],
		"public key as HMAC": hs + "." + b64(mac.Sum(nil)),
		"another key":        sign(stranger, head, string(payload)),
		"unknown key":        sign(mine, `{"alg":"EdDSA","kid":"x","typ":"at+jwt"}`, string(payload)),
		"no key named":       sign(mine, `{"alg":"EdDSA","typ":"at+jwt"}`, string(payload)),
		"key of its own":     sign(stranger, `{"alg":"EdDSA","typ":"at+jwt","kid":"`+b.key.ID+`","jwk":{"kty":"OKP","crv":"Ed25519","x":"`+b64(stranger.Public().(ed25519.PublicKey))+`"}}`, string(payload)),
		"another type":       sign(mine, `{"alg":"EdDSA","kid":"`+b.key.ID+`","typ":"JWT"}`, string(payload)),
		"no type":            sign(mine, `{"alg":"EdDSA","kid":"`+b.key.ID+`"}`, string(payload)),
		"changed":            parts[0] + "." + b64([]byte(change(`"aud":"portal"`, `"aud":"admin"`))) + "." + parts[2],
		"issuer":             sign(mine, head, change(issuer, issuer+"x")),
		"no user":            sign(mine, head, change(`"sub":"`, `"sub":"x`)),
		"no session":         sign(mine, head, change(`"sid":"`, `"sid":"x`)),
		"years":              sign(mine, head, change(`"exp":`, `"exp":9`)),
		"no end":             sign(mine, head, change(`"exp":`, `"ex":`)),
		"list of audiences":  sign(mine, head, change(`"aud":"portal"`, `"aud":["portal"]`)),
		"no JSON":            sign(mine, head, "x"),
		"huge":               good + strings.Repeat("x", 5000),
		"with JSON around":   `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		_, err := b.issuer.Check(text, token.Portal)
		require.Error(t, err, name)
		code := domain.CodeOf(err)
		require.True(t, code == domain.CodeUnauthenticated || name == "no end" && code == token.CodeExpired, "%s: %v", name, err)
	}
}

func BenchmarkCheck(b *testing.B) {
	k, err := token.NewKey(make([]byte, ed25519.SeedSize))
	require.NoError(b, err)
	i, err := token.NewIssuer(issuer, time.Now, k)
	require.NoError(b, err)
	text, _, err := i.Issue(token.Claims{Audience: token.Portal})
	require.NoError(b, err)
	for b.Loop() {
		_, err := i.Check(text, token.Portal)
		require.NoError(b, err)
	}
}
