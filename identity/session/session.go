// Package session keeps who is signed in. A session is a family of refresh tokens, each of which is used once and makes the next one; whoever
// shows one a second time has stolen it, or was robbed of it, and the session ends.
//
//	session.go  begins and ends sessions
//	refresh.go  the next token
//	renew.go    new tokens, when a factor was shown once more
//	by.go       ends sessions by what they were made by
//	audience.go ends sessions at one front end
//	ended.go    tells a process which sessions have ended
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/token"
)

// Limits of sessions.
const (
	// Leeway is how long a token that was used makes the same next one again: several requests of one browser, an answer that was lost.
	Leeway = 30 * time.Second
	// MaxPerUser is how many one has at once; the one that was not seen for longest ends when there are more.
	MaxPerUser = 50

	maxAgent = 256 // bytes
)

// lives are how long a session lasts at most, and how long without being used.
func lives(a token.Audience) (whole, idle time.Duration) {
	if a == token.Admin {
		return 12 * time.Hour, time.Hour
	}
	return 90 * 24 * time.Hour, 30 * 24 * time.Hour
}

// Device is where a session is used from.
type Device struct {
	UserAgent string
	Address   netip.Addr
}

func (d Device) normal() Device {
	d.UserAgent = strings.ToValidUTF8(strings.ReplaceAll(d.UserAgent, "\x00", ""), "\uFFFD")
	for len(d.UserAgent) > maxAgent {
		_, size := utf8.DecodeLastRuneInString(d.UserAgent)
		d.UserAgent = d.UserAgent[:len(d.UserAgent)-size]
	}
	if !d.Address.IsValid() {
		d.Address = netip.IPv4Unspecified()
	}
	d.Address = d.Address.Unmap().WithZone("")
	return d
}

// Origin is the identity at a service of others by which a session was made; zero for one's own ways: a password, a passkey.
type Origin struct {
	Provider string
	Subject  string // the service's own id of the person
	Session  string // the service's own id of its session (sid); "" for none
}

// Session is somebody who is signed in.
type Session struct {
	ID              uuid.UUID
	User            uuid.UUID
	Audience        token.Audience
	CreatedAt       time.Time
	AuthenticatedAt time.Time // when the last factor was shown
	Factors         []string  // how: pwd, otp, hwk … (RFC 8176)
	Device          Device
	SeenAt          time.Time
	ExpiresAt       time.Time
}

// Store keeps sessions in Postgres. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a Store.
func New(pool *pgxpool.Pool, now func() time.Time) *Store { return &Store{pool: pool, now: now} }

// Begin makes a session for somebody who has shown who he is, in the caller's transaction, and its first refresh token. Errors: unauthenticated when the account has ended.
func (s *Store) Begin(ctx context.Context, tx pgx.Tx, user uuid.UUID, audience token.Audience, factors []string, d Device, by Origin) (Session, string, error) {
	if err := identity.Hold(ctx, tx, user); err != nil {
		return Session{}, "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Session{}, "", fmt.Errorf("name a session: %w", err)
	}
	now := domain.Moment(s.now())
	whole, _ := lives(audience)
	made := Session{
		ID: id, User: user, Audience: audience, CreatedAt: now, AuthenticatedAt: now, Factors: factors, Device: d.normal(), SeenAt: now, ExpiresAt: now.Add(whole),
	}
	nonce := make([]byte, sha256.Size)
	_, _ = rand.Read(nonce) // never fails
	if _, err := tx.Exec(ctx, `INSERT INTO identity.sessions
		(session_id, user_id, audience, nonce, created_at, authenticated_at, factors, user_agent, address, seen_at, expires_at, provider, subject, issuer_session)
		VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $5, $9, $10, $11, $12)`,
		id, user, audience, nonce, now, factors, made.Device.UserAgent, made.Device.Address, made.ExpiresAt, by.Provider, by.Subject, by.Session); err != nil {
		return Session{}, "", fmt.Errorf("begin a session: %w", err)
	}
	rows, err := tx.Query(ctx, `UPDATE identity.sessions SET revoked_at = $2, revoked_for = $4 WHERE session_id IN (
		SELECT session_id FROM identity.sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY seen_at DESC, session_id DESC OFFSET $3) RETURNING session_id`,
		user, now, MaxPerUser, TooMany)
	if err != nil {
		return Session{}, "", fmt.Errorf("end the oldest sessions: %w", err)
	}
	if _, err := recordEnds(ctx, tx, rows, user, TooMany); err != nil {
		return Session{}, "", err
	}
	secret := code.Token()
	return made, secret, put(ctx, tx, id, secret, now)
}

// put notes a refresh token.
func put(ctx context.Context, tx pgx.Tx, session uuid.UUID, secret string, at time.Time) error {
	h := hash(secret)
	if _, err := tx.Exec(ctx, `INSERT INTO identity.refresh_tokens (token_hash, session_id, issued_at) VALUES ($1, $2, $3)`, h[:], session, at); err != nil {
		return fmt.Errorf("note a refresh token: %w", err)
	}
	return nil
}

func hash(secret string) code.Hash { return code.HashOf("refresh", nil, secret) }

// Reason is why a session ended.
type Reason string

// The reasons.
const (
	SignedOut   Reason = "signed_out"
	Revoked     Reason = "revoked"     // from another session
	Reused      Reason = "reused"      // a refresh token was shown again
	Credentials Reason = "credentials" // what one signs in with has changed
	Erased      Reason = "erased"
	SSOEnforced Reason = "sso_enforced" // the organisation wants its own service
	LoggedOut   Reason = "logged_out"   // at the service by which it was made
	TooMany     Reason = "too_many"     // it was not seen for longest
	FactorLost  Reason = "factor_lost"  // the last one that counts at this front end has gone
	// LeftOrganisation is of sessions that the issuer of an organisation had made for who belongs to it no more.
	LeftOrganisation Reason = "left_organisation"
)

// End ends one session of a user. Errors: not_found.
func (s *Store) End(ctx context.Context, user, session uuid.UUID, why Reason) error {
	tag, err := auditlog.Exec(ctx, s.pool, ended(ctx, user, session, why), `UPDATE identity.sessions SET revoked_at = $3, revoked_for = $4 WHERE session_id = $2 AND user_id = $1 AND revoked_at IS NULL`,
		user, session, s.now(), why)
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return domain.Errorf(domain.CodeNotFound, "there is no such session")
	}
	return nil
}

// EndAll ends all sessions of a user but one (uuid.Nil: all), in the caller's transaction, and says how many.
func (s *Store) EndAll(ctx context.Context, tx pgx.Tx, user, but uuid.UUID, why Reason) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE identity.sessions SET revoked_at = $3, revoked_for = $4 WHERE user_id = $1 AND session_id <> $2 AND revoked_at IS NULL`,
		user, but, s.now(), why)
	if err != nil {
		return 0, fmt.Errorf("end all sessions of a user: %w", err)
	}
	return tag.RowsAffected(), nil
}

// EndEvery is EndAll, of all of them, in a transaction of its own.
func (s *Store) EndEvery(ctx context.Context, user uuid.UUID, why Reason) (n int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if n, err = s.EndAll(ctx, tx, user, uuid.Nil, why); err != nil {
			return err
		}
		c := auditlog.About(ctx, user)
		c.After = map[string]any{"sessions_ended": n, "for": why}
		return auditlog.Record(ctx, tx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("end every session of a user: %w", err)
	}
	return n, nil
}

// EndByToken ends the session of a refresh token, whichever of its family. One that is nobody's, or that is over, is no error.
func (s *Store) EndByToken(ctx context.Context, secret string, audience token.Audience, why Reason) error {
	h := hash(secret)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var user, session uuid.UUID
		err := tx.QueryRow(ctx, `UPDATE identity.sessions SET revoked_at = $2, revoked_for = $3 WHERE revoked_at IS NULL AND audience = $4
			AND session_id = (SELECT session_id FROM identity.refresh_tokens WHERE token_hash = $1) RETURNING user_id, session_id`,
			h[:], s.now(), why, audience).Scan(&user, &session)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return auditlog.Record(ctx, tx, ended(ctx, user, session, why))
	})
	if err != nil {
		return fmt.Errorf("end the session of a token: %w", err)
	}
	return nil
}

// ended is the end of a session in the audit trail.
func ended(ctx context.Context, user, session uuid.UUID, why Reason) trail.Change {
	c := auditlog.About(ctx, user)
	c.Target, c.After = trail.Of("session", session), map[string]Reason{"ended_for": why}
	return c
}

// List is the live sessions of a user, the one that was seen last first.
func (s *Store) List(ctx context.Context, user uuid.UUID) ([]Session, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+columns+` FROM identity.sessions s WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
		ORDER BY seen_at DESC, session_id DESC LIMIT $3`, user, s.now(), MaxPerUser)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

const (
	// keepEnded is how long a session that is over is known; longer than any process looks back.
	keepEnded = 24 * time.Hour
	// keepUsed is how long a refresh token that was used is known: shown within that time it ends the session, later it is only refused.
	keepUsed = 7 * 24 * time.Hour
)

// Prune forgets sessions that are over and tokens that were used long ago, a batch at a time, and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	now := s.now()
	ended, err := s.pool.Exec(ctx, `DELETE FROM identity.sessions WHERE session_id IN (SELECT session_id FROM identity.sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT 1000)`, now.Add(-keepEnded))
	if err != nil {
		return 0, fmt.Errorf("forget old sessions: %w", err)
	}
	used, err := s.pool.Exec(ctx, `DELETE FROM identity.refresh_tokens WHERE token_hash IN (SELECT token_hash FROM identity.refresh_tokens WHERE used_at < $1 LIMIT 1000)`, now.Add(-keepUsed))
	if err != nil {
		return ended.RowsAffected(), fmt.Errorf("forget old refresh tokens: %w", err)
	}
	return ended.RowsAffected() + used.RowsAffected(), nil
}

const columns = `s.session_id, s.user_id, s.audience, s.created_at, s.authenticated_at, s.factors, s.user_agent, s.address, s.seen_at, s.expires_at`

func scan(row pgx.CollectableRow) (Session, error) {
	var s Session
	var network netip.Prefix
	err := row.Scan(&s.ID, &s.User, &s.Audience, &s.CreatedAt, &s.AuthenticatedAt, &s.Factors, &s.Device.UserAgent, &network, &s.SeenAt, &s.ExpiresAt)
	s.Device.Address = network.Addr()
	for _, at := range []*time.Time{&s.CreatedAt, &s.AuthenticatedAt, &s.SeenAt, &s.ExpiresAt} {
		*at = at.UTC()
	}
	return s, err
}

// Get is a live session. Errors: unauthenticated.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (Session, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+columns+` FROM identity.sessions s WHERE session_id = $1 AND revoked_at IS NULL AND expires_at > $2`, id, s.now())
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, refused()
	}
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	return found, nil
}

// Live is which of some sessions are live, with their audiences.
func (s *Store) Live(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]token.Audience, error) {
	rows, err := s.pool.Query(ctx, `SELECT session_id, audience FROM identity.sessions WHERE session_id = ANY ($1) AND revoked_at IS NULL AND expires_at > $2`, ids, s.now())
	if err != nil {
		return nil, fmt.Errorf("find live sessions: %w", err)
	}
	type one struct {
		ID       uuid.UUID
		Audience token.Audience
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[one])
	if err != nil {
		return nil, fmt.Errorf("find live sessions: %w", err)
	}
	live := make(map[uuid.UUID]token.Audience, len(found))
	for _, s := range found {
		live[s.ID] = s.Audience
	}
	return live, nil
}

var errNone = errors.New("no such token")

func refused() error {
	return domain.Errorf(domain.CodeUnauthenticated, "sign in again")
}
