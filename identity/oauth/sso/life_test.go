package sso_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/oauth/sso"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

func (b *bench) join(org, user uuid.UUID, role string) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, $3, now())`, org, user, role)
	require.NoError(b.t, err)
}

// in signs somebody in with a password.
func (b *bench) in(email string) signin.Result {
	b.t.Helper()
	r, err := b.machine.Password(b.t.Context(), token.Portal, email, secret, laptop)
	require.NoError(b.t, err)
	require.NotNil(b.t, r.Session)
	return r
}

func (b *bench) live(r signin.Result) bool {
	b.t.Helper()
	var is bool
	require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM identity.sessions WHERE session_id = $1 AND revoked_at IS NULL)`, r.Session.ID).Scan(&is))
	return is
}

// TestEnforcingEndsWhatItWouldNotLetIn: sessions of members that the issuer has not made; not those of owners, of other mailboxes, or of the issuer.
func TestEnforcingEndsWhatItWouldNotLetIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	b.join(c.id, b.member("ann@company.example"), "admin")
	b.join(c.id, b.member("bob@elsewhere.example"), "developer")
	b.member("eve@company.example") // is no member
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "ann", Email: "ann@company.example"})
	require.NoError(t, err)
	ann, boss, bob, eve := b.in("ann@company.example"), b.in("boss@company.example"), b.in("bob@elsewhere.example"), b.in("eve@company.example")
	require.NoError(t, b.Set(ctx, c.id, settings(c.Issuer, false)))
	require.True(t, b.live(ann), "not insisted on yet")
	require.NoError(t, b.Set(ctx, c.id, settings(c.Issuer, true)))
	require.False(t, b.live(ann))
	for name, r := range map[string]signin.Result{"the issuer's": o.Result, "an owner's": boss, "another mailbox": bob, "no member": eve} {
		require.True(t, b.live(r), name)
	}
	_, _, err = b.machine.Refresh(ctx, ann.Refresh, token.Portal, laptop)
	b.requireCode(domain.CodeUnauthenticated, err)

	b.step(time.Second)
	other := oauthsim.NewIssuer(t, oauthsim.App{ID: "company", Secret: "the company's secret"}, b.now)
	require.NoError(t, b.Set(ctx, c.id, settings(other, true)))
	require.False(t, b.live(o.Result), "another connection has not made it")
	require.True(t, b.live(boss))

	// A domain that is proved later is insisted on as well.
	carl := b.member("carl@second.example")
	b.join(c.id, carl, "viewer")
	r := b.in("carl@second.example")
	b.proves(c.id, "second.example")
	require.False(t, b.live(r))
}

// TestRemovingLocksNobodyOut: whoever has come by the issuer only, an owner even, sets a password by mail.
func TestRemovingLocksNobodyOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	o, err := b.enter(c, oauthsim.IssuerUser{Subject: "new", Email: "new@company.example"})
	require.NoError(t, err)
	user := o.Result.Session.User
	require.NoError(t, b.tenants.SetRole(ctx, c.id, c.owner, user, "owner"))
	require.NoError(t, b.Set(ctx, c.id, settings(c.Issuer, true)))
	require.NoError(t, b.Remove(ctx, c.id))
	require.True(t, b.live(o.Result), "what was begun goes on")
	link, err := b.accounts.MakeLink(ctx, user, "new@company.example", account.Reset)
	require.NoError(t, err)
	require.NoError(t, b.accounts.Reset(ctx, link, secret))
	require.NoError(t, b.password("new@company.example"))
}

// TestDomainsAreProvedAgain: one whose record is gone for days does not count any more, and its managers are told once; a name server that is away is no reason.
func TestDomainsAreProvedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	c := b.company(b.member("boss@company.example"), "company.example")
	b.join(c.id, b.member("admin@elsewhere.example"), "admin")
	b.join(c.id, b.member("dev@elsewhere.example"), "developer")
	looks := func(want int64) {
		t.Helper()
		n, err := b.Recheck(ctx)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	proved := func() bool {
		state, err := b.Get(ctx, c.id)
		require.NoError(t, err)
		return !state.Domains[0].VerifiedAt.IsZero()
	}
	state, err := b.Get(ctx, c.id)
	require.NoError(t, err)
	record, value := state.Domains[0].Record+".", state.Domains[0].Value
	looks(0)
	for range 10 {
		b.step(sso.CheckEvery)
		looks(1)
	}
	looks(0)
	b.dns.breaks(true)
	for range 10 {
		b.step(sso.CheckEvery)
		looks(1)
	}
	require.True(t, proved(), "a name server that does not answer")
	b.dns.breaks(false)
	b.dns.set(record, "v=spf1 -all")
	for range sso.MaxFailures - 1 {
		b.step(sso.CheckEvery)
		looks(1)
	}
	require.True(t, proved())
	b.dns.set(record, value)
	b.step(sso.CheckEvery)
	looks(1)
	b.dns.set(record, "v=spf1 -all")
	for n := range sso.MaxFailures {
		require.True(t, proved(), n)
		b.step(sso.CheckEvery)
		looks(1)
	}
	require.False(t, proved(), "the failures before the record was back do not count")
	b.step(sso.CheckEvery)
	looks(0)
	_, err = b.ByEmail(ctx, "ann@company.example")
	b.requireCode(domain.CodeNotFound, err)
	_, err = b.enter(c, oauthsim.IssuerUser{Subject: "x", Email: "x@company.example"})
	b.requireCode(domain.CodeForbidden, err)
	rows, err := b.pool.Query(ctx, `SELECT recipient FROM identity.mails WHERE kind = 'domain_unproved' ORDER BY recipient`)
	require.NoError(t, err)
	told, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"admin@elsewhere.example", "boss@company.example"}, told)
	b.dns.set(record, value)
	require.NoError(t, b.Verify(ctx, c.id, "company.example"))
	require.True(t, proved())
}
