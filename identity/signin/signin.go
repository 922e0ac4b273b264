// Package signin is the way in: a password, then whatever second factor there is, then a session; and the same once more before something dangerous.
// The machine's state is on the server, so that a page that is loaded again goes on where it was.
//
//	signin.go   the password, codes, and the next tokens
//	guess.go    how often codes can be guessed, and from where
//	passkey.go  passkeys: as a second factor, and as the only one
//	stepup.go   a factor once more
//	phone.go    codes in text messages, and where they do not count
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/passkey"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

const (
	// Life is how long one may take from the password to the second factor.
	Life = 5 * time.Minute
	// Fresh is how long after a factor was shown something dangerous may be done.
	Fresh = 5 * time.Minute
)

// The codes of refusals.
const (
	CodeOver           domain.Code = "challenge_over"         // begin again
	CodeTooMany        domain.Code = "too_many_tries"         // wait
	CodeFactorRequired domain.Code = "second_factor_required" // operators have one: set it up in the portal
	CodeStepUp         domain.Code = "step_up_required"       // show a factor once more
)

// Machine signs people in. It is safe for concurrent use.
type Machine struct {
	pool     *pgxpool.Pool
	accounts *account.Service
	factors  *factor.Store
	passkeys *passkey.Store
	phones   *phone.Store
	sessions *session.Store
	issuer   *token.Issuer
	policy   Policy
	now      func() time.Time
}

// Parts are what a Machine is made of.
type Parts struct {
	Accounts *account.Service
	Factors  *factor.Store
	Passkeys *passkey.Store
	Phones   *phone.Store // nil for none
	Sessions *session.Store
	Issuer   *token.Issuer
	Policy   Policy // nil for none
}

// New makes a Machine.
func New(pool *pgxpool.Pool, p Parts, now func() time.Time) *Machine {
	return &Machine{pool: pool, accounts: p.Accounts, factors: p.Factors, passkeys: p.Passkeys, phones: p.Phones, sessions: p.Sessions, issuer: p.Issuer, policy: p.Policy, now: now}
}

// Result is where somebody has come to: to a session, or to the next challenge.
type Result struct {
	Session   *session.Session
	Access    string // token.Issuer's
	Expires   time.Time
	Refresh   string
	Challenge *Challenge
}

// Challenge asks for a second factor.
type Challenge struct {
	Secret    string // who has it goes on
	Methods   []factor.Method
	ExpiresAt time.Time
}

// Password is the first step. Errors: account.Service.Password's, second_factor_required.
func (m *Machine) Password(ctx context.Context, audience token.Audience, email, password string, d session.Device) (r Result, err error) {
	u, err := m.accounts.Password(ctx, email, password)
	if err != nil {
		return r, err
	}
	if err := m.allow(ctx, u.ID); err != nil {
		return r, err
	}
	return r, identity.Wrap("sign somebody in", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := hold(ctx, tx, u.ID, u.Credentials, account.SignInFailed); err != nil {
			return err
		}
		methods, err := m.methods(ctx, tx, u.ID, audience)
		switch {
		case err != nil:
			return err
		case len(methods) > 0:
			r.Challenge, err = m.challenge(ctx, tx, u.ID, audience, uuid.Nil, []factor.Method{factor.Password}, methods, session.Origin{}, d.Address)
			return err
		case audience == token.Admin:
			return factorRequired()
		}
		if err := m.remember(ctx, tx, u.ID, network(d.Address)); err != nil {
			return err
		}
		return m.enter(ctx, tx, u.ID, audience, []factor.Method{factor.Password}, d, session.Origin{}, &r)
	}))
}

// hold is identity.Hold of somebody who has shown what he signs in with, and refuses when that has changed since: a password may have been hashed for seconds, and a new
// one may have been set meanwhile. From here on nobody sets one before the transaction ends.
func hold(ctx context.Context, tx pgx.Tx, user uuid.UUID, shown int64, refusal func() error) error {
	if err := identity.Hold(ctx, tx, user); err != nil {
		return err
	}
	var today int64
	if err := tx.QueryRow(ctx, `SELECT credentials FROM identity.users WHERE user_id = $1`, user).Scan(&today); err != nil {
		return identity.Wrap("look whether a password is still good", err)
	}
	if today != shown {
		return refusal()
	}
	return nil
}

// challenge begins one. The user is held.
func (m *Machine) challenge(ctx context.Context, tx pgx.Tx, user uuid.UUID, audience token.Audience, of uuid.UUID, shown, methods []factor.Method, by session.Origin, from netip.Addr) (*Challenge, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("name a challenge: %w", err)
	}
	now := domain.Moment(m.now())
	c := &Challenge{Secret: code.Token(), Methods: methods, ExpiresAt: now.Add(Life)}
	h := hash(c.Secret)
	_, err = tx.Exec(ctx, `INSERT INTO identity.challenges (challenge_id, secret_hash, user_id, audience, session_id, factors, credentials, created_at, expires_at, provider, subject, issuer_session, network)
		SELECT $1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, credentials, $7, $8, $9, $10, $11, $12 FROM identity.users WHERE user_id = $3`,
		id, h[:], user, audience, of, shown, now, c.ExpiresAt, by.Provider, by.Subject, by.Session, network(from))
	if err == nil {
		change := auditlog.About(ctx, user)
		change.After = map[string]any{"factors": names(shown), "asked_for": names(methods)}
		err = auditlog.Record(ctx, tx, change)
	}
	return c, identity.Wrap("begin a challenge", err)
}

func hash(secret string) code.Hash { return code.HashOf("challenge", nil, secret) }

// enter makes the session. The policy is asked once the user is held: what was changed since the first step counts.
func (m *Machine) enter(ctx context.Context, tx pgx.Tx, user uuid.UUID, audience token.Audience, shown []factor.Method, d session.Device, by session.Origin, r *Result) error {
	made, refresh, err := m.sessions.Begin(ctx, tx, user, audience, names(shown), d, by)
	if err == nil && m.policy != nil {
		err = m.policy.AllowIn(ctx, tx, user, by.Provider)
	}
	if err == nil && audience == token.Admin {
		err = m.stillCounts(ctx, tx, user)
	}
	if err != nil {
		return err
	}
	change := auditlog.About(ctx, user)
	change.After = map[string]any{"session": made.ID, "audience": audience, "factors": names(shown)}
	if err := auditlog.Record(ctx, tx, change); err != nil {
		return err
	}
	return m.give(&made, refresh, r)
}

// give makes an access token and hands it out with a refresh token.
func (m *Machine) give(s *session.Session, refresh string, r *Result) (err error) {
	r.Session, r.Refresh = s, refresh
	r.Access, r.Expires, err = m.issuer.Issue(token.Claims{User: s.User, Session: s.ID, Audience: s.Audience, Shown: s.AuthenticatedAt})
	return err
}

func names(methods []factor.Method) []string {
	all := make([]string, len(methods))
	for i, m := range methods {
		all[i] = string(m)
	}
	return all
}

// state is a challenge that is under way.
type state struct {
	id       uuid.UUID
	user     uuid.UUID
	audience token.Audience
	session  *uuid.UUID
	shown    []factor.Method
	by       session.Origin

	credentials int64        // of the user when it began
	network     netip.Prefix // in which it began
}

// Answer is a further step: a code of the app or of a text message, a recovery code, or, before something dangerous, the password. Errors: code_wrong, password_wrong, challenge_over,
// too_many_tries.
func (m *Machine) Answer(ctx context.Context, secret string, method factor.Method, typed string, d session.Device) (r Result, err error) {
	s, err := m.try(ctx, secret, method)
	if err != nil {
		return r, err
	}
	if method == factor.SMS {
		return m.answerSMS(ctx, &s, typed, d)
	}
	if method == factor.Password {
		if s.session == nil {
			return r, over() // it was shown
		}
		u, err := m.accounts.Get(ctx, s.user)
		if err != nil {
			return r, err
		}
		if _, err := m.accounts.Password(ctx, string(u.Email), typed); err != nil {
			if domain.CodeOf(err) == account.CodeSignIn {
				err = account.PasswordWrong()
			}
			return r, err // that it is the one of when the challenge began is seen once the user is held
		}
	}
	return m.finish(ctx, &s, method, func(tx pgx.Tx) error { return m.check(ctx, tx, &s, method, typed) }, d)
}

// finish ends a challenge when what was shown is right.
func (m *Machine) finish(ctx context.Context, s *state, method factor.Method, right func(pgx.Tx) error, d session.Device) (r Result, err error) {
	return r, identity.Wrap("answer a challenge", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := hold(ctx, tx, s.user, s.credentials, over); err != nil {
			return err
		}
		if err := right(tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE identity.challenges SET ended_at = $2 WHERE challenge_id = $1 AND ended_at IS NULL`, s.id, m.now())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return over()
		}
		if err := m.remember(ctx, tx, s.user, s.network); err != nil {
			return err
		}
		shown := append(s.shown, method)
		if s.session != nil {
			return m.renew(ctx, tx, s.user, *s.session, shown, d, &r)
		}
		return m.enter(ctx, tx, s.user, s.audience, shown, d, s.by, &r)
	}))
}

// check looks at one factor. Several who show the same one at once come one after the other in its row.
func (m *Machine) check(ctx context.Context, tx pgx.Tx, s *state, method factor.Method, typed string) error {
	switch method {
	case factor.TOTP:
		return m.factors.CheckTOTP(ctx, tx, s.user, typed)
	case factor.Recovery:
		_, err := m.factors.CheckRecovery(ctx, tx, s.user, typed)
		return err
	case factor.Password:
		methods, err := m.methods(ctx, tx, s.user, s.audience)
		if err == nil && len(methods) > 0 {
			err = domain.Errorf(factor.CodeWrong, "show a second factor")
		}
		return err
	case factor.Passkey, factor.SMS: // see AnswerPasskey and answerSMS
	}
	return domain.Errorf(domain.CodeInvalid, "this is no factor that can be shown here").With("param", "method")
}

func over() error {
	return domain.Errorf(CodeOver, "this sign-in is over: begin again")
}

// Refresh makes the next tokens of a session. Errors: unauthenticated, session_renewed. reused: the refresh token was stolen, or its user was robbed of it.
func (m *Machine) Refresh(ctx context.Context, secret string, audience token.Audience, d session.Device) (r Result, reused bool, err error) {
	s, next, reused, err := m.sessions.Refresh(ctx, secret, audience, d)
	if err != nil {
		if reused {
			err = errors.Join(err, m.accounts.TellStolen(ctx, s.User, d.UserAgent))
		}
		return r, reused, err
	}
	return r, false, m.give(&s, next, &r)
}

// Has says whether a method is among those that a challenge takes.
func (c *Challenge) Has(m factor.Method) bool { return slices.Contains(c.Methods, m) }
