// Package account is people: who they are, how they sign up and in, and how they go.
//
//	account.go  reads and changes what is known of somebody
//	signup.go   a new account, and the proof of its mailbox
//	signin.go   e-mail and password
//	password.go a forgotten or a changed password
//	email.go    another mailbox
//	export.go   everything that is known of somebody
//	erase.go    an end without a trace
//	forget.go   what names somebody by a mailbox, and what is kept for a while only
//	former.go   mailboxes of before, and who may not leave his
//	link.go     what is sent by mail and followed once
//	mail.go     what is to be told by mail
//
// What somebody who is not signed in is answered, and how long it takes, never depends on whether an address has an account.
package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/password"
	"github.com/massrouter/massrouter/identity/session"
)

// Language is what somebody is written to in.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh-CN"
)

const maxName = 100 // characters

// Profile is what somebody says of himself.
type Profile struct {
	Name     string
	Language Language
	Zone     string // of IANA's database, such as Europe/Berlin
}

// User is a person.
type User struct {
	ID         uuid.UUID
	Email      address.Email
	VerifiedAt time.Time // zero until the mailbox is proved
	Profile    Profile
	Password   bool // whether there is one
	CreatedAt  time.Time
}

// Service keeps accounts in Postgres. It is safe for concurrent use.
type Service struct {
	pool     *pgxpool.Pool
	hasher   *password.Hasher
	sessions *session.Store
	now      func() time.Time
}

// New makes a Service.
func New(pool *pgxpool.Pool, hasher *password.Hasher, sessions *session.Store, now func() time.Time) *Service {
	return &Service{pool: pool, hasher: hasher, sessions: sessions, now: now}
}

// Changes are what somebody says anew; nil stays as it is.
type Changes struct {
	Name     *string
	Language *Language
	Zone     *string
}

// normal checks a profile. Errors: invalid_request with "param".
func (p Profile) normal() (Profile, error) {
	return p.with(Changes{Name: &p.Name, Language: &p.Language, Zone: &p.Zone})
}

// with is a profile with changes, which are checked: what was said before may have been refused since. Errors: invalid_request with "param".
func (p Profile) with(c Changes) (Profile, error) {
	if c.Name != nil {
		name, err := identity.Name(*c.Name, 0, maxName)
		if err != nil {
			return p, err
		}
		p.Name = name
	}
	if c.Language != nil {
		if p.Language = *c.Language; p.Language != English && p.Language != Chinese {
			return p, invalid("language", "language is one of: en, zh-CN")
		}
	}
	if c.Zone != nil {
		p.Zone = *c.Zone
		if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "" || p.Zone == "Local" {
			return p, invalid("zone", "zone is a time zone such as Europe/Berlin")
		}
	}
	return p, nil
}

func invalid(param, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("param", param)
}

// row is a user as the table has it.
type row struct {
	User
	hash        string
	credentials int64
}

const columns = `user_id, email, email_verified_at, name, language, zone, password, credentials, created_at`

func scan(r pgx.CollectableRow) (row, error) {
	var u row
	var verified *time.Time
	err := r.Scan(&u.ID, &u.Email, &verified, &u.Profile.Name, &u.Profile.Language, &u.Profile.Zone, &u.hash, &u.credentials, &u.CreatedAt)
	if verified != nil {
		u.VerifiedAt = verified.UTC()
	}
	u.CreatedAt, u.Password = u.CreatedAt.UTC(), u.hash != ""
	return u, err
}

// byID finds a live user; not_found.
func byID(ctx context.Context, q identity.Querier, id uuid.UUID, lock string) (row, error) {
	return one(ctx, q, `SELECT `+columns+` FROM identity.users WHERE user_id = $1 AND deleted_at IS NULL `+lock, id)
}

// byEmail finds a live user; not_found.
func byEmail(ctx context.Context, q identity.Querier, email address.Email, lock string) (row, error) {
	return one(ctx, q, `SELECT `+columns+` FROM identity.users WHERE email = $1 AND deleted_at IS NULL `+lock, email)
}

func one(ctx context.Context, q identity.Querier, sql string, args ...any) (row, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return row{}, fmt.Errorf("find a user: %w", err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, errNobody
	}
	if err != nil {
		return row{}, fmt.Errorf("find a user: %w", err)
	}
	return u, nil
}

// errNobody never reaches those who are not signed in.
var errNobody = domain.Errorf(domain.CodeNotFound, "there is no such user")

const forUpdate = "FOR UPDATE"

// Get is a user; not_found.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := byID(ctx, s.pool, id, "")
	return u.User, err
}

// Update changes a profile. Errors: invalid_request, not_found.
func (s *Service) Update(ctx context.Context, id uuid.UUID, changes Changes) (User, error) {
	var u row
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if u, err = byID(ctx, tx, id, forUpdate); err != nil {
			return err
		}
		before := u.Profile
		p, err := before.with(changes)
		if err != nil {
			return err
		}
		u.Profile = p
		if _, err = tx.Exec(ctx, `UPDATE identity.users SET name = $2, language = $3, zone = $4 WHERE user_id = $1`, id, p.Name, p.Language, p.Zone); err != nil {
			return err
		}
		c := auditlog.About(ctx, id)
		c.Personal = map[string]string{"name_before": before.Name, "name_after": p.Name}
		c.Before, c.After = map[string]any{"language": before.Language, "zone": before.Zone}, map[string]any{"language": p.Language, "zone": p.Zone}
		return auditlog.Record(ctx, tx, c)
	})
	return u.User, identity.Wrap("change a profile", err)
}
