package account_test

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

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func b64(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// minter signs with the service's own key whatever it is told to.
type minter struct {
	t    *testing.T
	key  ed25519.PrivateKey
	id   string
	body map[string]any // of a token that is good
}

func (b *bundle) minter(access string) *minter {
	b.t.Helper()
	m := &minter{t: b.t, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)), id: b.keys[0].ID}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(payload, &m.body))
	return m
}

// make is a token whose head and body differ from a good one's; nil leaves a member out.
func (m *minter) make(head, body map[string]any) string {
	m.t.Helper()
	h := map[string]any{"alg": "EdDSA", "kid": m.id, "typ": "at+jwt"}
	p := map[string]any{}
	for name, value := range m.body {
		p[name] = value
	}
	part := func(of, with map[string]any) string {
		for name, value := range with {
			if of[name] = value; value == nil {
				delete(of, name)
			}
		}
		raw, err := json.Marshal(of)
		require.NoError(m.t, err)
		return b64(raw)
	}
	text := part(h, head) + "." + part(p, body)
	return text + "." + b64(ed25519.Sign(m.key, []byte(text)))
}

// TestTokensThatOnlyTheKeyIsRightOf are signed with the service's own key, for a session that lives, and say something that no token of it says.
func TestTokensThatOnlyTheKeyIsRightOf(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	access, _ := b.tokens("portal")
	m := b.minter(access)
	b.program(m.make(nil, nil)).get(mePath).is(200) // what the rows below change is what makes them wrong
	now := b.now().Unix()
	type members = map[string]any
	head := func(name string, value any) string { return m.make(members{name: value}, nil) }
	body := func(name string, value any) string { return m.make(nil, members{name: value}) }
	part := strings.Split(access, ".")
	hs := b64([]byte(`{"alg":"HS256","kid":"`+m.id+`","typ":"at+jwt"}`)) + "." + part[1]
	mac := hmac.New(sha256.New, b.keys[0].Public)
	_, _ = mac.Write([]byte(hs))
	signature := `{"protected":"` + part[0] + `","signature":"` + part[2] + `"}`
	for name, wrong := range map[string]string{
		"the public key as a secret": hs + "." + b64(mac.Sum(nil)),
		"none in capitals":           m.make(members{"alg": "nOnE"}, nil),
		"a key that is unknown":      head("kid", "unknown"),
		"a key that is a path":       head("kid", "../../../../dev/null"),
		"a key that is an address":   head("kid", "https://evil.example/key.json"),
		"a key that is a statement":  head("kid", "x' UNION SELECT 'x"),
		"a key that is no text":      head("kid", []string{m.id}),
		"a head that must be known":  m.make(members{"crit": []string{"evil"}, "evil": true}, nil),
		"a body that is not encoded": m.make(members{"crit": []string{"b64"}, "b64": false}, nil),
		"another type":               head("typ", "JWT"),
		"a logout token":             head("typ", "logout+jwt"),
		"another issuer":             body("iss", "https://evil.example"),
		"an issuer with more":        body("iss", site+"/"),
		"another audience":           body("aud", "root"),
		"both audiences":             body("aud", []string{"portal", "admin"}),
		"no audience":                body("aud", nil),
		"the admin's audience":       body("aud", "admin"),
		"another user":               body("sub", uuid.NewString()),
		"another session":            body("sid", uuid.NewString()),
		"no session":                 body("sid", nil),
		"not yet":                    m.make(nil, members{"iat": now + 3600, "exp": now + 4200}),
		"for ever":                   body("exp", int64(1)<<53),
		"an end that is a text":      body("exp", "never"),
		"two signatures":             `{"payload":"` + part[1] + `","signatures":[` + signature + `,` + signature + `]}`,
		"two tokens":                 access + "." + access,
		"a signature twice":          access + part[2],
	} {
		got := b.program(wrong).get(mePath)
		require.Equal(t, 401, got.status, "%s: %s", name, got.body)
		a := b.browser()
		a.headers.Set("Cookie", "__Host-mr_at="+strings.NewReplacer(`"`, "", ",", "").Replace(wrong))
		require.Equal(t, 401, a.get(mePath).status, name)
	}
	over := m.make(nil, members{"iat": now - 3600, "exp": now - 3000})
	require.Equal(t, "token_expired", b.program(over).get(mePath).refused(401, domain.CodeUnauthenticated).text("details", "reason"))
	b.program(access).get(mePath).is(200)
}

// TestEachCookieIsWhatItIs: what one cookie of a browser has says nothing in another one's place, of this front end or of the other.
func TestEachCookieIsWhatItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	a := b.in(email, secret)
	asked := a.post(mePath+"/step-up", map[string]any{}).is(200)
	require.NotEmpty(t, asked.raw("challenge"))
	values := map[string]string{"at": a.held("__Host-mr_at"), "rt": a.held("__Host-mr_rt"), "ch": a.held("__Host-mr_ch")}
	for of, value := range values {
		require.NotEmpty(t, value, of)
		for _, front := range []string{"__Host-mr_", "__Host-mra_", "mr_", "mra_", "__Secure-mr_"} {
			for _, as := range []string{"at", "rt", "ch", "oa", "op"} {
				if as == of && (front == "__Host-mr_" || front == "__Host-mra_" && of == "ch") { // a challenge knows itself which front end it leads into
					continue
				}
				thief := b.program("").with("Cookie", front+as+"="+value).with("Origin", site).with("Sec-Fetch-Site", "same-origin")
				require.Equal(t, 401, thief.get(mePath).status, "%s as %s%s", of, front, as)
				require.Equal(t, 401, thief.post(authPath+"refresh", map[string]any{}).status, "%s as %s%s", of, front, as)
				require.Equal(t, 409, thief.get(authPath+"challenge").status, "%s as %s%s", of, front, as)
			}
		}
	}
	a.get(mePath).is(200)
	a.post(authPath+"refresh", map[string]any{}).is(200)
}

// TestAStolenCookie: the refresh token of a browser is stolen and shown by the thief, or by the robbed, after the other one has used it and half a minute has gone.
func TestAStolenCookie(t *testing.T) {
	t.Parallel()
	for name, thiefFirst := range map[string]bool{"the thief is first": true, "the robbed is first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.join(email)
			first, second := b.in(email, secret), b.browser()
			second.put("__Host-mr_rt", first.held("__Host-mr_rt"))
			if thiefFirst {
				first, second = second, first
			}
			other := b.in(email, secret)
			first.post(authPath+"refresh", map[string]any{}).is(200)
			b.step(30 * time.Second)
			second.post(authPath+"refresh", map[string]any{}).refused(401, domain.CodeUnauthenticated)
			require.Empty(t, second.held("__Host-mr_rt"))
			first.refusedSoon()
			first.post(authPath+"refresh", map[string]any{}).refused(401, domain.CodeUnauthenticated)
			require.Empty(t, first.held("__Host-mr_at"))
			other.get(mePath).is(200)
			b.mailed(email, "session")
		})
	}
}

// TestCookiesThatWaitedForSomebody is session fixation, cookie by cookie: what an attacker has put into a browser is gone once somebody has signed in there, and what is asked
// of a victim for the attacker's session makes that session no fresher than the attacker could.
func TestCookiesThatWaitedForSomebody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.join(email)
	b.join("eve@example.com")
	eve := b.in("eve@example.com", secret)
	eve.post(mePath+"/step-up", map[string]any{}).is(200)
	planted := []string{"__Host-mr_at", "__Host-mr_rt", "__Host-mr_ch"}

	victim := b.browser()
	for _, name := range planted {
		victim.put(name, eve.held(name))
	}
	got := victim.post(authPath+"sign-in", words(email, secret)).is(200)
	for _, name := range planted {
		require.NotEqual(t, eve.held(name), victim.held(name), name)
	}
	require.Equal(t, email, victim.get(mePath).is(200).text("email"))
	victim.get(authPath+"challenge").refused(409, "challenge_over")
	ids := map[string]bool{got.text("session", "session_id"): true}
	for range 2 {
		before := victim.held("__Host-mr_rt")
		again := victim.post(authPath+"sign-in", words(email, secret)).is(200)
		require.False(t, ids[again.text("session", "session_id")], "each sign-in makes a session")
		ids[again.text("session", "session_id")] = true
		require.NotEqual(t, before, victim.held("__Host-mr_rt"))
	}

	// Eve's question in Ann's browser: Ann's password does not answer it, and so makes neither session fresh.
	b.step(6 * time.Minute)
	danger := map[string]any{"email": "somebody@new.example"}
	eve.post(mePath+"/step-up", map[string]any{}).is(200)
	victim.put("__Host-mr_ch", eve.held("__Host-mr_ch"))
	victim.post(authPath+"challenge", map[string]any{"method": "pwd", "code": secret + "x"}).refused(422, "password_wrong")
	victim.post(mePath+"/email", danger).refused(403, "step_up_required")
	eve.post(mePath+"/email", danger).refused(403, "step_up_required")

	// Ann's own question, answered in her own browser, makes her session fresh and no other one, of hers or of Eve's.
	elsewhere := b.in(email, secret)
	b.step(6 * time.Minute)
	for _, a := range []*agent{victim, eve, elsewhere} {
		a.post(authPath+"refresh", map[string]any{}).is(200)
	}
	victim.post(mePath+"/step-up", map[string]any{}).is(200)
	victim.post(authPath+"challenge", map[string]any{"method": "pwd", "code": secret}).is(200)
	require.Empty(t, victim.held("__Host-mr_ch"))
	elsewhere.post(mePath+"/email", danger).refused(403, "step_up_required")
	eve.post(mePath+"/email", danger).refused(403, "step_up_required")
	victim.post(mePath+"/email", danger).is(202)
}
