package oauth_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// providers are where somebody's identities are.
func (b *bench) providers(user uuid.UUID) (names []string, ids []uuid.UUID) {
	b.t.Helper()
	all, err := b.Identities(b.t.Context(), user)
	require.NoError(b.t, err)
	for _, i := range all {
		names, ids = append(names, i.Provider), append(ids, i.ID)
	}
	return names, ids
}

// TestLinking: an identity has one account, whatever mailbox the service shows.
func TestLinking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.member(ann)
	b.member("bob@example.com")
	one, two := b.in(ann), b.in("bob@example.com")
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o", UnionID: "u", Nickname: "安"})
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: "bob@example.com", Verified: true})
	require.NoError(t, b.links("wechat", one))
	require.NoError(t, b.links("corp", one))
	require.NoError(t, b.links("corp", one), "again is no error")
	b.requireCode(oauth.CodeTaken, b.links("corp", two))
	names, _ := b.providers(one.User)
	require.Equal(t, []string{"wechat", "corp"}, names)
	require.Equal(t, one.User, b.session("corp").User, "not Bob's, though it is his mailbox")

	require.NoError(t, b.sessions.End(t.Context(), two.User, two.ID, session.SignedOut))
	b.github.SignIn(gitHub("x@example.com"))
	b.requireCode(domain.CodeUnauthenticated, b.links("github", two))
	to, browser := b.begin(oauth.Start{Provider: "github", Purpose: oauth.Link, User: one.User, Session: one.ID})
	_, err := b.pool.Exec(t.Context(), `UPDATE identity.users SET deleted_at = now() WHERE user_id = $1`, one.User)
	require.NoError(t, err)
	_, err = b.Finish(t.Context(), "github", b.visit(to), browser, laptop)
	require.Error(t, err)
	o := b.enters("corp")
	require.Nil(t, o.Result.Session, "the account is gone")
}

// TestTheLastWayInStays: of what somebody signs in with something is always left.
func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	s := b.session("github")
	_, ids := b.providers(s.User)
	b.requireCode(oauth.CodeLast, b.Unlink(t.Context(), s.User, ids[0]))
	b.requireCode(domain.CodeNotFound, b.Unlink(t.Context(), uuid.New(), ids[0]))
	b.requireCode(domain.CodeNotFound, b.Unlink(t.Context(), b.member("bob@example.com"), ids[0]))
	b.requireCode(domain.CodeNotFound, b.Unlink(t.Context(), s.User, uuid.New()))

	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1"})
	require.NoError(t, b.links("corp", s))
	all := b.Service
	b.Service = b.service(b.configs()[:1], loopback)
	b.requireCode(oauth.CodeLast, b.Unlink(t.Context(), s.User, ids[0]))
	b.Service = all
	_, ids = b.providers(s.User)
	var group sync.WaitGroup
	results := make(chan error, 2)
	for _, id := range ids {
		group.Go(func() { results <- b.Unlink(t.Context(), s.User, id) })
	}
	group.Wait()
	close(results)
	var failed int
	for err := range results {
		if err != nil {
			b.requireCode(oauth.CodeLast, err)
			failed++
		}
	}
	require.Equal(t, 1, failed, "of two that are unlinked at once one stays")

	names, ids := b.providers(s.User)
	require.Len(t, ids, 1)
	link, err := b.accounts.MakeLink(t.Context(), s.User, ann, account.Reset)
	require.NoError(t, err)
	require.NoError(t, b.accounts.Reset(t.Context(), link, secret))
	require.NoError(t, b.Unlink(t.Context(), s.User, ids[0]))
	require.NotEmpty(t, b.enters(names[0]).Pending)
}

// TestShowingOnceMore: who has neither password nor second factor is shown by the service once more before something dangerous.
func TestShowingOnceMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	s := b.session("corp")
	require.NoError(t, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))
	b.step(signin.Fresh)
	b.requireCode(signin.CodeStepUp, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))
	c, err := b.machine.StepUp(t.Context(), s, laptop)
	require.NoError(t, err)
	require.Equal(t, []factor.Method{signin.External}, c.Methods)
	looked, err := b.machine.Look(t.Context(), c.Secret)
	require.NoError(t, err)
	require.Equal(t, c.Methods, looked.Methods)
	_, err = b.machine.Answer(t.Context(), c.Secret, signin.External, "", laptop)
	require.Error(t, err, "saying so is not showing it")

	var last oauth.Outcome
	again := func(provider string) (err error) {
		last, err = b.run(oauth.Start{Provider: provider, Purpose: oauth.Confirm, User: s.User, Session: s.ID})
		return err
	}
	for name, claims := range map[string]func(map[string]any){
		"no time":   func(c map[string]any) { delete(c, "auth_time") },
		"long ago":  func(c map[string]any) { c["auth_time"] = b.now().Add(-time.Hour).Unix() },
		"no number": func(c map[string]any) { c["auth_time"] = "now" },
	} {
		b.issuer.Lie(oauthsim.Lie{Claims: claims})
		b.requireCode(oauth.CodeFailed, again("corp"))
		b.requireCode(signin.CodeStepUp, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))
		_ = name
	}
	b.issuer.Lie(oauthsim.Lie{})
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "2", Email: ann, Verified: true})
	b.requireCode(oauth.CodeRefused, again("corp"))
	b.github.SignIn(gitHub("bob@example.com"))
	b.session("github")
	b.requireCode(oauth.CodeRefused, again("github"))
	b.requireCode(signin.CodeStepUp, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1"})
	require.NoError(t, again("corp"))
	require.Equal(t, s.ID, last.Result.Session.ID)
	require.NotEmpty(t, last.Result.Access)
	require.NotEmpty(t, last.Result.Refresh)
	b.requireCode(signin.CodeStepUp, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt)) // only with the new token
	s = *last.Result.Session
	require.NoError(t, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))

	b.totp(s.User)
	b.step(signin.Fresh)
	b.requireCode(factor.CodeWrong, again("corp"))
	b.requireCode(signin.CodeStepUp, b.machine.RequireFresh(t.Context(), s.ID, s.AuthenticatedAt))
}

// TestIdentitiesAreBounded, and go with their user.
func TestIdentitiesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.member(ann)
	s := b.in(ann)
	require.Equal(t, token.Portal, s.Audience)
	for n := range 20 {
		b.github.SignIn(oauthsim.GitHubUser{ID: int64(n + 1), Login: "x"})
		require.NoError(t, b.links("github", s))
	}
	b.github.SignIn(oauthsim.GitHubUser{ID: 99, Login: "x"})
	b.requireCode(domain.CodeConflict, b.links("github", s))
	_, err := b.pool.Exec(t.Context(), `DELETE FROM identity.users WHERE user_id = $1`, s.User)
	require.NoError(t, err)
	names, _ := b.providers(s.User)
	require.Empty(t, names)
}
