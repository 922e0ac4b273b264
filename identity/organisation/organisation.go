// Package organisation is tenants: who belongs to one, and in which role. Each has a wallet of its own in the ledger.
//
//	organisation.go  makes, names, reads and ends them
//	member.go        roles, leaving, handing over; never without an owner
//	invitation.go    how others join
//	departure.go     who has left or has another role, for those who end what such a person had
//	left.go          what goes with who leaves, and with an organisation's end
package organisation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/projections/page"
)

// Limits.
const (
	MaxPerUser     = 20 // organisations that one belongs to
	MaxMembers     = 200
	MaxInvitations = 100 // open ones of an organisation
	maxName        = 100 // characters
)

// Role is what a member may do; package access says what that is.
type Role string

// The roles, the mightiest first.
const (
	Owner     Role = "owner"
	Admin     Role = "admin"
	Finance   Role = "finance"
	Developer Role = "developer"
	Viewer    Role = "viewer"
)

// Roles are all of them.
func Roles() []Role { return []Role{Owner, Admin, Finance, Developer, Viewer} }

func (r Role) check() error {
	for _, known := range Roles() {
		if r == known {
			return nil
		}
	}
	return domain.Errorf(domain.CodeInvalid, "role is one of: owner, admin, finance, developer, viewer").With("param", "role")
}

// Organisation is a tenant.
type Organisation struct {
	ID        uuid.UUID
	Wallet    uuid.UUID
	Name      string
	Personal  bool // of one person, who is alone in it
	CreatedAt time.Time
	Role      Role // of who asks
}

// Wallets opens wallets in the ledger. Opening one that is open is no error.
type Wallets interface {
	Open(ctx context.Context, wallet uuid.UUID, actor string) error
}

// Service keeps organisations in Postgres. It is safe for concurrent use.
type Service struct {
	pool    *pgxpool.Pool
	wallets Wallets
	now     func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, wallets Wallets, now func() time.Time) *Service {
	return &Service{pool: pool, wallets: wallets, now: now}
}

func actorOf(user uuid.UUID) string { return "user:" + user.String() }

// Personal is the organisation that a user has alone. It is made when it is asked for first, so that a process that dies half-way leaves nothing
// undone: the ids follow from the user's. Errors: unauthenticated when the user was erased.
func (s *Service) Personal(ctx context.Context, user uuid.UUID) (Organisation, error) {
	o := Organisation{ID: domain.DeriveID(user, "organisation"), Wallet: domain.DeriveID(user, "wallet"), Personal: true, Role: Owner}
	err := s.pool.QueryRow(ctx, `SELECT created_at FROM identity.organisations WHERE organisation_id = $1 AND deleted_at IS NULL`, o.ID).Scan(&o.CreatedAt)
	o.CreatedAt = o.CreatedAt.UTC()
	if !errors.Is(err, pgx.ErrNoRows) {
		return o, identity.Wrap("find somebody's own organisation", err)
	}
	var there bool
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.users WHERE user_id = $1 AND deleted_at IS NULL)`, user).Scan(&there); err != nil {
		return Organisation{}, identity.Wrap("find somebody", err)
	}
	if !there { // erased just now: nothing is made for him
		return Organisation{}, identity.Gone()
	}
	if err := s.wallets.Open(ctx, o.Wallet, actorOf(user)); err != nil {
		return Organisation{}, err
	}
	return o, s.insert(ctx, &o, user)
}

// Create makes an organisation of several people; who makes it owns it. id makes it once. Errors: invalid_request, conflict when there are too many.
func (s *Service) Create(ctx context.Context, id, user uuid.UUID, name string) (Organisation, error) {
	name, err := identity.Name(name, 1, maxName)
	if err != nil {
		return Organisation{}, err
	}
	var n int
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM identity.members WHERE user_id = $1 AND organisation_id <> $2`, user, id).Scan(&n); err != nil {
		return Organisation{}, fmt.Errorf("count organisations: %w", err)
	}
	if n >= MaxPerUser {
		return Organisation{}, domain.Errorf(domain.CodeConflict, "one belongs to at most %d organisations", MaxPerUser)
	}
	o := Organisation{ID: id, Wallet: domain.DeriveID(id, "wallet"), Name: name, Role: Owner}
	if err := s.wallets.Open(ctx, o.Wallet, actorOf(user)); err != nil {
		return Organisation{}, err
	}
	return o, s.insert(ctx, &o, user)
}

func (s *Service) insert(ctx context.Context, o *Organisation, owner uuid.UUID) error {
	o.CreatedAt = domain.Moment(s.now())
	return identity.Wrap("make an organisation", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var of *uuid.UUID
		if o.Personal {
			of = &owner
		}
		made, err := tx.Exec(ctx, `INSERT INTO identity.organisations (organisation_id, wallet_id, name, personal_of, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			o.ID, o.Wallet, o.Name, of, o.CreatedAt)
		if err != nil {
			return err
		}
		if made.RowsAffected() > 0 { // else whoever has left it could send the request again and come back as its owner
			if _, err := tx.Exec(ctx, `INSERT INTO identity.members (organisation_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)`, o.ID, owner, Owner, o.CreatedAt); err != nil {
				return err
			}
			c := auditlog.About(ctx, owner) // who proves a mailbox, or signs in, is not signed in yet
			c.Target, c.Wallet, c.After = "", o.Wallet, map[string]any{"personal": o.Personal, "owner": owner}
			if err := note(ctx, tx, o.ID, c); err != nil {
				return err
			}
		}
		err = tx.QueryRow(ctx, `SELECT name, created_at FROM identity.organisations WHERE organisation_id = $1`, o.ID).Scan(&o.Name, &o.CreatedAt)
		o.CreatedAt = o.CreatedAt.UTC()
		return err
	}))
}

const columns = `o.organisation_id, o.wallet_id, o.name, o.personal_of IS NOT NULL, o.created_at, m.role`

func scan(r pgx.CollectableRow) (o Organisation, err error) {
	err = r.Scan(&o.ID, &o.Wallet, &o.Name, &o.Personal, &o.CreatedAt, &o.Role)
	o.CreatedAt = o.CreatedAt.UTC()
	return o, err
}

// List is where a user belongs, whole: MaxPerUser bounds it.
func (s *Service) List(ctx context.Context, user uuid.UUID) ([]Organisation, error) {
	p, err := s.Page(ctx, user, "", page.MaxLimit)
	return p.Items, err
}

// Page is a part of where a user belongs: the own one first, then those that were made first. Limit is that of page.Limit. Errors: invalid_request.
func (s *Service) Page(ctx context.Context, user uuid.UUID, cursor string, limit int) (p page.Part[Organisation], err error) {
	w, err := page.ListOf("organisations", user.String()).After(cursor, limit)
	if err != nil {
		return p, err
	}
	const made = `CASE WHEN o.personal_of IS NULL THEN o.created_at ELSE 'epoch' END`
	rows, err := s.pool.Query(ctx, `SELECT `+columns+` FROM identity.members m JOIN identity.organisations o USING (organisation_id)
		WHERE m.user_id = $1 AND o.deleted_at IS NULL AND (`+made+`, o.organisation_id) > ($2, $3) ORDER BY `+made+`, o.organisation_id
		LIMIT `+w.Rows(), user, w.At, w.ID)
	if err != nil {
		return p, fmt.Errorf("list organisations: %w", err)
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return p, identity.Wrap("list organisations", err)
	}
	return page.Cut(w, all, func(o *Organisation) (time.Time, uuid.UUID) {
		if o.Personal {
			return time.Unix(0, 0), o.ID
		}
		return o.CreatedAt, o.ID
	}), nil
}

// OfWallet is the organisation that has a wallet, if the user belongs to it; not_found otherwise, whether or not there is one.
func (s *Service) OfWallet(ctx context.Context, user, wallet uuid.UUID) (Organisation, error) {
	return s.one(ctx, `SELECT `+columns+` FROM identity.members m JOIN identity.organisations o USING (organisation_id)
		WHERE m.user_id = $1 AND o.wallet_id = $2 AND o.deleted_at IS NULL`, user, wallet)
}

// Get is an organisation that the user belongs to; not_found otherwise.
func (s *Service) Get(ctx context.Context, user, id uuid.UUID) (Organisation, error) {
	return s.one(ctx, `SELECT `+columns+` FROM identity.members m JOIN identity.organisations o USING (organisation_id)
		WHERE m.user_id = $1 AND o.organisation_id = $2 AND o.deleted_at IS NULL`, user, id)
}

// Find is any organisation, for those who may see all; Role is "" when the user does not belong to it.
func (s *Service) Find(ctx context.Context, user, id uuid.UUID) (Organisation, error) {
	return s.one(ctx, `SELECT o.organisation_id, o.wallet_id, o.name, o.personal_of IS NOT NULL, o.created_at, coalesce(m.role, '')
		FROM identity.organisations o LEFT JOIN identity.members m ON m.organisation_id = o.organisation_id AND m.user_id = $1
		WHERE o.organisation_id = $2 AND o.deleted_at IS NULL`, user, id)
}

func (s *Service) one(ctx context.Context, sql string, args ...any) (Organisation, error) {
	rows, err := wall.Query(ctx, s.pool, sql, args...)
	if err != nil {
		return Organisation{}, fmt.Errorf("find an organisation: %w", err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, notFound("organisation")
	}
	return o, identity.Wrap("find an organisation", err)
}

// Rename changes the name. Errors: invalid_request, not_found; conflict for somebody's own.
func (s *Service) Rename(ctx context.Context, id uuid.UUID, name string) error {
	name, err := identity.Name(name, 1, maxName)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(tx pgx.Tx) error {
		var before string
		if err := tx.QueryRow(ctx, `UPDATE identity.organisations n SET name = $2 FROM identity.organisations o
			WHERE n.organisation_id = $1 AND o.organisation_id = $1 RETURNING o.name`, id, name).Scan(&before); err != nil {
			return err
		}
		return note(ctx, tx, id, trail.Change{Before: map[string]string{"name": before}, After: map[string]string{"name": name}})
	})
}

// Delete ends an organisation of several people: nobody belongs to it any more, and nobody is invited. What it has in the ledger is the caller's to end.
// Errors: not_found; conflict for somebody's own.
func (s *Service) Delete(ctx context.Context, id uuid.UUID) error {
	return s.change(ctx, id, func(tx pgx.Tx) error {
		now := domain.Moment(s.now())
		for _, step := range []string{
			`UPDATE identity.organisations SET deleted_at = $2 WHERE organisation_id = $1`,
			`UPDATE identity.invitations SET ended_at = $2, ended_as = 'withdrawn' WHERE organisation_id = $1 AND ended_at IS NULL`,
			`DELETE FROM identity.members WHERE organisation_id = $1 AND $2::timestamptz IS NOT NULL`,
		} {
			if _, err := tx.Exec(ctx, step, id, now); err != nil {
				return err
			}
		}
		if err := dissolve(ctx, tx, id); err != nil {
			return err
		}
		return note(ctx, tx, id, trail.Change{After: map[string]bool{"deleted": true}})
	})
}

// change runs a change of an organisation of several people, one after the other.
func (s *Service) change(ctx context.Context, id uuid.UUID, do func(tx pgx.Tx) error) error {
	return identity.Wrap("change an organisation", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var personal bool
		err := tx.QueryRow(ctx, `SELECT personal_of IS NOT NULL FROM identity.organisations WHERE organisation_id = $1 AND deleted_at IS NULL FOR UPDATE`, id).Scan(&personal)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return notFound("organisation")
		case err != nil:
			return err
		case personal:
			return domain.Errorf(domain.CodeConflict, "this organisation is one person's own: make another to work with others")
		}
		return do(tx)
	}))
}

// note writes an entry of the audit trail, of the organisation itself unless the change says of what.
func note(ctx context.Context, tx pgx.Tx, id uuid.UUID, c trail.Change) error {
	c.Organisation = id
	if c.Target == "" {
		c.Target = trail.Of("organisation", id)
	}
	return auditlog.Record(ctx, tx, c)
}

func notFound(what string) error {
	return domain.Errorf(domain.CodeNotFound, "there is no such %s", what)
}
