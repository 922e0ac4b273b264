package account

import (
	"context"
	"errors"

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
		_, err := owned(ctx, tx, user)
		return err
	}))
}

// Erase deletes somebody: every row that knows of the person, at once. The ledger knows ids only and stays as it is; the person's own organisation stays as an
// id without a name, so that it is never anybody else's. Sessions are gone with it. Errors: last_owner, not_found.
func (s *Service) Erase(ctx context.Context, user uuid.UUID) error {
	for {
		if err := s.erase(ctx, user); !errors.Is(err, errJoined) {
			return identity.Wrap("erase somebody", err)
		}
	}
}

// errJoined is of somebody who came to an organisation after those of before were locked.
var errJoined = errors.New("somebody joined an organisation meanwhile")

func (s *Service) erase(ctx context.Context, user uuid.UUID) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Organisations first, as those who change their members do.
		organisations, err := owned(ctx, tx, user)
		if err != nil {
			return err
		}
		if _, err := byID(ctx, tx, user, forUpdate); err != nil {
			return err
		}
		// From here on nobody makes him a member. Of an organisation that is not locked he may have become the only owner.
		var joined bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.members m JOIN identity.organisations o USING (organisation_id)
			WHERE m.user_id = $1 AND o.personal_of IS NULL AND o.deleted_at IS NULL AND o.organisation_id <> ALL ($2))`, user, organisations).Scan(&joined); err != nil {
			return err
		}
		if joined {
			return errJoined
		}
		if err := lockApprovals(ctx, tx, user); err != nil {
			return err
		}
		if err := forget(ctx, tx, user, s.now()); err != nil {
			return err
		}
		if err := auditlog.Record(ctx, tx, auditlog.About(ctx, user)); err != nil {
			return err
		}
		return auditlog.Forget(ctx, tx, user)
	})
}

// owned locks the organisations of several people that somebody belongs to, and refuses when one of them has no other owner.
func owned(ctx context.Context, tx pgx.Tx, user uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `SELECT o.organisation_id FROM identity.organisations o WHERE o.personal_of IS NULL AND o.deleted_at IS NULL
		AND o.organisation_id IN (SELECT organisation_id FROM identity.members WHERE user_id = $1) ORDER BY o.organisation_id FOR UPDATE`, user)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	var name string
	err = tx.QueryRow(ctx, `SELECT o.name FROM identity.organisations o JOIN identity.members m USING (organisation_id)
		WHERE m.user_id = $1 AND m.role = 'owner' AND o.personal_of IS NULL AND o.deleted_at IS NULL
			AND NOT EXISTS (SELECT FROM identity.members p WHERE p.organisation_id = o.organisation_id AND p.user_id <> $1 AND p.role = 'owner')
		ORDER BY o.name LIMIT 1`, user).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, domain.Errorf(organisation.CodeLastOwner, "you are the last owner of an organisation: make somebody else one, or end it, before").With("organisation", name)
}

// Prune forgets links, invitations and approvals that are over, and sign-ups whose mailbox nobody has proved, a batch at a time, and says how many.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	now := s.now()
	links, err := s.pool.Exec(ctx, `DELETE FROM identity.links WHERE token_hash IN (SELECT token_hash FROM identity.links WHERE expires_at < $1 LIMIT 1000)`, now)
	if err != nil {
		return 0, identity.Wrap("forget links", err)
	}
	people, err := s.pruneSignUps(ctx)
	if err != nil {
		return links.RowsAffected(), err
	}
	over, err := s.pruneOver(ctx)
	return links.RowsAffected() + people + over, err
}
