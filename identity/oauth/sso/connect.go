package sso

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/oauth"
	"github.com/massrouter/massrouter/identity/organisation"
)

// CodeRequired is of members who have to come in by the issuer of their organisation.
const CodeRequired domain.Code = "sso_required"

var _ oauth.Connections = (*Store)(nil)

// ByEmail is the provider by which somebody with a mailbox signs in. Errors: invalid_request; not_found: the domain of the mailbox has no issuer.
func (s *Store) ByEmail(ctx context.Context, typed string) (string, error) {
	email, err := address.Parse(typed)
	if err != nil {
		return "", err
	}
	var c Connection
	err = s.pool.QueryRow(ctx, `SELECT c.connection_id FROM identity.sso_domains d JOIN identity.sso_connections c USING (organisation_id)
		JOIN identity.organisations o USING (organisation_id) WHERE d.domain = $1 AND d.verified_at IS NOT NULL AND o.deleted_at IS NULL`, email.Domain()).Scan(&c.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", domain.Errorf(domain.CodeNotFound, "no organisation signs people in for this domain")
	}
	return c.Provider(), identity.Wrap("find the issuer of a domain", err)
}

func noProvider() error {
	return domain.Errorf(domain.CodeNotFound, "there is no such sign-in service")
}

// idOf is the connection of a provider; not_found.
func idOf(provider string) (uuid.UUID, error) {
	id, err := uuid.Parse(provider[min(len(oauth.SSOPrefix), len(provider)):])
	if err != nil || (Connection{ID: id}).Provider() != provider {
		return uuid.Nil, noProvider()
	}
	return id, nil
}

// Provider implements oauth.Connections. What is known of an issuer is kept until its connection changes.
func (s *Store) Provider(ctx context.Context, provider string) (oauth.Provider, error) {
	id, err := idOf(provider)
	if err != nil {
		return nil, err
	}
	v := version{id: id}
	var sealed []byte
	c := oauth.Config{ID: provider, Kind: oauth.OIDC, TrustEmail: oauth.TrustSilent} // the organisation speaks for its mailboxes, and no others pass Check
	err = s.pool.QueryRow(ctx, `SELECT c.issuer, c.client_id, c.client_secret, c.updated_at FROM identity.sso_connections c JOIN identity.organisations o USING (organisation_id)
		WHERE c.connection_id = $1 AND o.deleted_at IS NULL`, id).Scan(&c.Issuer, &c.ClientID, &sealed, &v.at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, noProvider()
	}
	if err != nil {
		return nil, fmt.Errorf("find a connection: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.known[v]; ok {
		return p, nil
	}
	secret, err := s.sealer.Open(sealed, Sealed, id)
	if err != nil {
		return nil, fmt.Errorf("open a client secret: %w", err)
	}
	c.ClientSecret = string(secret)
	p, err := oauth.NewProvider(c, s.client, s.now)
	if err != nil {
		return nil, err
	}
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[v] = p
	return p, nil
}

// Check implements oauth.Connections.
func (s *Store) Check(ctx context.Context, provider string, c oauth.Claims) error {
	id, err := idOf(provider)
	if err != nil {
		return err
	}
	var is bool
	if c.Email != "" {
		err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.sso_connections c JOIN identity.sso_domains d USING (organisation_id)
			WHERE c.connection_id = $1 AND d.domain = $2 AND d.verified_at IS NOT NULL)`, id, c.Email.Domain()).Scan(&is)
	}
	if err == nil && !is {
		return domain.Errorf(domain.CodeForbidden, "the mailbox is in no domain that the organisation has proved")
	}
	return identity.Wrap("find the domain of a mailbox", err)
}

// Member implements oauth.Connections.
func (*Store) Member(ctx context.Context, tx pgx.Tx, provider string, user uuid.UUID) (is bool, err error) {
	id, err := idOf(provider)
	if err != nil {
		return false, err
	}
	return member(ctx, tx, id, user)
}

// Join implements oauth.Connections. Who was taken out of the organisation does not come back by signing in; who was asked in again since is a member already, and nobody taken out
// any more. Errors: forbidden; conflict when there are too many members.
func (s *Store) Join(ctx context.Context, tx pgx.Tx, provider, subject string, user uuid.UUID) error {
	id, err := idOf(provider)
	if err != nil {
		return err
	}
	removed, err := s.Removed(ctx, tx, provider, subject, user)
	if err != nil {
		return err
	}
	if removed {
		return s.again(ctx, tx, provider, subject, user)
	}
	var org uuid.UUID
	var role organisation.Role
	err = tx.QueryRow(ctx, `SELECT o.organisation_id, c.role FROM identity.sso_connections c JOIN identity.organisations o USING (organisation_id)
		WHERE c.connection_id = $1 AND o.deleted_at IS NULL FOR UPDATE OF o`, id).Scan(&org, &role)
	if errors.Is(err, pgx.ErrNoRows) {
		return noProvider()
	}
	if err != nil {
		return fmt.Errorf("find a connection: %w", err)
	}
	var members, of int
	if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM identity.members WHERE organisation_id = $1 AND user_id <> $2), (SELECT count(*) FROM identity.members WHERE user_id = $2 AND organisation_id <> $1)`,
		org, user).Scan(&members, &of); err != nil {
		return fmt.Errorf("count members: %w", err)
	}
	if members >= organisation.MaxMembers || of >= organisation.MaxPerUser {
		return domain.Errorf(domain.CodeConflict, "one belongs to at most %d organisations, and one has at most %d members", organisation.MaxPerUser, organisation.MaxMembers)
	}
	joined, err := tx.Exec(ctx, `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		org, user, role, domain.Moment(s.now()))
	if err == nil && joined.RowsAffected() > 0 {
		c := auditlog.About(ctx, user)
		c.Action, c.Target, c.Organisation, c.After = "member.joined", trail.Of("member", user), org, map[string]any{"role": role}
		err = auditlog.Record(ctx, tx, c)
	}
	return identity.Wrap("join an organisation", err)
}

// Allow says whether somebody may come in by a provider; "" is by what is his own: a password, a passkey. Members with a mailbox of a proved domain come in by their
// organisation's issuer where it insists; its owners by everything, so that an issuer that is down locks nobody out for good. By the issuer of an organisation come in its members. Errors: sso_required, with
// "provider"; forbidden.
func (s *Store) Allow(ctx context.Context, user uuid.UUID, provider string) error {
	return s.AllowIn(ctx, s.pool, user, provider)
}

// AllowIn is Allow in somebody's transaction. Who has locked the user there and is let in is seen by Set, which ends his session.
func (*Store) AllowIn(ctx context.Context, q identity.Querier, user uuid.UUID, provider string) error {
	if err := belongs(ctx, q, user, provider); err != nil {
		return err
	}
	rows, err := q.Query(ctx, `SELECT c.connection_id FROM identity.users u JOIN identity.sso_domains d ON d.domain = split_part(u.email, '@', 2) AND d.verified_at IS NOT NULL
		JOIN identity.sso_connections c USING (organisation_id) JOIN identity.organisations o USING (organisation_id) JOIN identity.members m ON m.organisation_id = d.organisation_id AND m.user_id = u.user_id
		WHERE u.user_id = $1 AND c.enforced AND o.deleted_at IS NULL AND m.role <> 'owner'`, user)
	if err != nil {
		return fmt.Errorf("find out how somebody has to sign in: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	switch {
	case err != nil:
		return fmt.Errorf("find out how somebody has to sign in: %w", err)
	case len(all) == 0:
		return nil
	}
	wanted := Connection{ID: all[0]}.Provider()
	if wanted == provider {
		return nil
	}
	return domain.Errorf(CodeRequired, "your organisation wants you to sign in by its own service").With("provider", wanted)
}

// Hold implements oauth.Connections.
func (*Store) Hold(ctx context.Context, tx pgx.Tx, provider string) error {
	id, err := idOf(provider)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT FROM identity.organisations o JOIN identity.sso_connections c USING (organisation_id) WHERE c.connection_id = $1 FOR UPDATE OF o`, id)
	return identity.Wrap("hold an organisation", err)
}
