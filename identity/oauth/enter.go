package oauth

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

// Outcome is where somebody who came back has come to.
type Outcome struct {
	Purpose  Purpose
	Provider string
	Audience token.Audience
	Target   string // where the browser was to go
	// Result is of a sign-in: a session, or the challenge of a second factor. It is empty when Pending is not.
	Result signin.Result
	// Pending is the secret by which the browser may link what the service has shown, once somebody has signed in there another way: there is an account
	// with this mailbox, or no proved mailbox to make one of. "" else.
	Pending string
}

func (s *Service) isSSO(provider string) bool {
	return s.o.SSO != nil && strings.HasPrefix(provider, SSOPrefix)
}

// enter signs in whom the service has shown.
func (s *Service) enter(ctx context.Context, f flow, c Claims, d session.Device, o *Outcome) error {
	user, err := s.who(ctx, f.provider, c, o)
	if err != nil || o.Pending != "" {
		return identity.Wrap("find whom a service has shown", err)
	}
	if s.o.SSO != nil {
		if err := s.o.SSO.Allow(ctx, user, f.provider); err != nil {
			return err
		}
	}
	o.Result, err = s.o.Machine.External(ctx, f.audience, user, session.Origin{Provider: f.provider, Subject: c.Subject, Session: c.Session}, d)
	return err
}

// who is the user of an identity: the one that it is linked to, or a new one. Otherwise the identity is kept for who signs in next in this browser.
func (s *Service) who(ctx context.Context, provider string, c Claims, o *Outcome) (user uuid.UUID, err error) {
	return user, pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.hold(ctx, tx, provider); err != nil {
			return err
		}
		// Several browsers of one person who comes for the first time come one after the other.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('identity external ' || $1 || ' ' || $2, 0))`, provider, c.Subject); err != nil {
			return err
		}
		user, err = s.use(ctx, tx, provider, c)
		if !errors.Is(err, errUnknown) {
			return err
		}
		if c.Verified {
			u, found, err := s.o.Accounts.External(ctx, tx, c.Email, account.Profile{Name: c.Name, Language: account.English, Zone: "UTC"})
			if err != nil {
				return err
			}
			joins := !found
			if found && s.isSSO(provider) { // who belongs to an organisation has agreed to its ways, and its domain is proved
				if joins, err = s.o.SSO.Member(ctx, tx, provider, u.ID); err != nil {
					return err
				}
				removed, err := s.o.SSO.Removed(ctx, tx, provider, c.Subject, u.ID)
				if err != nil {
					return err
				}
				if removed && !joins {
					return Left()
				}
			}
			if joins {
				user = u.ID
				if err := s.first(ctx, tx, provider, c, user); err != nil || !found {
					return err
				}
				return s.told(ctx, tx, user, account.IdentityLinked, provider)
			}
		}
		o.Pending, err = s.keep(ctx, tx, provider, c)
		return err
	})
}

// hold locks the organisation of an issuer of one: organisations are locked before users.
func (s *Service) hold(ctx context.Context, tx pgx.Tx, provider string) error {
	if !s.isSSO(provider) {
		return nil
	}
	return s.o.SSO.Hold(ctx, tx, provider)
}

// told notes the mail that tells of what was linked or unlinked.
func (s *Service) told(ctx context.Context, tx pgx.Tx, user uuid.UUID, k account.Kind, provider string) error {
	return account.TellOnce(ctx, tx, user, k, map[string]string{"service": s.called(provider)}, s.o.Now())
}

// called is what a service is called to people.
func (s *Service) called(provider string) string {
	for _, known := range s.listed {
		if known.ID == provider {
			return known.Name
		}
	}
	if s.isSSO(provider) {
		return "SSO"
	}
	return provider
}

// first links an identity for the first time.
func (s *Service) first(ctx context.Context, tx pgx.Tx, provider string, c Claims, user uuid.UUID) error {
	if err := s.insert(ctx, tx, provider, c, user); err != nil {
		return err
	}
	change := auditlog.About(ctx, user)
	change.After = map[string]string{"linked": provider}
	if err := auditlog.Record(ctx, tx, change); err != nil {
		return err
	}
	if s.isSSO(provider) {
		return s.o.SSO.Join(ctx, tx, provider, c.Subject, user)
	}
	return nil
}

// Left is of who is shown by the issuer of an organisation that he belongs to no more.
func Left() error {
	return domain.Errorf(domain.CodeForbidden, "you do not belong to the organisation of this sign-in service any more: sign in another way, or have yourself invited again")
}

var errUnknown = errors.New("nobody has this identity")

// use finds who has an identity, and notes what the service says now.
func (s *Service) use(ctx context.Context, tx pgx.Tx, provider string, c Claims) (user uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `UPDATE identity.external_identities i SET used_at = $3, email = $4, name = $5 FROM identity.users u
		WHERE i.provider = $1 AND i.subject = $2 AND u.user_id = i.user_id AND u.deleted_at IS NULL RETURNING i.user_id`,
		provider, c.Subject, domain.Moment(s.o.Now()), c.Email, c.Name).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, errUnknown
	}
	return user, identity.Wrap("find who has an identity", err)
}

// keep notes an identity for the browser that has shown it.
func (s *Service) keep(ctx context.Context, tx pgx.Tx, provider string, c Claims) (string, error) {
	secret := code.Token()
	h := code.HashOf("oauth pending", nil, secret)
	_, err := tx.Exec(ctx, `INSERT INTO identity.oauth_pending (secret_hash, provider, subject, email, name, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		h[:], provider, c.Subject, c.Email, c.Name, s.o.Now().Add(Life))
	return secret, identity.Wrap("keep what a service has shown", err)
}

// confirm makes a session fresh, when the service has shown its user once more.
func (s *Service) confirm(ctx context.Context, f flow, c Claims, d session.Device, o *Outcome) error {
	var user uuid.UUID
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		user, err = s.use(ctx, tx, f.provider, c)
		return err
	})
	if errors.Is(err, errUnknown) || err == nil && user != *f.user {
		return refused("this is somebody else")
	}
	if err != nil {
		return identity.Wrap("find whom a service has shown", err)
	}
	o.Result, err = s.o.Machine.ConfirmExternal(ctx, user, *f.of, d)
	return err
}
