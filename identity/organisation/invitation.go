package organisation

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/projections/page"
)

// MaxInvitationsPerDay are those of one person, of all organisations.
const MaxInvitationsPerDay = 200

// InvitationLife is how long an invitation is open.
const InvitationLife = 7 * 24 * time.Hour

// Invitation asks the owner of a mailbox into an organisation. Whoever signs in with that mailbox, proved, sees it.
type Invitation struct {
	ID           uuid.UUID
	Organisation uuid.UUID
	Name         string // of the organisation
	Email        address.Email
	Role         Role
	InvitedBy    uuid.UUID
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// Invite makes an invitation, in place of an open one to the same mailbox. tell notes the mail in the same transaction. Errors: invalid_request, not_found,
// conflict: who is invited belongs to it, or there are too many; idempotency_conflict.
func (s *Service) Invite(ctx context.Context, id, organisation, by uuid.UUID, email address.Email, role Role, tell func(pgx.Tx, Invitation) error) (i Invitation, err error) {
	if err := role.check(); err != nil {
		return i, err
	}
	if role == Owner {
		return i, domain.Errorf(domain.CodeInvalid, "an owner is made of a member: invite with another role first").With("param", "role")
	}
	now := domain.Moment(s.now())
	i = Invitation{ID: id, Organisation: organisation, Email: email, Role: role, InvitedBy: by, CreatedAt: now, ExpiresAt: now.Add(InvitationLife)}
	return i, s.change(ctx, organisation, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT name FROM identity.organisations WHERE organisation_id = $1`, organisation).Scan(&i.Name); err != nil {
			return err
		}
		if known, err := sent(ctx, tx, &i); known || err != nil {
			return err
		}
		var member bool
		var members, open int
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.members m JOIN identity.users u USING (user_id) WHERE m.organisation_id = $1 AND u.email = $2 AND u.deleted_at IS NULL),
			(SELECT count(*) FROM identity.members WHERE organisation_id = $1),
			(SELECT count(*) FROM identity.invitations WHERE organisation_id = $1 AND ended_at IS NULL AND expires_at > $3 AND email <> $2)`,
			organisation, email, now).Scan(&member, &members, &open)
		switch {
		case err != nil:
			return err
		case member:
			return domain.Errorf(domain.CodeConflict, "who has this mailbox is a member")
		case members+open >= MaxMembers || open >= MaxInvitations:
			return domain.Errorf(domain.CodeConflict, "an organisation has at most %d members and %d open invitations", MaxMembers, MaxInvitations)
		}
		if err := enough(ctx, tx, by, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.invitations SET ended_at = $3, ended_as = 'replaced' WHERE organisation_id = $1 AND email = $2 AND ended_at IS NULL`,
			organisation, email, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO identity.invitations (invitation_id, organisation_id, email, role, invited_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, organisation, email, role, by, i.CreatedAt, i.ExpiresAt); err != nil {
			return err
		}
		if err := note(ctx, tx, organisation, trail.Change{Target: trail.Of("invitation", id), After: map[string]Role{"role": role}}); err != nil {
			return err
		}
		return tell(tx, i)
	})
}

// enough refuses somebody who has invited too many within a day, whether or not they came: each gets a mail.
func enough(ctx context.Context, tx pgx.Tx, by uuid.UUID, now time.Time) error {
	const day = 24 * time.Hour
	var n int
	var oldest *time.Time
	if err := tx.QueryRow(ctx, `SELECT count(*), min(created_at) FROM identity.invitations WHERE invited_by = $1 AND created_at > $2`, by, now.Add(-day)).Scan(&n, &oldest); err != nil {
		return err
	}
	if n < MaxInvitationsPerDay {
		return nil
	}
	wait := max(oldest.Add(day).Sub(now), time.Second)
	return domain.Errorf(domain.CodeRateLimited, "one sends at most %d invitations a day", MaxInvitationsPerDay).With("retry_after", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
}

// sent says whether an invitation was made before, by the same request.
func sent(ctx context.Context, tx pgx.Tx, i *Invitation) (bool, error) {
	before := *i
	err := tx.QueryRow(ctx, `SELECT organisation_id, email, role, created_at, expires_at FROM identity.invitations WHERE invitation_id = $1`, i.ID).
		Scan(&before.Organisation, &before.Email, &before.Role, &before.CreatedAt, &before.ExpiresAt)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case before.Organisation != i.Organisation || before.Email != i.Email || before.Role != i.Role:
		return false, domain.Errorf(domain.CodeIdempotencyConflict, "this idempotency key was used for another invitation")
	}
	i.CreatedAt, i.ExpiresAt = before.CreatedAt.UTC(), before.ExpiresAt.UTC()
	return true, nil
}

const invitationColumns = `i.invitation_id, i.organisation_id, o.name, i.email, i.role, i.invited_by, i.created_at, i.expires_at`

func scanInvitation(r pgx.CollectableRow) (i Invitation, err error) {
	err = r.Scan(&i.ID, &i.Organisation, &i.Name, &i.Email, &i.Role, &i.InvitedBy, &i.CreatedAt, &i.ExpiresAt)
	i.CreatedAt, i.ExpiresAt = i.CreatedAt.UTC(), i.ExpiresAt.UTC()
	return i, err
}

// Invitations lists the open invitations of an organisation, those that end first first. Limit is that of page.Limit. Errors: invalid_request.
func (s *Service) Invitations(ctx context.Context, organisation uuid.UUID, cursor string, limit int) (page.Part[Invitation], error) {
	return s.invitations(ctx, page.ListOf("invitations", organisation.String()), `i.organisation_id = $1`, organisation, cursor, limit)
}

// InvitationsTo lists the open invitations to a mailbox that a user has proved, as Invitations does.
func (s *Service) InvitationsTo(ctx context.Context, user uuid.UUID, email address.Email, cursor string, limit int) (page.Part[Invitation], error) {
	return s.invitations(ctx, page.ListOf("invited", user.String()), `i.email = $1`, email, cursor, limit)
}

func (s *Service) invitations(ctx context.Context, list page.List, where string, arg any, cursor string, limit int) (p page.Part[Invitation], err error) {
	w, err := list.After(cursor, limit)
	if err != nil {
		return p, err
	}
	if now := s.now(); !w.At.After(now) { // what is over lies before all that is open
		w.At, w.ID = now, uuid.Max
	}
	rows, err := wall.Query(ctx, s.pool, `SELECT `+invitationColumns+` FROM identity.invitations i JOIN identity.organisations o USING (organisation_id)
		WHERE `+where+` AND i.ended_at IS NULL AND (i.expires_at, i.invitation_id) > ($2, $3) AND o.deleted_at IS NULL
		ORDER BY i.expires_at, i.invitation_id LIMIT `+w.Rows(), arg, w.At, w.ID)
	if err != nil {
		return p, identity.Wrap("list invitations", err)
	}
	all, err := pgx.CollectRows(rows, scanInvitation)
	if err != nil {
		return p, identity.Wrap("list invitations", err)
	}
	return page.Cut(w, all, func(i *Invitation) (time.Time, uuid.UUID) { return i.ExpiresAt, i.ID }), nil
}

// Withdraw takes an invitation back. Errors: not_found.
func (s *Service) Withdraw(ctx context.Context, organisation, id uuid.UUID) error {
	return s.end(ctx, `invitation_id = $1 AND organisation_id = $2`, "withdrawn", id, organisation)
}

// Decline refuses an invitation to a mailbox that was proved. Errors: not_found.
func (s *Service) Decline(ctx context.Context, email address.Email, id uuid.UUID) error {
	return s.end(ctx, `invitation_id = $1 AND email = $2`, "declined", id, email)
}

func (s *Service) end(ctx context.Context, where, as string, args ...any) error {
	return identity.Wrap("end an invitation", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var id, organisation uuid.UUID
		err := tx.QueryRow(ctx, `UPDATE identity.invitations SET ended_at = $3, ended_as = $4 WHERE `+where+` AND ended_at IS NULL AND expires_at > $3
			RETURNING invitation_id, organisation_id`, append(args, s.now(), as)...).Scan(&id, &organisation)
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound("invitation")
		}
		if err != nil {
			return err
		}
		return note(ctx, tx, organisation, trail.Change{Target: trail.Of("invitation", id), After: map[string]string{"ended": as}})
	}))
}

// Accept makes the owner of a mailbox that was proved a member. Errors: not_found, conflict; unauthenticated when the account was erased.
func (s *Service) Accept(ctx context.Context, user uuid.UUID, email address.Email, id uuid.UUID) (Organisation, error) {
	var organisation uuid.UUID
	var role Role
	err := s.pool.QueryRow(ctx, `SELECT organisation_id, role FROM identity.invitations WHERE invitation_id = $1 AND email = $2 AND ended_at IS NULL AND expires_at > $3`,
		id, email, s.now()).Scan(&organisation, &role)
	if errors.Is(err, pgx.ErrNoRows) {
		return Organisation{}, notFound("invitation")
	}
	if err != nil {
		return Organisation{}, identity.Wrap("find an invitation", err)
	}
	err = s.change(ctx, organisation, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE identity.invitations SET ended_at = $2, ended_as = 'accepted' WHERE invitation_id = $1 AND ended_at IS NULL`, id, s.now())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return notFound("invitation") // it was withdrawn meanwhile
		}
		var n, members int
		if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM identity.members WHERE user_id = $1), (SELECT count(*) FROM identity.members WHERE organisation_id = $2)`,
			user, organisation).Scan(&n, &members); err != nil {
			return err
		}
		if n >= MaxPerUser || members >= MaxMembers {
			return domain.Errorf(domain.CodeConflict, "one belongs to at most %d organisations, and one has at most %d members", MaxPerUser, MaxMembers)
		}
		_, err = tx.Exec(ctx, `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			organisation, user, role, domain.Moment(s.now()))
		if err != nil {
			return err
		}
		return note(ctx, tx, organisation, trail.Change{Target: trail.Of("member", user), After: map[string]Role{"role": role}})
	})
	if err != nil {
		return Organisation{}, err
	}
	return s.Get(ctx, user, organisation)
}
