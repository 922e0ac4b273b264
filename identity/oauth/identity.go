package oauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
)

// Identity is what somebody has at a service.
type Identity struct {
	ID       uuid.UUID
	Provider string
	Name     string // of the service; "" for one that is no longer configured
	Email    string // as the service said last; "" for none
	Shown    string // the person's name there
	LinkedAt time.Time
	UsedAt   time.Time
}

const maxIdentities = 20

// The codes of links.
const (
	CodeTaken domain.Code = "identity_taken" // it is linked to another account
	CodeLast  domain.Code = "last_way_in"    // there would be no way to sign in
)

// Identities are what a user has linked, the oldest first.
func (s *Service) Identities(ctx context.Context, user uuid.UUID) ([]Identity, error) {
	rows, err := s.pool.Query(ctx, `SELECT identity_id, provider, email, name, linked_at, used_at FROM identity.external_identities WHERE user_id = $1
		ORDER BY linked_at, identity_id`, user)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i Identity, err error) {
		err = r.Scan(&i.ID, &i.Provider, &i.Email, &i.Shown, &i.LinkedAt, &i.UsedAt)
		i.LinkedAt, i.UsedAt = i.LinkedAt.UTC(), i.UsedAt.UTC()
		for _, known := range s.listed {
			if known.ID == i.Provider {
				i.Name = known.Name
			}
		}
		if s.isSSO(i.Provider) {
			i.Name = "SSO"
		}
		return i, err
	})
	return all, identity.Wrap("list identities", err)
}

// insert links. The user is locked, so that what is counted is so. Errors: identity_taken, conflict.
func (s *Service) insert(ctx context.Context, tx pgx.Tx, provider string, c Claims, user uuid.UUID) error {
	n, err := lock(ctx, tx, user)
	switch {
	case err != nil:
		return err
	case n >= maxIdentities:
		return domain.Errorf(domain.CodeConflict, "one account has at most %d identities", maxIdentities)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("name an identity: %w", err)
	}
	var owner uuid.UUID
	// The update changes nothing but returns whose it is.
	err = tx.QueryRow(ctx, `INSERT INTO identity.external_identities AS i (identity_id, provider, subject, user_id, email, name, linked_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (provider, subject) DO UPDATE SET subject = i.subject RETURNING user_id`,
		id, provider, c.Subject, user, c.Email, c.Name, domain.Moment(s.o.Now())).Scan(&owner)
	if err == nil && owner != user {
		return domain.Errorf(CodeTaken, "this identity is linked to another account")
	}
	return identity.Wrap("link an identity", err)
}

// lock takes the row of a user who is there, and counts what is linked to it. Errors: not_found.
func lock(ctx context.Context, tx pgx.Tx, user uuid.UUID) (n int, err error) {
	var there uuid.UUID
	err = tx.QueryRow(ctx, `SELECT user_id FROM identity.users WHERE user_id = $1 AND deleted_at IS NULL FOR UPDATE`, user).Scan(&there)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, domain.Errorf(domain.CodeNotFound, "there is no such user")
	}
	if err != nil {
		return 0, fmt.Errorf("lock a user: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM identity.external_identities WHERE user_id = $1`, user).Scan(&n)
	return n, identity.Wrap("count identities", err)
}

// link gives what a service has shown to who had gone there for it.
func (s *Service) link(ctx context.Context, f flow, c Claims) error {
	return identity.Wrap("link an identity", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.hold(ctx, tx, f.provider); err != nil {
			return err
		}
		if err := live(ctx, tx, *f.user, *f.of, s.o.Now()); err != nil {
			return err
		}
		if err := s.first(ctx, tx, f.provider, c, *f.user); err != nil {
			return err
		}
		return s.told(ctx, tx, *f.user, account.IdentityLinked, f.provider)
	}))
}

// live refuses a session that has ended since the browser was sent. Errors: unauthenticated.
func live(ctx context.Context, tx pgx.Tx, user, session uuid.UUID, now time.Time) error {
	var is bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.sessions WHERE session_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3)`,
		session, user, now).Scan(&is); err != nil {
		return fmt.Errorf("find a session: %w", err)
	}
	if !is {
		return domain.Errorf(domain.CodeUnauthenticated, "sign in again")
	}
	return nil
}

// Claim links what a service has shown in this browser to who has signed in there since; secret is Outcome.Pending. The caller makes sure that the session is
// fresh. Errors: sign_in_over, identity_taken.
func (s *Service) Claim(ctx context.Context, user uuid.UUID, secret string) error {
	h := code.HashOf("oauth pending", nil, secret)
	return identity.Wrap("link an identity", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var provider string
		var c Claims
		if err := tx.QueryRow(ctx, `SELECT coalesce((SELECT provider FROM identity.oauth_pending WHERE secret_hash = $1), '')`, h[:]).Scan(&provider); err != nil {
			return err
		}
		if err := s.hold(ctx, tx, provider); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `DELETE FROM identity.oauth_pending WHERE secret_hash = $1 AND expires_at > $2 RETURNING provider, subject, email, name`,
			h[:], s.o.Now()).Scan(&provider, &c.Subject, &c.Email, &c.Name)
		if errors.Is(err, pgx.ErrNoRows) {
			return over()
		}
		if err != nil {
			return err
		}
		if err := s.first(ctx, tx, provider, c, user); err != nil {
			return err
		}
		return s.told(ctx, tx, user, account.IdentityLinked, provider)
	}))
}

// Unlink takes an identity away. The caller makes sure that the session is fresh. Errors: not_found, last_way_in.
func (s *Service) Unlink(ctx context.Context, user, id uuid.UUID) error {
	return identity.Wrap("unlink an identity", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, user); err != nil {
			return err
		}
		var provider string
		err := tx.QueryRow(ctx, `DELETE FROM identity.external_identities WHERE identity_id = $2 AND user_id = $1 RETURNING provider`, user, id).Scan(&provider)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err != nil {
			return domain.Errorf(domain.CodeNotFound, "there is no such identity")
		}
		var left bool // services that are no longer configured are no way in
		if err := tx.QueryRow(ctx, `SELECT password <> '' OR EXISTS (SELECT FROM identity.passkeys p WHERE p.user_id = u.user_id)
			OR EXISTS (SELECT FROM identity.external_identities i WHERE i.user_id = u.user_id AND (i.provider = ANY ($2) OR i.provider LIKE $3)) FROM identity.users u WHERE user_id = $1`,
			user, slices.Collect(maps.Keys(s.providers)), SSOPrefix+"%").Scan(&left); err != nil {
			return err
		}
		if !left {
			return domain.Errorf(CodeLast, "this is the last way to sign in: set a password or add a passkey first")
		}
		c := auditlog.About(ctx, user)
		c.Target = trail.Of("identity", id)
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		return s.told(ctx, tx, user, account.IdentityUnlinked, provider)
	}))
}
