// Package sso is single sign-on of organisations: members whose mailboxes are in a domain that an organisation has proved sign in by its own issuer of
// OpenID Connect.
//
//	sso.go      the issuer of an organisation
//	domain.go   the domains, and how they are proved
//	recheck.go  proved domains are looked at again
//	connect.go  who may come in by an issuer, and what becomes of him
//	removed.go  who was taken out of an organisation does not come back by signing in
//	enforce.go  sessions that were made in other ways end
//
// Two organisations never have proved the same domain. An organisation speaks for the mailboxes of its domains and for no others.
package sso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/organisation"
	"github.com/massrouter/massrouter/identity/session"
)

// Sealer encrypts what is kept. name and row are where: what was sealed for one row opens in no other.
type Sealer interface {
	Seal(text []byte, name string, row uuid.UUID) ([]byte, error)
	Open(sealed []byte, name string, row uuid.UUID) ([]byte, error)
}

// Sealed is the table whose client_secret a Sealer has sealed, for the row connection_id.
const Sealed = "identity.sso_connections"

// Resolver asks DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

const (
	maxIssuer  = 2048 // bytes
	maxClient  = 256
	maxSecret  = 1024
	maxDomains = 20
	maxKnown   = 1000 // issuers whose keys are kept in memory
)

// Settings are an organisation's issuer, as its owner sets it.
type Settings struct {
	Issuer       string
	ClientID     string
	ClientSecret *string           // nil leaves what is there
	Role         organisation.Role // of who joins by it
	Enforced     bool              // members with a mailbox of a proved domain come in by it only, but for owners
}

// Connection is an organisation's issuer.
type Connection struct {
	ID        uuid.UUID
	Issuer    string
	ClientID  string
	Role      organisation.Role
	Enforced  bool
	UpdatedAt time.Time
}

// Provider is the id of the connection as a sign-in service.
func (c Connection) Provider() string { return oauth.SSOPrefix + c.ID.String() }

// State is all of an organisation's single sign-on.
type State struct {
	Connection *Connection // nil for none
	Domains    []Domain
}

// Store keeps connections in Postgres. It is safe for concurrent use.
type Store struct {
	pool     *pgxpool.Pool
	sealer   Sealer
	resolver Resolver
	client   *http.Client
	sessions *session.Store
	now      func() time.Time

	mu    sync.Mutex
	known map[version]oauth.Provider
}

// version is a connection as it was at a time.
type version struct {
	id uuid.UUID
	at time.Time
}

// New makes a Store. client reaches the issuers, whose addresses customers choose: it should reach public ones only.
func New(pool *pgxpool.Pool, sealer Sealer, resolver Resolver, client *http.Client, now func() time.Time) *Store {
	return &Store{pool: pool, sealer: sealer, resolver: resolver, client: client, sessions: session.New(pool, now), now: now, known: map[version]oauth.Provider{}}
}

// Get is what an organisation has.
func (s *Store) Get(ctx context.Context, org uuid.UUID) (State, error) {
	var state State
	rows, err := wall.Query(ctx, s.pool, `SELECT connection_id, issuer, client_id, role, enforced, updated_at FROM identity.sso_connections WHERE organisation_id = $1`, org)
	if err != nil {
		return state, fmt.Errorf("find a connection: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (c Connection, err error) {
		err = r.Scan(&c.ID, &c.Issuer, &c.ClientID, &c.Role, &c.Enforced, &c.UpdatedAt)
		return c, err
	})
	switch {
	case err == nil:
		c.UpdatedAt = c.UpdatedAt.UTC()
		state.Connection = &c
	case !errors.Is(err, pgx.ErrNoRows):
		return state, fmt.Errorf("find a connection: %w", err)
	}
	state.Domains, err = s.domains(ctx, org)
	return state, err
}

func (w *Settings) check() error {
	bad := func(param, why string) error {
		return domain.Errorf(domain.CodeInvalid, "%s", why).With("param", param)
	}
	u, err := url.Parse(w.Issuer)
	switch {
	case err != nil || len(w.Issuer) > maxIssuer || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Contains(w.Issuer, "#"):
		return bad("issuer", "issuer is an address of https")
	case w.ClientID == "" || len(w.ClientID) > maxClient || strings.ContainsFunc(w.ClientID, func(c rune) bool { return c <= ' ' || c > '~' }):
		return bad("client_id", "client_id has 1 to 256 visible characters of ASCII")
	case w.ClientSecret != nil && len(*w.ClientSecret) > maxSecret:
		return bad("client_secret", "client_secret has at most 1024 bytes")
	case w.Role != organisation.Admin && w.Role != organisation.Finance && w.Role != organisation.Developer && w.Role != organisation.Viewer:
		return bad("role", "role is one of: admin, finance, developer, viewer")
	}
	return nil
}

// Set keeps an issuer. Another issuer or client is another connection: what somebody had linked by the one before is nobody's any more, so that whoever is called
// the same there is not taken for the same. Errors: invalid_request, conflict for somebody's own organisation.
func (s *Store) Set(ctx context.Context, org uuid.UUID, w Settings) error {
	if err := w.check(); err != nil {
		return err
	}
	return s.change(ctx, org, func(tx pgx.Tx) error {
		var id uuid.UUID
		var issuer, client string
		err := tx.QueryRow(ctx, `SELECT connection_id, issuer, client_id FROM identity.sso_connections WHERE organisation_id = $1 FOR UPDATE`, org).Scan(&id, &issuer, &client)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		now := domain.Moment(s.now())
		if noted := auditlog.Record(ctx, tx, trail.Change{
			Target: trail.Of("organisation", org), Organisation: org, Before: map[string]any{"issuer": issuer, "client_id": client},
			After: map[string]any{"issuer": w.Issuer, "client_id": w.ClientID, "role": w.Role, "enforced": w.Enforced, "another_key": w.ClientSecret != nil},
		}); noted != nil {
			return noted
		}
		if err == nil && issuer == w.Issuer && client == w.ClientID {
			if err := s.update(ctx, tx, id, w, now); err != nil {
				return err
			}
			return s.enforce(ctx, tx, org)
		}
		if err == nil {
			if err := remove(ctx, tx, id); err != nil {
				return err
			}
		}
		if id, err = uuid.NewV7(); err != nil {
			return fmt.Errorf("name a connection: %w", err)
		}
		sealed, err := s.seal(id, w.ClientSecret)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO identity.sso_connections (connection_id, organisation_id, issuer, client_id, client_secret, role, enforced, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`, id, org, w.Issuer, w.ClientID, sealed, w.Role, w.Enforced, now)
		if err != nil {
			return err
		}
		return s.enforce(ctx, tx, org)
	})
}

func (s *Store) update(ctx context.Context, tx pgx.Tx, id uuid.UUID, w Settings, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE identity.sso_connections SET role = $2, enforced = $3, updated_at = $4 WHERE connection_id = $1`, id, w.Role, w.Enforced, now); err != nil {
		return err
	}
	if w.ClientSecret == nil {
		return nil
	}
	sealed, err := s.seal(id, w.ClientSecret)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE identity.sso_connections SET client_secret = $2 WHERE connection_id = $1`, id, sealed)
	return err
}

func (s *Store) seal(id uuid.UUID, secret *string) ([]byte, error) {
	if secret == nil {
		secret = new(string)
	}
	sealed, err := s.sealer.Seal([]byte(*secret), Sealed, id)
	return sealed, identity.Wrap("seal a client secret", err)
}

// remove takes a connection away, with what was linked by it.
func remove(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	provider := Connection{ID: id}.Provider()
	if _, err := tx.Exec(ctx, `DELETE FROM identity.external_identities WHERE provider = $1`, provider); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM identity.oauth_pending WHERE provider = $1`, provider); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM identity.sso_connections WHERE connection_id = $1`, id)
	return err
}

// Remove takes the issuer away; the domains stay. Errors: not_found.
func (s *Store) Remove(ctx context.Context, org uuid.UUID) error {
	return s.change(ctx, org, func(tx pgx.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `SELECT connection_id FROM identity.sso_connections WHERE organisation_id = $1 FOR UPDATE`, org).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return domain.Errorf(domain.CodeNotFound, "this organisation has no issuer")
		}
		if err != nil {
			return err
		}
		if err := auditlog.Record(ctx, tx, wayIn(org, "connection", "removed")); err != nil {
			return err
		}
		return remove(ctx, tx, id)
	})
}

// wayIn is a change of an organisation's way in, for the audit trail.
func wayIn(org uuid.UUID, what, change string) trail.Change {
	return trail.Change{Target: trail.Of("organisation", org), Organisation: org, After: map[string]string{what: change}}
}

// change runs a change of an organisation of several people, one after the other. Errors: not_found, conflict.
func (s *Store) change(ctx context.Context, org uuid.UUID, do func(pgx.Tx) error) error {
	return identity.Wrap("change single sign-on", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var personal bool
		err := tx.QueryRow(ctx, `SELECT personal_of IS NOT NULL FROM identity.organisations WHERE organisation_id = $1 AND deleted_at IS NULL FOR UPDATE`, org).Scan(&personal)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return domain.Errorf(domain.CodeNotFound, "there is no such organisation")
		case err != nil:
			return err
		case personal:
			return domain.Errorf(domain.CodeConflict, "this organisation is one person's own")
		}
		return do(tx)
	}))
}
