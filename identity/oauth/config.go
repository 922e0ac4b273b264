package oauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Kind is how a service is spoken to.
type Kind string

// The kinds.
const (
	Google Kind = "google"
	GitHub Kind = "github"
	WeChat Kind = "wechat"
	OIDC   Kind = "oidc" // any issuer of OpenID Connect
)

// Trust is how far an issuer is believed when it speaks of mailboxes.
type Trust uint8

// How far.
const (
	TrustNot    Trust = iota // an account is never found or made by its mailboxes
	TrustSaid                // when it says email_verified
	TrustSilent              // also when it does not say that it is not
)

// Config is one service.
type Config struct {
	ID           string `json:"id"` // in addresses and the database: never changed
	Kind         Kind   `json:"kind"`
	Name         string `json:"name"` // on the button; the kind's own when empty
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Issuer       string `json:"issuer"`         // of the kind oidc
	VerifiedMail bool   `json:"verified_email"` // of the kind oidc: its email_verified is believed
	AuthorizeURL string `json:"authorize_url"`  // of github and wechat, when it is not their own
	TokenURL     string `json:"token_url"`      // the same
	APIURL       string `json:"api_url"`        // the same

	TrustEmail Trust `json:"-"` // follows from the kind and VerifiedMail
}

const (
	maxProviders = 20
	// SSOPrefix begins the ids of organisations' own issuers.
	SSOPrefix = "sso-"
)

var isID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// ParseConfigs reads a list of services as JSON. The error names members, never their values.
func ParseConfigs(text []byte) ([]Config, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var all []Config
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil || d.More() {
		return nil, errors.New("it is no JSON list of objects with: id, kind, name, client_id, client_secret, issuer, verified_email, authorize_url, token_url, api_url")
	}
	if len(all) > maxProviders {
		return nil, fmt.Errorf("there are more than %d", maxProviders)
	}
	seen := map[string]bool{}
	for n := range all {
		c, err := all[n].normal()
		if err == nil && seen[c.ID] {
			err = errors.New("its id is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("number %d: %w", n+1, err)
		}
		seen[c.ID], all[n] = true, c
	}
	return all, nil
}

// normal checks a service and fills in what follows from its kind.
func (c Config) normal() (Config, error) {
	c.ID = cmp.Or(c.ID, string(c.Kind))
	own := c.Kind == GitHub || c.Kind == WeChat
	switch {
	case !isID.MatchString(c.ID) || strings.HasPrefix(c.ID, SSOPrefix):
		return c, errors.New("id has 1 to 31 characters of a-z, 0-9 and -, begins with a letter, and not with " + SSOPrefix)
	case c.ClientID == "":
		return c, errors.New("there is no client_id")
	case c.ClientSecret == "" && c.Kind != OIDC:
		return c, errors.New("there is no client_secret")
	case c.Issuer != "" && c.Kind != OIDC:
		return c, errors.New("issuer is of the kind oidc")
	case !own && c.AuthorizeURL+c.TokenURL+c.APIURL != "":
		return c, errors.New("authorize_url, token_url and api_url are of the kinds github and wechat")
	}
	switch c.Kind {
	case Google:
		c.Issuer, c.Name, c.TrustEmail = "https://accounts.google.com", cmp.Or(c.Name, "Google"), TrustSaid
	case GitHub:
		c.AuthorizeURL, c.Name = cmp.Or(c.AuthorizeURL, "https://github.com/login/oauth/authorize"), cmp.Or(c.Name, "GitHub")
		c.TokenURL, c.APIURL = cmp.Or(c.TokenURL, "https://github.com/login/oauth/access_token"), cmp.Or(c.APIURL, "https://api.github.com")
	case WeChat:
		c.AuthorizeURL, c.Name = cmp.Or(c.AuthorizeURL, "https://open.weixin.qq.com/connect/qrconnect"), cmp.Or(c.Name, "微信")
		c.TokenURL, c.APIURL = cmp.Or(c.TokenURL, "https://api.weixin.qq.com/sns/oauth2/access_token"), cmp.Or(c.APIURL, "https://api.weixin.qq.com")
	case OIDC:
		c.Name = cmp.Or(c.Name, c.ID)
		if c.VerifiedMail {
			c.TrustEmail = TrustSaid
		}
	default:
		return c, errors.New("kind is one of: google, github, wechat, oidc")
	}
	if c.Name != shown(c.Name) {
		return c, errors.New("name has at most 100 visible characters")
	}
	for _, address := range []string{c.Issuer, c.AuthorizeURL, c.TokenURL, c.APIURL} {
		if address != "" && !isAddress(address) {
			return c, errors.New("addresses are of https, or of http at a number, without query and user")
		}
	}
	if c.Kind == OIDC && c.Issuer == "" {
		return c, errors.New("there is no issuer")
	}
	return c, nil
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http")
}

// NewProvider makes the service that a Config is of.
func NewProvider(c Config, client *http.Client, now func() time.Time) (Provider, error) {
	switch c.Kind {
	case GitHub:
		return &github{c: c, client: client}, nil
	case WeChat:
		return &wechat{c: c, client: client}, nil
	case Google, OIDC:
		return &issuer{c: c, client: client, now: now}, nil
	}
	return nil, fmt.Errorf("%q is no kind of sign-in service", c.Kind)
}
