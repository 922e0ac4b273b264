package oauth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	discoveryLife = time.Hour
	tokenAge      = 10 * time.Minute // an ID token is made when its code is exchanged
	clockSkew     = 2 * time.Minute
	maxSession    = 255 // bytes of a sid
)

// issuer is a service that speaks OpenID Connect. What it says of itself is asked for when somebody comes, and kept for an hour.
type issuer struct {
	c      Config
	client *http.Client
	now    func() time.Time

	asking singleflight.Group
	mu     sync.Mutex
	found  *discovered
}

// discovered is what an issuer says of itself.
type discovered struct {
	provider *oidc.Provider
	methods  metadata
	until    time.Time
}

type metadata struct {
	Authorize string   `json:"authorization_endpoint"`
	Token     string   `json:"token_endpoint"`
	UserInfo  string   `json:"userinfo_endpoint"`
	TokenAuth []string `json:"token_endpoint_auth_methods_supported"`
	SendsIss  bool     `json:"authorization_response_iss_parameter_supported"`
}

// algorithms sign ID tokens with keys that the issuer publishes. HS256 and none do not.
var algorithms = []string{ //nolint:gochecknoglobals // never changed
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// discover asks the issuer what it is. What is known serves on while the issuer does not answer.
func (i *issuer) discover(ctx context.Context) (*discovered, error) {
	i.mu.Lock()
	known := i.found
	i.mu.Unlock()
	if known != nil && i.now().Before(known.until) {
		return known, nil
	}
	// Whoever waits goes when his own request ends; the answer is for all who wait.
	answer := i.asking.DoChan("", func() (any, error) {
		d, err := i.ask(context.WithoutCancel(ctx))
		if err == nil {
			i.mu.Lock()
			i.found = d
			i.mu.Unlock()
		}
		return d, err
	})
	select {
	case <-ctx.Done():
		return nil, failed(ctx.Err())
	case got := <-answer:
		if got.Err == nil {
			d, _ := got.Val.(*discovered)
			return d, nil
		}
		if known != nil {
			return known, nil
		}
		return nil, failed(fmt.Errorf("discover: %w", cause(got.Err)))
	}
}

func (i *issuer) ask(ctx context.Context) (*discovered, error) {
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.c.Issuer)
	var sent *url.Error
	if err != nil && !errors.As(err, &sent) && !strings.HasPrefix(err.Error(), "oidc: ") { // it repeats what the issuer has sent
		return nil, errors.New("the issuer does not say what it is")
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // discover says what it is
	}
	d := &discovered{provider: p, until: i.now().Add(discoveryLife)}
	if err := p.Claims(&d.methods); err != nil {
		return nil, err //nolint:wrapcheck // discover says what it is
	}
	to, err := url.Parse(d.methods.Authorize)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" || d.methods.Token == "" {
		return nil, errors.New("its endpoints are no addresses")
	}
	if home, err := url.Parse(i.c.Issuer); err != nil || home.Scheme == "https" && to.Scheme != "https" {
		return nil, errScheme
	}
	return d, nil
}

func (i *issuer) config(d *discovered, redirect string) *oauth2.Config {
	endpoint := d.provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // OpenID Connect's default
	if i.c.ClientSecret == "" || len(d.methods.TokenAuth) > 0 && !slices.Contains(d.methods.TokenAuth, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: i.c.ClientID, ClientSecret: i.c.ClientSecret, RedirectURL: redirect, Endpoint: endpoint, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
}

// Authorize implements Provider.
func (i *issuer) Authorize(ctx context.Context, a Ask) (string, error) {
	d, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce)}
	if a.Again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return i.config(d, a.Redirect).AuthCodeURL(a.State, options...), nil
}

// Identify implements Provider.
func (i *issuer) Identify(ctx context.Context, r Return) (Claims, error) {
	d, err := i.discover(ctx)
	if err != nil {
		return Claims{}, err
	}
	if r.Issuer != i.c.Issuer && (r.Issuer != "" || d.methods.SendsIss) {
		return Claims{}, failed(errors.New("the browser came back from another issuer"))
	}
	token, err := i.config(d, r.Redirect).Exchange(oidc.ClientContext(ctx, i.client), r.Code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Claims{}, exchangeFailed(err)
	}
	said, err := i.verify(ctx, d, token, r)
	if err != nil {
		return Claims{}, failed(cause(err))
	}
	if said.Email == "" && d.methods.UserInfo != "" {
		if err := i.complete(ctx, d, token, said); err != nil {
			return Claims{}, failed(fmt.Errorf("ask for the user: %w", cause(err)))
		}
	}
	c, ok := claims(said.Subject, said.Email, said.EmailVerified.is(i.c.TrustEmail), said.Name)
	if !ok {
		return Claims{}, failed(errors.New("the subject is none"))
	}
	if len(said.Session) <= maxSession {
		c.Session = said.Session // one that is longer ends with its person only
	}
	return c, nil
}

// idClaims are those of an ID token and of the user endpoint.
type idClaims struct {
	Subject       string       `json:"sub"`
	Email         string       `json:"email"`
	EmailVerified emailIs      `json:"email_verified"`
	Name          string       `json:"name"`
	Party         string       `json:"azp"`
	AuthTime      *json.Number `json:"auth_time"`
	Session       string       `json:"sid"`
}

// emailIs is what is said of a mailbox: a boolean, or one in quotes as some write it, or nothing.
type emailIs struct{ said, verified bool }

// UnmarshalJSON takes anything; what is no boolean says nothing.
func (e *emailIs) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", `"true"`:
		*e = emailIs{said: true, verified: true}
	case "false", `"false"`:
		*e = emailIs{said: true}
	}
	return nil
}

// is says whether a mailbox is proved, as far as the issuer is trusted.
func (e emailIs) is(t Trust) bool {
	switch t {
	case TrustSaid:
		return e.verified
	case TrustSilent:
		return e.verified || !e.said
	case TrustNot:
	}
	return false
}

// verify checks an ID token (OpenID Connect Core, 3.1.3.7).
func (i *issuer) verify(ctx context.Context, d *discovered, token *oauth2.Token, r Return) (*idClaims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return nil, errors.New("there is no ID token")
	}
	id, err := d.provider.Verifier(&oidc.Config{ClientID: i.c.ClientID, SupportedSigningAlgs: algorithms, Now: func() time.Time { return i.now().Add(-clockSkew) }}).
		Verify(oidc.ClientContext(ctx, i.client), raw)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the claim that is wrong
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(r.Nonce)) != 1 {
		return nil, errors.New("the ID token is of another sign-in: its nonce is wrong")
	}
	if age := i.now().Sub(id.IssuedAt); age < -clockSkew || age > tokenAge {
		return nil, errors.New("the ID token was not made just now")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, err //nolint:wrapcheck // it says what is wrong
		}
	}
	said := new(idClaims)
	if err := id.Claims(said); err != nil {
		return nil, errors.New("the ID token's claims are not what they should be")
	}
	if said.Party != "" && said.Party != i.c.ClientID || len(id.Audience) > 1 && said.Party == "" {
		return nil, errors.New("the ID token was made for another party")
	}
	if r.Again && !said.since(r.Since) {
		return nil, errors.New("the person has not signed in again there")
	}
	return said, nil
}

// since says whether the person has signed in at the service after a moment.
func (c *idClaims) since(t time.Time) bool {
	if c.AuthTime == nil {
		return false
	}
	at, err := c.AuthTime.Float64() // seconds; some have fractions
	return err == nil && !time.Unix(int64(at), 0).Before(t.Add(-clockSkew))
}

// complete asks the user endpoint for the mailbox. It has to speak of the same person.
func (i *issuer) complete(ctx context.Context, d *discovered, token *oauth2.Token, said *idClaims) error {
	info, err := d.provider.UserInfo(oidc.ClientContext(ctx, i.client), oauth2.StaticTokenSource(token))
	if err != nil {
		return err //nolint:wrapcheck // Identify says what it is
	}
	if info.Subject != said.Subject {
		return errors.New("the user is not the ID token's")
	}
	var more idClaims
	if err := info.Claims(&more); err != nil {
		return errors.New("the user's claims are not what they should be")
	}
	said.Email, said.EmailVerified = more.Email, more.EmailVerified
	if said.Name == "" {
		said.Name = more.Name
	}
	return nil
}
