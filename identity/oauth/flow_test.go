package oauth_test

import (
	"encoding/base64"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
	"github.com/massrouter/massrouter/internal/oauthsim"
)

// gitHub is somebody at GitHub.
func gitHub(email string) oauthsim.GitHubUser {
	return oauthsim.GitHubUser{ID: 583231, Login: "ann", Name: "Ann  Lee\u202e", Emails: []oauthsim.GitHubEmail{
		{Email: "other@example.com", Verified: true}, {Email: email, Primary: true, Verified: true},
	}}
}

// TestSigningUp: each service makes an account of a mailbox that it has proved, and knows it again when mailbox and names have changed.
func TestSigningUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub("Ann@Example.com"))
	first := b.session("github")
	require.Equal(t, []string{"ext"}, first.Factors)
	u, err := b.accounts.Get(t.Context(), first.User)
	require.NoError(t, err)
	require.Equal(t, account.User{ID: first.User, Email: ann, VerifiedAt: b.now(), CreatedAt: b.now(), Profile: account.Profile{Name: "Ann Lee", Language: account.English, Zone: "UTC"}}, u)

	b.step(time.Hour)
	moved := gitHub("new@example.com")
	moved.Login, moved.Name = "anna", ""
	b.github.SignIn(moved)
	require.Equal(t, first.User, b.session("github").User)
	all, err := b.Identities(t.Context(), u.ID)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, oauth.Identity{
		ID: all[0].ID, Provider: "github", Name: "GitHub", Email: "new@example.com", Shown: "anna", LinkedAt: b.now().Add(-time.Hour), UsedAt: b.now(),
	}, all[0])
	u, err = b.accounts.Get(t.Context(), first.User)
	require.NoError(t, err)
	require.Equal(t, ann, string(u.Email), "the account's mailbox is the person's to change")

	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "s|1", Email: "bob@example.com", Verified: true, Name: "Bob"})
	second := b.session("corp")
	require.NotEqual(t, first.User, second.User)
	require.Equal(t, second.User, b.session("corp").User)
	b.github.SignIn(oauthsim.GitHubUser{ID: 1, Login: "renamed", Emails: moved.Emails}) // who has the login now is somebody else
	require.NotEqual(t, first.User, b.session("github").User)
}

// TestNobodyIsJoinedByAMailbox: whoever has an account signs in to it first; then the browser may link what it was shown, once, and that browser only.
func TestNobodyIsJoinedByAMailbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.member(ann)
	b.github.SignIn(gitHub(ann))
	o := b.enters("github")
	require.Nil(t, o.Result.Session)
	require.Nil(t, o.Result.Challenge)
	require.NotEmpty(t, o.Pending)
	b.requireCode(oauth.CodeFlow, b.Claim(t.Context(), user, "another"))
	require.NoError(t, b.Claim(t.Context(), user, o.Pending))
	b.requireCode(oauth.CodeFlow, b.Claim(t.Context(), user, o.Pending))
	require.Equal(t, user, b.session("github").User)

	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: ann, Verified: true})
	o = b.enters("corp")
	require.NotEmpty(t, o.Pending)
	b.step(oauth.Life)
	b.requireCode(oauth.CodeFlow, b.Claim(t.Context(), user, o.Pending))
	n, err := b.Prune(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "it expires at its end, not before")
	b.step(time.Second)
	n, err = b.Prune(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// TestSquattersGo: who signed up with a mailbox without proving it does not keep its owner out, nor get in with the owner.
func TestSquattersGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.squatter(ann)
	b.github.SignIn(gitHub(ann))
	s := b.session("github")
	_, err := b.machine.Password(t.Context(), token.Portal, ann, secret, laptop)
	b.requireCode(account.CodeSignIn, err)
	u, err := b.accounts.Get(t.Context(), s.User)
	require.NoError(t, err)
	require.False(t, u.Password)
}

// TestMailboxesThatProveNothing make no account and find none.
func TestMailboxesThatProveNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.member("taken@example.com")
	github := func(change func(*oauthsim.GitHubUser)) string {
		u := gitHub(ann)
		change(&u)
		b.github.SignIn(u)
		return b.enters("github").Pending
	}
	corp := func(verified any, email string) string {
		b.issuer.SignIn(oauthsim.IssuerUser{Subject: "1", Email: email, Verified: verified})
		return b.enters("corp").Pending
	}
	require.NotEmpty(t, github(func(u *oauthsim.GitHubUser) { u.Emails[1].Verified = false }))
	require.NotEmpty(t, github(func(u *oauthsim.GitHubUser) { u.Emails[1].Primary = false }))
	require.NotEmpty(t, github(func(u *oauthsim.GitHubUser) { u.Emails = nil }))
	require.NotEmpty(t, github(func(u *oauthsim.GitHubUser) { u.Scope = "read:user" }))
	require.NotEmpty(t, github(func(u *oauthsim.GitHubUser) { u.Emails[1].Email = "not an address" }))
	for _, verified := range []any{false, nil, "false", "yes", 1, "TRUE"} {
		require.NotEmpty(t, corp(verified, ann), "%v", verified)
	}
	require.NotEmpty(t, corp(true, ""))
	require.NotEmpty(t, corp(true, "ann@example.com\r\nBcc: x@example.com"))
	distrusted := b.configs()
	distrusted[2].VerifiedMail = false
	trusted := b.Service
	b.Service = b.service(distrusted, loopback)
	require.NotEmpty(t, corp(true, ann), "the operator has not said that this issuer is believed")
	b.Service = trusted
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "o1", UnionID: "u1", Nickname: "安"})
	o := b.enters("wechat")
	require.NotEmpty(t, o.Pending, "WeChat knows no mailboxes")
	var n int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM identity.users`).Scan(&n))
	require.Equal(t, 1, n)

	require.NoError(t, b.Claim(t.Context(), user, o.Pending))
	require.Equal(t, user, b.session("wechat").User)
	b.wechat.SignIn(oauthsim.WeChatUser{OpenID: "of another app", UnionID: "u1", Nickname: "安", Late: true})
	require.Equal(t, user, b.session("wechat").User, "unionid is who it is")
	b.issuer.SignIn(oauthsim.IssuerUser{Subject: "2", Email: "text@example.com", Verified: "true"})
	require.NotEqual(t, user, b.session("corp").User, "some issuers write booleans in quotes")
}

// TestSecondFactorsStay: a service stands in the place of the password only, and operators need a second factor.
func TestSecondFactorsStay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	user := b.session("github").User
	_, err := b.run(oauth.Start{Provider: "github", Audience: token.Admin})
	b.requireCode(signin.CodeFactorRequired, err)

	app := b.totp(user)
	o, err := b.run(oauth.Start{Provider: "github", Audience: token.Admin, ReturnTo: "/ledger"})
	require.NoError(t, err)
	require.Equal(t, "/ledger", o.Target)
	require.Nil(t, o.Result.Session)
	require.True(t, o.Result.Challenge.Has(factor.TOTP))
	r, err := b.machine.Answer(t.Context(), o.Result.Challenge.Secret, factor.TOTP, b.code(app), laptop)
	require.NoError(t, err)
	require.Equal(t, token.Admin, r.Session.Audience)
	require.Equal(t, []string{"ext", "otp"}, r.Session.Factors)
}

// TestOneBrowserOnce: a way back is good for the browser that was sent, by the service that it was sent to, once, and not for long.
func TestOneBrowserOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	finish := func(provider string, a oauth.Answer, browser string) error {
		_, err := b.Finish(t.Context(), provider, a, browser, laptop)
		return err
	}
	to, browser := b.begin(oauth.Start{Provider: "github"})
	answer := b.visit(to)
	for name, try := range map[string]func() error{
		"no cookie":        func() error { return finish("github", answer, "") },
		"another browser":  func() error { return finish("github", answer, "x"+browser[1:]) },
		"another service":  func() error { return finish("corp", answer, browser) },
		"no state":         func() error { return finish("github", oauth.Answer{Code: answer.Code}, browser) },
		"another state":    func() error { return finish("github", oauth.Answer{Code: answer.Code, State: browser}, browser) },
		"a service unsent": func() error { return finish("nowhere", answer, browser) },
	} {
		b.requireCode(oauth.CodeFlow, try())
		_ = name
	}
	require.NoError(t, finish("github", answer, browser))
	b.requireCode(oauth.CodeFlow, finish("github", answer, browser))

	to, browser = b.begin(oauth.Start{Provider: "github"})
	answer = b.visit(to)
	b.step(oauth.Life)
	b.requireCode(oauth.CodeFlow, finish("github", answer, browser))

	// Two tabs of one browser are on their way at once.
	one, browser := b.begin(oauth.Start{Provider: "github"})
	two, same := b.begin(oauth.Start{Provider: "github", Browser: browser})
	require.Equal(t, browser, same)
	require.NoError(t, finish("github", b.visit(two), browser))
	require.NoError(t, finish("github", b.visit(one), browser))
	_, other := b.begin(oauth.Start{Provider: "github", Browser: "chosen by somebody else"})
	raw, err := base64.RawURLEncoding.DecodeString(other)
	require.NoError(t, err)
	require.Len(t, raw, 32)

	// The code of one way is worth nothing on another: the verifier is another.
	one, browser = b.begin(oauth.Start{Provider: "github"})
	two, _ = b.begin(oauth.Start{Provider: "github", Browser: browser})
	stolen := oauth.Answer{State: b.visit(two).State, Code: b.visit(one).Code}
	b.requireCode(oauth.CodeRefused, finish("github", stolen, browser))
}

func TestOnlyOneOfManyComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	to, browser := b.begin(oauth.Start{Provider: "github"})
	answer := b.visit(to)
	var group sync.WaitGroup
	results := make(chan error, 8)
	for range cap(results) {
		group.Go(func() {
			_, err := b.Finish(t.Context(), "github", answer, browser, laptop)
			results <- err
		})
	}
	group.Wait()
	close(results)
	var in int
	for err := range results {
		if err == nil {
			in++
			continue
		}
		b.requireCode(oauth.CodeFlow, err)
	}
	require.Equal(t, 1, in)
}

// TestSignUpsAtOnce: of several browsers of one new person each gets in, to one account.
func TestSignUpsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(gitHub(ann))
	type way struct {
		answer  oauth.Answer
		browser string
	}
	var ways []way
	for range 6 {
		to, browser := b.begin(oauth.Start{Provider: "github"})
		ways = append(ways, way{b.visit(to), browser})
	}
	var group sync.WaitGroup
	results := make(chan error, len(ways))
	for _, w := range ways {
		group.Go(func() {
			o, err := b.Finish(t.Context(), "github", w.answer, w.browser, laptop)
			if err == nil && o.Pending != "" {
				err = domain.Errorf("pending", "pending")
			}
			results <- err
		})
	}
	group.Wait()
	close(results)
	for err := range results {
		require.NoError(t, err)
	}
	var users, identities int
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM identity.users), (SELECT count(*) FROM identity.external_identities)`).Scan(&users, &identities))
	require.Equal(t, []int{1, 1}, []int{users, identities})
}

func TestSayingNo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.github.SignIn(oauthsim.GitHubUser{Denies: "access_denied"})
	o, err := b.run(oauth.Start{Provider: "github", ReturnTo: "/account"})
	b.requireCode(oauth.CodeRefused, err)
	require.Equal(t, "/account", o.Target)
	b.wechat.SignIn(oauthsim.WeChatUser{Denies: true})
	_, err = b.run(oauth.Start{Provider: "wechat"})
	b.requireCode(oauth.CodeRefused, err)
	b.issuer.SignIn(oauthsim.IssuerUser{Denies: "login_required\r\n<script>"})
	_, err = b.run(oauth.Start{Provider: "corp"})
	b.requireCode(oauth.CodeRefused, err)
	require.NotContains(t, err.Error(), "\n")

	_, _, err = b.Begin(t.Context(), oauth.Start{Provider: "nowhere", Purpose: oauth.SignIn, Audience: token.Portal})
	b.requireCode(domain.CodeNotFound, err)
	_, _, err = b.Begin(t.Context(), oauth.Start{Provider: "sso-nowhere", Purpose: oauth.SignIn, Audience: token.Portal})
	b.requireCode(domain.CodeNotFound, err)
	_, _, err = b.Begin(t.Context(), oauth.Start{Provider: "github", Purpose: oauth.SignIn, Audience: token.Portal, ReturnTo: "//evil.example"})
	b.requireCode(domain.CodeInvalid, err)
}

// TestNoSecretsAtRest: what opens a way back is nowhere in the database.
func TestNoSecretsAtRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.member(address.Email(ann))
	b.github.SignIn(gitHub(ann))
	to, browser := b.begin(oauth.Start{Provider: "github"})
	answer := b.visit(to)
	var rows string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(f::text, '') FROM identity.oauth_flows f`).Scan(&rows))
	for _, secret := range []string{browser, answer.State, answer.Code} {
		require.NotContains(t, rows, secret)
	}
	o, err := b.Finish(t.Context(), "github", answer, browser, laptop)
	require.NoError(t, err)
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(f::text, '') FROM identity.oauth_pending f`).Scan(&rows))
	require.NotContains(t, rows, o.Pending)
}
