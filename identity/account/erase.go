package account

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/organisation"
)

// CanErase refuses when an organisation of several people would be left without an owner. Errors: last_owner, not_found.
func (s *Service) CanErase(ctx context.Context, user uuid.UUID) error {
	return identity.Wrap("ask whether somebody may go", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := byID(ctx, tx, user, ""); err != nil {
			return err
		}
		return owned(ctx, tx, user)
	}))
}

// Erase deletes somebody: every row that knows of the person, at once. The ledger knows ids only and stays as it is; the person's own organisation stays as an
// id without a name, so that it is never anybody else's. Sessions are gone with it. Errors: last_owner, not_found.
func (s *Service) Erase(ctx context.Context, user uuid.UUID) error {
	return identity.Wrap("erase somebody", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Organisations first, as those who change their members do.
		if err := owned(ctx, tx, user); err != nil {
			return err
		}
		u, err := byID(ctx, tx, user, forUpdate)
		if err != nil {
			return err
		}
		for _, one := range []struct {
			sql string
			arg any
		}{
			{`UPDATE identity.organisations SET personal_of = NULL, name = '', deleted_at = coalesce(deleted_at, now()) WHERE personal_of = $1`, user},
			{`DELETE FROM identity.invitations WHERE email = $1`, u.Email},
			{`DELETE FROM identity.mails WHERE recipient = $1`, u.Email},
			{`DELETE FROM identity.links WHERE email = $1`, u.Email},
			{`DELETE FROM identity.users WHERE user_id = $1`, user}, // and with it what refers to it
		} {
			if _, err := tx.Exec(ctx, one.sql, one.arg); err != nil {
				return err
			}
		}
		if err := auditlog.Record(ctx, tx, auditlog.About(ctx, user)); err != nil {
			return err
		}
		return auditlog.Forget(ctx, tx, user)
	}))
}

// owned locks the organisations of several people that somebody belongs to, and refuses when one of them has no other owner.
func owned(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	if _, err := tx.Exec(ctx, `SELECT FROM identity.organisations o WHERE o.personal_of IS NULL AND o.deleted_at IS NULL
		AND o.organisation_id IN (SELECT organisation_id FROM identity.members WHERE user_id = $1) ORDER BY o.organisation_id FOR UPDATE`, user); err != nil {
		return err
	}
	var name string
	err := tx.QueryRow(ctx, `SELECT o.name FROM identity.organisations o JOIN identity.members m USING (organisation_id)
		WHERE m.user_id = $1 AND m.role = 'owner' AND o.personal_of IS NULL AND o.deleted_at IS NULL
			AND NOT EXISTS (SELECT FROM identity.members p WHERE p.organisation_id = o.organisation_id AND p.user_id <> $1 AND p.role = 'owner')
		ORDER BY o.name LIMIT 1`, user).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return domain.Errorf(organisation.CodeLastOwner, "you are the last owner of an organisation: make somebody else one, or end it, before").With("organisation", name)
}

// keepUnproved is how long an account waits for the proof of its mailbox.
const keepUnproved = 7 * 24 * time.Hour

// Prune forgets links that are over, and accounts whose mailbox nobody has proved, a batch at a time, and says how many.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	now := s.now()
	links, err := s.pool.Exec(ctx, `DELETE FROM identity.links WHERE token_hash IN (SELECT token_hash FROM identity.links WHERE expires_at < $1 LIMIT 1000)`, now)
	if err != nil {
		return 0, identity.Wrap("forget links", err)
	}
	people, err := s.pool.Exec(ctx, `DELETE FROM identity.users WHERE user_id IN (
		SELECT user_id FROM identity.users WHERE email_verified_at IS NULL AND created_at < $1 LIMIT 1000)`, now.Add(-keepUnproved))
	return links.RowsAffected() + people.RowsAffected(), identity.Wrap("forget accounts that nobody has proved", err)
}
