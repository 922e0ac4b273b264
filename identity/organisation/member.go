package organisation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/projections/page"
)

// Member is somebody in an organisation.
type Member struct {
	User     uuid.UUID
	Email    string
	Name     string
	Role     Role
	JoinedAt time.Time
}

// Members lists who belongs to an organisation, those who came first first. Limit is that of page.Limit. Errors: invalid_request.
func (s *Service) Members(ctx context.Context, id uuid.UUID, cursor string, limit int) (p page.Part[Member], err error) {
	w, err := page.ListOf("members", id.String()).After(cursor, limit)
	if err != nil {
		return p, err
	}
	rows, err := wall.Query(ctx, s.pool, `SELECT m.user_id, u.email, u.name, m.role, m.joined_at FROM identity.members m JOIN identity.users u USING (user_id)
		WHERE m.organisation_id = $1 AND (m.joined_at, m.user_id) > ($2, $3) ORDER BY m.joined_at, m.user_id LIMIT `+w.Rows(), id, w.At, w.ID)
	if err != nil {
		return p, identity.Wrap("list members", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (m Member, err error) {
		err = r.Scan(&m.User, &m.Email, &m.Name, &m.Role, &m.JoinedAt)
		m.JoinedAt = m.JoinedAt.UTC()
		return m, err
	})
	if err != nil {
		return p, identity.Wrap("list members", err)
	}
	return page.Cut(w, all, func(m *Member) (time.Time, uuid.UUID) { return m.JoinedAt, m.User }), nil
}

// SetRole changes the role of a member. by is whose role says whether that may be: only owners make and unmake owners. Errors: invalid_request, not_found,
// forbidden, last_owner.
func (s *Service) SetRole(ctx context.Context, id, by, user uuid.UUID, role Role) error {
	if err := role.check(); err != nil {
		return err
	}
	return s.change(ctx, id, func(tx pgx.Tx) error {
		actor, before, err := roles(ctx, tx, id, by, user)
		if err != nil {
			return err
		}
		if (role == Owner || before == Owner) && actor != Owner {
			return onlyOwners()
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.members SET role = $3 WHERE organisation_id = $1 AND user_id = $2`, id, user, role); err != nil {
			return err
		}
		if err := owned(ctx, tx, id); err != nil {
			return err
		}
		return note(ctx, tx, id, trail.Change{Target: trail.Of("member", user), Before: map[string]Role{"role": before}, After: map[string]Role{"role": role}})
	})
}

// Remove takes somebody out of an organisation; one can leave oneself. Errors: not_found, forbidden, last_owner.
func (s *Service) Remove(ctx context.Context, id, by, user uuid.UUID) error {
	return s.change(ctx, id, func(tx pgx.Tx) error {
		actor, before, err := roles(ctx, tx, id, by, user)
		if err != nil {
			return err
		}
		if before == Owner && actor != Owner {
			return onlyOwners()
		}
		if _, err := tx.Exec(ctx, `DELETE FROM identity.members WHERE organisation_id = $1 AND user_id = $2`, id, user); err != nil {
			return err
		}
		if err := owned(ctx, tx, id); err != nil {
			return err
		}
		if err := s.left(ctx, tx, id, user); err != nil {
			return err
		}
		return note(ctx, tx, id, trail.Change{Target: trail.Of("member", user), Before: map[string]Role{"role": before}})
	})
}

// HandOver makes another member an owner, and who does it an admin, at once. Errors: not_found, forbidden.
func (s *Service) HandOver(ctx context.Context, id, by, user uuid.UUID) error {
	return s.change(ctx, id, func(tx pgx.Tx) error {
		actor, _, err := roles(ctx, tx, id, by, user)
		if err != nil {
			return err
		}
		if actor != Owner {
			return onlyOwners()
		}
		if by == user {
			return nil
		}
		if _, err = tx.Exec(ctx, `UPDATE identity.members SET role = CASE user_id WHEN $3 THEN 'owner' ELSE 'admin' END
			WHERE organisation_id = $1 AND user_id IN ($2, $3)`, id, by, user); err != nil {
			return err
		}
		return note(ctx, tx, id, trail.Change{Before: map[string]uuid.UUID{"owner": by}, After: map[string]uuid.UUID{"owner": user}})
	})
}

// CodeLastOwner is of changes after which an organisation would have no owner.
const CodeLastOwner domain.Code = "last_owner"

// owned makes sure that an organisation has an owner. The organisation is locked.
func owned(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	var is bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.members WHERE organisation_id = $1 AND role = 'owner')`, id).Scan(&is); err != nil {
		return err
	}
	if !is {
		return domain.Errorf(CodeLastOwner, "an organisation has an owner: make somebody else one before")
	}
	return nil
}

// roles are those of who acts and of whom it is about.
func roles(ctx context.Context, tx pgx.Tx, id, by, user uuid.UUID) (actor, subject Role, err error) {
	find := func(of uuid.UUID) (role Role, err error) {
		err = tx.QueryRow(ctx, `SELECT role FROM identity.members WHERE organisation_id = $1 AND user_id = $2`, id, of).Scan(&role)
		if errors.Is(err, pgx.ErrNoRows) {
			return "", notFound("member")
		}
		return role, err
	}
	if actor, err = find(by); err != nil {
		return "", "", err
	}
	subject, err = find(user)
	return actor, subject, err
}

func onlyOwners() error {
	return domain.Errorf(domain.CodeForbidden, "only an owner may do this")
}
