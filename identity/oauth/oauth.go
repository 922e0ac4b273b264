// Package oauth is the way in by services of others: OAuth 2, OpenID Connect, and what is like them.
//
//	provider.go  what a service is, and what it says of a person
//	config.go    which services there are
//	client.go    how they are reached: bounded, and at public addresses only
//	oidc.go, github.go, wechat.go  how each kind is spoken to
//	flow.go      a browser goes there and comes back, once
//	enter.go     who came back: signed in, made anew, or asked to sign in first
//	identity.go  what somebody has linked
//	logout.go    what a service says has ended there
//	target.go    where a browser may be sent afterwards
//
// A person is known by what a service calls him, never by a mailbox. A mailbox makes an account only where there is none yet, and only when the service
// has proved it; whoever has an account signs in to it first, and links.
package oauth

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// Machine signs people in whom a service has shown.
type Machine interface {
	// External signs somebody in, or asks for a second factor.
	External(ctx context.Context, audience token.Audience, user uuid.UUID, by session.Origin, d session.Device) (signin.Result, error)
	// ConfirmExternal makes a session fresh, with new tokens.
	ConfirmExternal(ctx context.Context, user, id uuid.UUID, d session.Device) (signin.Result, error)
}

// Accounts makes accounts.
type Accounts interface {
	External(ctx context.Context, tx pgx.Tx, email address.Email, p account.Profile) (u account.User, found bool, err error)
}

// Connections are the issuers of organisations.
type Connections interface {
	// Provider is the issuer with an id that begins with SSOPrefix; not_found.
	Provider(ctx context.Context, id string) (Provider, error)
	// Check refuses who may not come in by an issuer: one whose mailbox is in no domain that its organisation has proved.
	Check(ctx context.Context, id string, c Claims) error
	// Hold locks the organisation of an issuer, before any user is; one that is gone is no error.
	Hold(ctx context.Context, tx pgx.Tx, id string) error
	// Member says whether somebody belongs to the issuer's organisation.
	Member(ctx context.Context, tx pgx.Tx, id string, user uuid.UUID) (bool, error)
	// Removed says whether an issuer's organisation has taken out whom the issuer calls so, or the user.
	Removed(ctx context.Context, tx pgx.Tx, id, subject string, user uuid.UUID) (bool, error)
	// Join makes somebody who came by an issuer for the first time a member of its organisation. Errors: forbidden of who was taken out and not asked in again.
	Join(ctx context.Context, tx pgx.Tx, id, subject string, user uuid.UUID) error
	// Allow refuses who has to come in by another issuer, and who belongs no more to the organisation of this one.
	Allow(ctx context.Context, user uuid.UUID, id string) error
}

// Options of a Service.
type Options struct {
	Providers []Config
	Portal    string         // where browsers reach the API from the portal: scheme and host
	Admin     string         // the same from the administration; "" for none
	Allowed   []netip.Prefix // networks that services may be in, although they are not public
	Machine   Machine
	Accounts  Accounts
	SSO       Connections // nil for none
	Now       func() time.Time
}

// Service sends browsers to services and takes them back. It is safe for concurrent use.
type Service struct {
	pool      *pgxpool.Pool
	o         Options
	listed    []Listed
	providers map[string]Provider
}

// Listed is a service as it is shown to who wants to sign in.
type Listed struct {
	ID   string
	Kind Kind
	Name string
}

// New makes a Service. Configs come from ParseConfigs.
func New(pool *pgxpool.Pool, o Options) (*Service, error) {
	s := &Service{pool: pool, o: o, providers: make(map[string]Provider, len(o.Providers))}
	s.o.Portal, s.o.Admin = strings.TrimSuffix(o.Portal, "/"), strings.TrimSuffix(o.Admin, "/")
	for _, site := range []string{s.o.Portal, s.o.Admin} {
		if u, err := url.Parse(site); err != nil || site != "" && (u.Host == "" || u.Path != "") {
			return nil, fmt.Errorf("%q is no scheme and host", site)
		}
	}
	client := NewClient(o.Allowed)
	var err error
	for _, c := range o.Providers {
		if s.providers[c.ID], err = NewProvider(c, client, o.Now); err != nil {
			return nil, err
		}
		s.listed = append(s.listed, Listed{ID: c.ID, Kind: c.Kind, Name: c.Name})
	}
	return s, nil
}

// Providers are the services that everybody may use, in the order of the configuration.
func (s *Service) Providers() []Listed { return s.listed }

// provider finds a service; not_found.
func (s *Service) provider(ctx context.Context, id string) (Provider, error) {
	if p, ok := s.providers[id]; ok {
		return p, nil
	}
	if s.o.SSO != nil && strings.HasPrefix(id, SSOPrefix) {
		return s.o.SSO.Provider(ctx, id)
	}
	return nil, domain.Errorf(domain.CodeNotFound, "there is no such sign-in service")
}

// CallbackPath is the path, below the public address, that a service sends browsers back to. It is a service's own: what one has sent is never shown to
// another (RFC 9700, 4.4).
func CallbackPath(id string) string { return "/console/v1/auth/oauth/" + id + "/callback" }

// redirect is where a service sends browsers back to, at the front end that they came from: cookies are of one host.
func (s *Service) redirect(id string, a token.Audience) (string, error) {
	site := s.o.Portal
	if a == token.Admin {
		site = s.o.Admin
	}
	if site == "" {
		return "", domain.Errorf(domain.CodeInvalid, "this service has no such front end").With("param", "audience")
	}
	return site + CallbackPath(id), nil
}
