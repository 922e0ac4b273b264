package sso_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// TestDomainsAreProved by a record that only their owner can write, by one organisation.
func TestDomainsAreProved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.organisation(b.member("ann@one.example")), b.organisation(b.member("bob@two.example"))
	ctx := t.Context()
	b.requireCode(domain.CodeNotFound, b.Verify(ctx, one, "company.example"))
	require.NoError(t, b.Add(ctx, one, "Company.Example"))
	require.NoError(t, b.Add(ctx, one, "company.example"))
	require.NoError(t, b.Add(ctx, two, "company.example"))
	mine, err := b.Get(ctx, one)
	require.NoError(t, err)
	require.Len(t, mine.Domains, 1)
	d := mine.Domains[0]
	require.Equal(t, "_massrouter-challenge.company.example", d.Record)
	theirs, err := b.Get(ctx, two)
	require.NoError(t, err)
	require.NotEqual(t, d.Value, theirs.Domains[0].Value)

	b.requireCode(sso.CodeUnproved, b.Verify(ctx, one, "company.example"))
	b.dns.set(d.Record+".", theirs.Domains[0].Value, d.Value+"x", strings.ToLower(d.Value))
	b.requireCode(sso.CodeUnproved, b.Verify(ctx, one, "company.example"))
	b.dns.set("company.example.", d.Value)
	b.requireCode(sso.CodeUnproved, b.Verify(ctx, one, "company.example"))
	b.dns.breaks(true)
	b.requireCode(domain.CodeUnavailable, b.Verify(ctx, one, "company.example"))
	b.dns.breaks(false)
	b.dns.set(d.Record+".", "v=spf1 -all", d.Value, theirs.Domains[0].Value)
	require.NoError(t, b.Verify(ctx, one, "company.example"))
	require.NoError(t, b.Verify(ctx, one, "company.example"))
	b.requireCode(domain.CodeConflict, b.Verify(ctx, two, "company.example"))
	mine, err = b.Get(ctx, one)
	require.NoError(t, err)
	require.Equal(t, b.now(), mine.Domains[0].VerifiedAt)
	require.NoError(t, b.Drop(ctx, one, "company.example"))
	b.requireCode(domain.CodeNotFound, b.Drop(ctx, one, "company.example"))
	require.NoError(t, b.Verify(ctx, two, "company.example"), "who gives a domain up leaves it to others")

	for _, name := range []string{"", "example", "a@b.example", "exa mple.com", "1.2.3.4", "company.example\r\n", "*.example.com", strings.Repeat("x", 300) + ".example"} {
		b.requireCode(domain.CodeInvalid, b.Add(ctx, one, name))
	}
	for n := range 20 {
		require.NoError(t, b.Add(ctx, one, strings.Repeat("x", n+1)+".example"))
	}
	b.requireCode(domain.CodeConflict, b.Add(ctx, one, "more.example"))
	b.requireCode(domain.CodeNotFound, b.Add(ctx, uuid.New(), "company.example"))
	personal, err := b.tenants.Personal(ctx, b.member("eve@eve.example"))
	require.NoError(t, err)
	b.requireCode(domain.CodeConflict, b.Add(ctx, personal.ID, "eve.example"))
}

// TestPeopleOfACompany come in by its issuer: new ones are made and join, members are linked, others sign in first.
func TestPeopleOfACompany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	provider, err := b.ByEmail(ctx, "New@Company.example")
	require.NoError(t, err)
	require.Equal(t, c.provider, provider)
	_, err = b.ByEmail(ctx, "x@elsewhere.example")
	b.requireCode(domain.CodeNotFound, err)

	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example", Name: "New"}) // the issuer says nothing of whether it is proved
	require.NoError(t, err)
	user := o.Result.Session.User
	require.Equal(t, "developer", b.role(c.id, user))
	again, err := b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	require.NoError(t, err)
	require.Equal(t, user, again.Result.Session.User)
	require.NoError(t, b.tenants.Remove(ctx, c.id, c.owner, user))
	_, err = b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	b.requireCode(domain.CodeForbidden, err)
	require.Empty(t, b.role(c.id, user), "who was taken out does not come back by signing in")

	o, err = b.enter(c, oauthsim.IssuerUser{Subject: "boss", Email: "boss@company.example"})
	require.NoError(t, err)
	require.Equal(t, c.owner, o.Result.Session.User, "a member is linked")
	require.Equal(t, "owner", b.role(c.id, c.owner))
	stranger := b.member("old@company.example")
	o, err = b.enter(c, oauthsim.IssuerUser{Subject: "old", Email: "old@company.example"})
	require.NoError(t, err)
	require.Nil(t, o.Result.Session)
	require.NoError(t, b.services.Claim(ctx, stranger, o.Pending))
	require.Equal(t, "developer", b.role(c.id, stranger))

	for name, who := range map[string]oauthsim.IssuerUser{
		"elsewhere":  {Subject: "x", Email: "x@elsewhere.example", Verified: true},
		"below":      {Subject: "x", Email: "x@sub.company.example", Verified: true},
		"no mailbox": {Subject: "x"},
		"known":      {Subject: "boss", Email: "boss@elsewhere.example"},
	} {
		_, err := b.enter(c, who)
		require.Equal(t, domain.CodeForbidden, domain.CodeOf(err), "%s: %v", name, err)
	}
	o, err = b.enter(c, oauthsim.IssuerUser{Subject: "unproved", Email: "unproved@company.example", Verified: false})
	require.NoError(t, err)
	require.NotEmpty(t, o.Pending, "the issuer itself says that it is not proved")
}

// TestEnforced: members with a mailbox of the company come in by its issuer only; owners keep every way, and others are not concerned.
func TestEnforced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	ann, bob := b.member("ann@company.example"), b.member("bob@elsewhere.example")
	b.member("eve@company.example") // is no member
	for _, id := range []uuid.UUID{ann, bob} {
		_, err := b.pool.Exec(ctx, `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, 'developer', now())`, c.id, id)
		require.NoError(t, err)
	}
	require.NoError(t, b.password("ann@company.example"))
	require.NoError(t, b.Set(ctx, c.id, settings(c.Issuer, true)))
	require.Equal(t, c.provider, b.provider(c.id), "it is the same connection")
	b.requireCode(sso.CodeRequired, b.password("ann@company.example"))
	b.requireCode(sso.CodeRequired, b.Allow(ctx, ann, "google"))
	require.NoError(t, b.Allow(ctx, ann, c.provider))
	for _, email := range []string{"boss@company.example", "bob@elsewhere.example", "eve@company.example"} {
		require.NoError(t, b.password(email), email)
	}
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "ann", Email: "ann@company.example"})
	require.NoError(t, err)
	require.Equal(t, ann, o.Result.Session.User)
	require.Equal(t, []string{string(signin.External)}, o.Result.Session.Factors)
	require.NoError(t, b.Drop(ctx, c.id, "company.example"))
	require.NoError(t, b.password("ann@company.example"), "who gives the domain up gives its people up")
}

// TestAnotherIssuerIsAnotherConnection: whoever is called the same there is not the same.
func TestAnotherIssuerIsAnotherConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "1", Email: "ann@company.example"})
	require.NoError(t, err)
	ann := o.Result.Session.User
	other := oauthsim.NewIssuer(t, oauthsim.App{ID: "company", Secret: "the company's secret"}, b.now)
	b.step(time.Second)
	require.NoError(t, b.Set(ctx, c.id, settings(other, false)))
	require.NotEqual(t, c.provider, b.provider(c.id))
	_, err = b.Provider(ctx, c.provider)
	b.requireCode(domain.CodeNotFound, err)
	all, err := b.services.Identities(ctx, ann)
	require.NoError(t, err)
	require.Empty(t, all)
	c.Issuer, c.provider = other, b.provider(c.id)
	other.Redirect = portal + oauth.CallbackPath(c.provider)
	o, err = b.enter(c, oauthsim.IssuerUser{Subject: "1", Email: "mallory@company.example"})
	require.NoError(t, err)
	require.NotEqual(t, ann, o.Result.Session.User)

	wrong := settings(other, false)
	word := "another secret"
	wrong.ClientSecret = &word
	b.step(time.Second)
	require.NoError(t, b.Set(ctx, c.id, wrong))
	_, err = b.enter(c, oauthsim.IssuerUser{Subject: "1", Email: "mallory@company.example"})
	b.requireCode(oauth.CodeRefused, err)
	b.step(time.Second)
	require.NoError(t, b.Set(ctx, c.id, settings(other, false)))
	kept := settings(other, true)
	kept.ClientSecret = nil
	b.step(time.Second)
	require.NoError(t, b.Set(ctx, c.id, kept))
	_, err = b.enter(c, oauthsim.IssuerUser{Subject: "1", Email: "mallory@company.example"})
	require.NoError(t, err, "the secret stays when none is given")

	var sealed []byte
	require.NoError(t, b.pool.QueryRow(ctx, `SELECT client_secret FROM identity.sso_connections`).Scan(&sealed))
	require.NotContains(t, string(sealed), "company's secret")
	_, err = b.pool.Exec(ctx, `UPDATE identity.organisations SET deleted_at = now() WHERE organisation_id = $1`, c.id)
	require.NoError(t, err)
	_, err = b.Provider(ctx, c.provider)
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.ByEmail(ctx, "ann@company.example")
	b.requireCode(domain.CodeNotFound, err)
}

func TestWhatIsNoIssuer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	org := b.organisation(b.member("boss@company.example"))
	right := sso.Settings{Issuer: "https://login.example", ClientID: "c", Role: organisation.Viewer}
	for name, change := range map[string]func(*sso.Settings){
		"no issuer": func(s *sso.Settings) { s.Issuer = "" },
		"scheme":    func(s *sso.Settings) { s.Issuer = "ftp://login.example" },
		"user":      func(s *sso.Settings) { s.Issuer = "https://a@login.example" },
		"query":     func(s *sso.Settings) { s.Issuer = "https://login.example?x" },
		"fragment":  func(s *sso.Settings) { s.Issuer = "https://login.example#" },
		"no client": func(s *sso.Settings) { s.ClientID = "" },
		"client":    func(s *sso.Settings) { s.ClientID = "a b" },
		"secret":    func(s *sso.Settings) { long := strings.Repeat("x", 1025); s.ClientSecret = &long },
		"owner":     func(s *sso.Settings) { s.Role = organisation.Owner },
		"role":      func(s *sso.Settings) { s.Role = "root" },
	} {
		s := right
		change(&s)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(b.Set(ctx, org, s)), name)
	}
	b.requireCode(domain.CodeNotFound, b.Remove(ctx, org))
	require.NoError(t, b.Set(ctx, org, right))
	require.NoError(t, b.Remove(ctx, org))
	for _, id := range []string{"", "sso-", "sso-x", "sso-" + uuid.NewString(), strings.Repeat("x", 40)} {
		_, err := b.Provider(ctx, id)
		b.requireCode(domain.CodeNotFound, err)
	}
}
