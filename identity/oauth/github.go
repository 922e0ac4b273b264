package oauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"
)

// github is OAuth 2 without OpenID Connect. Its errors come with status 200, which package oauth2 knows; whom a token is of is asked for at its API.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
type github struct {
	c      Config
	client *http.Client
}

func (g *github) config(redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: g.c.ClientID, ClientSecret: g.c.ClientSecret, RedirectURL: redirect, Scopes: []string{"read:user", "user:email"},
		Endpoint: oauth2.Endpoint{AuthURL: g.c.AuthorizeURL, TokenURL: g.c.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}
}

// Authorize implements Provider. GitHub cannot be told to ask for the password again; it shows which account is about to be used.
func (g *github) Authorize(_ context.Context, a Ask) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier)}
	if a.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return g.config(a.Redirect).AuthCodeURL(a.State, options...), nil
}

// Identify implements Provider.
func (g *github) Identify(ctx context.Context, r Return) (Claims, error) {
	token, err := g.config(r.Redirect).Exchange(context.WithValue(ctx, oauth2.HTTPClient, g.client), r.Code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Claims{}, exchangeFailed(err)
	}
	header := http.Header{"Authorization": {"Bearer " + token.AccessToken}, "Accept": {"application/vnd.github+json"}}
	var user struct {
		ID    int64  `json:"id"` // the login can be given to somebody else
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	if err := get(ctx, g.client, g.c.APIURL+"/user", header, &user); err != nil {
		return Claims{}, failed(err)
	}
	if user.ID <= 0 {
		return Claims{}, failed(errors.New("the user has no id"))
	}
	if user.Name == "" {
		user.Name = user.Login
	}
	email, err := g.email(ctx, header)
	if err != nil {
		return Claims{}, failed(err)
	}
	c, _ := claims(strconv.FormatInt(user.ID, 10), email, email != "", user.Name)
	return c, nil
}

// email is the primary mailbox, if it is proved; "" too when the person has not granted the scope.
func (g *github) email(ctx context.Context, header http.Header) (string, error) {
	var all []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	err := get(ctx, g.client, g.c.APIURL+"/user/emails", header, &all)
	var status statusError
	if errors.As(err, &status) && (status == http.StatusNotFound || status == http.StatusForbidden) {
		return "", nil
	}
	for _, e := range all {
		if e.Primary && e.Verified {
			return e.Email, err
		}
	}
	return "", err
}

// denials are errors of token endpoints that are about this sign-in; all others are about how the service is set up, here or there.
var denials = map[string]bool{ //nolint:gochecknoglobals // never changed
	"invalid_grant": true, "access_denied": true, // RFC 6749
	"bad_verification_code": true, "unverified_user_email": true, // GitHub
}

// exchangeFailed says what an error of the exchange of a code is.
func exchangeFailed(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) && denials[answer.ErrorCode] {
		return refused(answer.ErrorCode)
	}
	return failed(cause(err))
}
