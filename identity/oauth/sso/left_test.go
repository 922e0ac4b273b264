package sso_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// invite has the owner invite a mailbox, and its account accept.
func (b *bench) invite(c company, user uuid.UUID, email address.Email) {
	b.t.Helper()
	i, err := b.tenants.Invite(b.t.Context(), uuid.New(), c.id, c.owner, email, organisation.Viewer, func(pgx.Tx, organisation.Invitation) error { return nil })
	require.NoError(b.t, err)
	_, err = b.tenants.Accept(b.t.Context(), user, email, i.ID)
	require.NoError(b.t, err)
}

// link has somebody who is signed in go to the company's issuer and link what it shows.
func (b *bench) link(c company, user uuid.UUID, email string, who oauthsim.IssuerUser) error {
	b.t.Helper()
	in := b.in(email)
	c.SignIn(who)
	to, browser, err := b.services.Begin(b.t.Context(), oauth.Start{Provider: c.provider, Purpose: oauth.Link, Audience: token.Portal, User: user, Session: in.Session.ID})
	require.NoError(b.t, err)
	q := oauthsim.Visit(b.t, to).Query()
	_, err = b.services.Finish(b.t.Context(), c.provider, oauth.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")}, browser, laptop)
	return err
}

// TestAFormerEmployersIssuer signs nobody in who has left: not to the account that he had before, and not to a new one; what it had made ends. Who is invited again links again.
func TestAFormerEmployersIssuer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	bob := b.member("bob@gmail.example") // his own account, years old
	b.invite(c, bob, "bob@gmail.example")
	work := oauthsim.IssuerUser{Subject: "bob", Email: "bob@company.example"}
	require.NoError(t, b.link(c, bob, "bob@gmail.example", work))
	o, err := b.enter(c, work)
	require.NoError(t, err)
	require.Equal(t, bob, o.Result.Session.User)
	own := b.in("bob@gmail.example")

	require.NoError(t, b.tenants.Remove(ctx, c.id, c.owner, bob))
	require.False(t, b.live(o.Result), "what the issuer has made")
	require.True(t, b.live(own), "what is his own")
	all, err := b.services.Identities(ctx, bob)
	require.NoError(t, err)
	require.Empty(t, all)
	for _, email := range []string{"bob@company.example", "another@company.example"} {
		_, err = b.enter(c, oauthsim.IssuerUser{Subject: "bob", Email: email})
		require.Equal(t, domain.CodeForbidden, domain.CodeOf(err), "%s: %v", email, err)
	}
	b.requireCode(domain.CodeForbidden, b.link(c, bob, "bob@gmail.example", work))
	b.requireCode(domain.CodeForbidden, b.link(c, bob, "bob@gmail.example", oauthsim.IssuerUser{Subject: "bob2", Email: "bob@company.example"}))
	require.Empty(t, b.role(c.id, bob))
	var made bool
	require.NoError(t, b.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.users WHERE email IN ('bob@company.example', 'another@company.example'))`).Scan(&made))
	require.False(t, made)

	b.invite(c, bob, "bob@gmail.example")
	require.NoError(t, b.link(c, bob, "bob@gmail.example", work))
	o, err = b.enter(c, work)
	require.NoError(t, err)
	require.Equal(t, bob, o.Result.Session.User)
	require.Equal(t, "viewer", b.role(c.id, bob))
}

// TestWhoWasTakenOutBeforeTheIssuerShowedHim does not come back by it either.
func TestWhoWasTakenOutBeforeTheIssuerShowedHim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.company(b.member("boss@company.example"), "company.example")
	ann := b.member("ann@company.example")
	b.invite(c, ann, "ann@company.example")
	require.NoError(t, b.tenants.Remove(t.Context(), c.id, c.owner, ann))
	_, err := b.enter(c, oauthsim.IssuerUser{Subject: "ann", Email: "ann@company.example"})
	b.requireCode(domain.CodeForbidden, err)
	b.invite(c, ann, "ann@company.example")
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "ann", Email: "ann@company.example"})
	require.NoError(t, err)
	require.Equal(t, ann, o.Result.Session.User)
}

// TestTakenOutOnTheWayIn: the issuer has shown him, and the second factor is still to come.
func TestTakenOutOnTheWayIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	require.NoError(t, err)
	user := o.Result.Session.User
	_, err = b.pool.Exec(ctx, `INSERT INTO identity.totp (user_id, secret, created_at, confirmed_at) VALUES ($1, 'sealed', now(), now())`, user)
	require.NoError(t, err)
	o, err = b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	require.NoError(t, err)
	require.NotNil(t, o.Result.Challenge)
	open := func() (n int) {
		require.NoError(t, b.pool.QueryRow(ctx, `SELECT count(*) FROM identity.challenges WHERE user_id = $1 AND ended_at IS NULL`, user).Scan(&n))
		return n
	}
	require.Equal(t, 1, open())
	require.NoError(t, b.Allow(ctx, user, c.provider))
	require.NoError(t, b.tenants.Remove(ctx, c.id, c.owner, user))
	b.requireCode(domain.CodeForbidden, b.Allow(ctx, user, c.provider))
	require.NoError(t, b.Allow(ctx, user, ""))
	require.Zero(t, open())
}

// TestTakenOutWhileSigningIn: whichever comes first, no session that the issuer has made is left.
func TestTakenOutWhileSigningIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.company(b.member("boss@company.example"), "company.example")
	for round := range 12 {
		who := oauthsim.IssuerUser{Subject: fmt.Sprint("dev", round), Email: fmt.Sprintf("dev%d@company.example", round)}
		o, err := b.enter(c, who)
		require.NoError(t, err)
		user := o.Result.Session.User
		c.SignIn(who)
		to, browser, err := b.services.Begin(t.Context(), oauth.Start{Provider: c.provider, Purpose: oauth.SignIn, Audience: token.Portal})
		require.NoError(t, err)
		q := oauthsim.Visit(t, to).Query()
		var came, removed error
		var both sync.WaitGroup
		both.Go(func() {
			_, came = b.services.Finish(context.Background(), c.provider, oauth.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")}, browser, laptop)
		})
		both.Go(func() { removed = b.tenants.Remove(context.Background(), c.id, c.owner, user) })
		both.Wait()
		require.NoError(t, removed)
		if came != nil {
			b.requireCode(domain.CodeForbidden, came)
		}
		var left int
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.sessions WHERE user_id = $1 AND revoked_at IS NULL`, user).Scan(&left))
		require.Zero(t, left)
	}
}

// TestNobodyLeavesTheDomainWhileItInsists: with a mailbox elsewhere the password would be enough again.
func TestNobodyLeavesTheDomainWhileItInsists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	ann := b.member("ann@company.example")
	b.join(c.id, ann, "admin")
	require.NoError(t, b.accounts.ChangeEmail(ctx, ann, "ann@gmail.example"))
	before, err := b.accounts.MakeLink(ctx, ann, "ann@gmail.example", account.Change)
	require.NoError(t, err)
	require.NoError(t, b.Set(ctx, c.id, settings(c.Issuer, true)))
	b.requireCode(domain.CodeForbidden, b.accounts.ChangeEmail(ctx, ann, "ann@gmail.example"))
	_, err = b.accounts.ConfirmEmail(ctx, ann, before)
	b.requireCode(domain.CodeForbidden, err)
	require.Error(t, b.password("ann@gmail.example"))

	// To another domain of the company, as an owner, and as nobody of the company, everybody goes where he likes.
	b.proves(c.id, "company.test.example")
	require.NoError(t, b.accounts.ChangeEmail(ctx, ann, "ann@company.test.example"))
	require.NoError(t, b.accounts.ChangeEmail(ctx, c.owner, "boss@gmail.example"))
	require.NoError(t, b.tenants.Remove(ctx, c.id, c.owner, ann))
	require.NoError(t, b.accounts.ChangeEmail(ctx, ann, "ann@gmail.example"))
	link, err := b.accounts.MakeLink(ctx, ann, "ann@gmail.example", account.Change)
	require.NoError(t, err)
	_, err = b.accounts.ConfirmEmail(ctx, ann, link)
	require.NoError(t, err)
}

// TestADomainOfAnOrganisationThatEnded is its owner's to prove for another one, and its issuer knows nobody any more.
func TestADomainOfAnOrganisationThatEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	require.NoError(t, err)
	require.NoError(t, b.tenants.Delete(ctx, c.id))
	all, err := b.services.Identities(ctx, o.Result.Session.User)
	require.NoError(t, err)
	require.Empty(t, all)
	two := b.organisation(b.member("another@company.example"))
	b.proves(two, "company.example")
	require.NoError(t, b.Set(ctx, two, settings(c.Issuer, false)))
	provider, err := b.ByEmail(ctx, "x@company.example")
	require.NoError(t, err)
	require.Equal(t, b.provider(two), provider)
	var left int
	require.NoError(t, b.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM identity.sso_connections WHERE organisation_id = $1) + (SELECT count(*) FROM identity.sso_domains WHERE organisation_id = $1)
		+ (SELECT count(*) FROM identity.external_identities WHERE provider = $2)`, c.id, c.provider).Scan(&left))
	require.Zero(t, left)
}
