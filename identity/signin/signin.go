// Package signin is the way in: a password, then whatever second factor there is, then a session; and the same once more before something dangerous.
// The machine's state is on the server, so that a page that is loaded again goes on where it was.
//
//	signin.go   the password, codes, and the next tokens
//	passkey.go  passkeys: as a second factor, and as the only one
//	stepup.go   a factor once more
//	phone.go    codes in text messages, and where they do not count
package signin

import (
	"context"
	"errors"
	"fmt"
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
	// MaxTries are the wrong codes of one challenge.
	MaxTries = 5
	// MaxTriesPerHour are those of all challenges of a user: who knows a password cannot guess on and on.
	MaxTriesPerHour = 30
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
		methods, err := m.methods(ctx, tx, u.ID, audience)
		switch {
		case err != nil:
			return err
		case len(methods) > 0:
			r.Challenge, err = m.challenge(ctx, tx, u.ID, audience, uuid.Nil, []factor.Method{factor.Password}, methods, session.Origin{})
			return err
		case audience == token.Admin:
			return domain.Errorf(CodeFactorRequired, "set up a second factor in the portal first")
		}
		return m.enter(ctx, tx, u.ID, audience, []factor.Method{factor.Password}, d, session.Origin{}, &r)
	}))
}

// challenge begins one.
func (m *Machine) challenge(ctx context.Context, tx pgx.Tx, user uuid.UUID, audience token.Audience, of uuid.UUID, shown, methods []factor.Method, by session.Origin) (*Challenge, error) {
	if err := identity.Hold(ctx, tx, user); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("name a challenge: %w", err)
	}
	now := domain.Moment(m.now())
	c := &Challenge{Secret: code.Token(), Methods: methods, ExpiresAt: now.Add(Life)}
	h := hash(c.Secret)
	_, err = tx.Exec(ctx, `INSERT INTO identity.challenges (challenge_id, secret_hash, user_id, audience, session_id, factors, credentials, created_at, expires_at, provider, subject, issuer_session)
		SELECT $1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, credentials, $7, $8, $9, $10, $11 FROM identity.users WHERE user_id = $3`,
		id, h[:], user, audience, of, shown, now, c.ExpiresAt, by.Provider, by.Subject, by.Session)
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
	made, refresh, err := m.sessions.BeginBy(ctx, tx, user, audience, names(shown), d, by)
	if err == nil && m.policy != nil {
		err = m.policy.AllowIn(ctx, tx, user, by.Provider)
	}
	if err != nil {
		return err
	}
	change := auditlog.About(ctx, user)
	change.After = map[string]any{"session": made.ID, "audience": audience, "factors": names(shown)}
	if err := auditlog.Record(ctx, tx, change); err != nil {
		return err
	}
	r.Session, r.Refresh = &made, refresh
	r.Access, r.Expires, err = m.issuer.Issue(token.Claims{User: user, Session: made.ID, Audience: audience})
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
}

// Answer is a further step: a code of the app or of a text message, a recovery code, or, before something dangerous, the password. Errors: code_wrong, sign_in_failed, challenge_over, too_many_tries.
func (m *Machine) Answer(ctx context.Context, secret string, method factor.Method, typed string, d session.Device) (r Result, err error) {
	s, err := m.try(ctx, secret)
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
			return r, err
		}
	}
	return m.finish(ctx, &s, method, func(tx pgx.Tx) error { return m.check(ctx, tx, &s, method, typed) }, d)
}

// finish ends a challenge when what was shown is right.
func (m *Machine) finish(ctx context.Context, s *state, method factor.Method, right func(pgx.Tx) error, d session.Device) (r Result, err error) {
	return r, identity.Wrap("answer a challenge", pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, s.user); err != nil {
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
		shown := append(s.shown, method)
		if s.session != nil {
			change := auditlog.About(ctx, s.user)
			change.After = map[string]any{"session": s.session, "factors": names(shown)}
			if err := auditlog.Record(ctx, tx, change); err != nil {
				return err
			}
			return m.sessions.Confirm(ctx, tx, *s.session, names(shown))
		}
		return m.enter(ctx, tx, s.user, s.audience, shown, d, s.by, &r)
	}))
}

// try counts a try before it is looked at, so that whoever tries many at once has as few as any other.
func (m *Machine) try(ctx context.Context, secret string) (s state, err error) {
	now := domain.Moment(m.now())
	h := hash(secret)
	var spent int
	err = m.pool.QueryRow(ctx, `UPDATE identity.challenges c SET tries = tries + 1 FROM identity.users u
		WHERE c.secret_hash = $1 AND c.ended_at IS NULL AND c.expires_at > $2 AND c.tries < $3
			AND u.user_id = c.user_id AND u.deleted_at IS NULL AND u.credentials = c.credentials
		RETURNING c.challenge_id, c.user_id, c.audience, c.session_id, c.factors, c.provider, c.subject, c.issuer_session,
			(SELECT coalesce(sum(o.tries), 0) FROM identity.challenges o WHERE o.user_id = c.user_id AND o.ended_at IS NULL AND o.created_at > $2::timestamptz - interval '1 hour')`,
		h[:], now, MaxTries).Scan(&s.id, &s.user, &s.audience, &s.session, &s.shown, &s.by.Provider, &s.by.Subject, &s.by.Session, &spent)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return s, over()
	case err != nil:
		return s, fmt.Errorf("find a challenge: %w", err)
	default:
		auditlog.Suspect(ctx, s.user)
	}
	if spent >= MaxTriesPerHour {
		return s, domain.Errorf(CodeTooMany, "too many wrong codes: try again in an hour")
	}
	return s, nil
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

// Refresh makes the next tokens of a session. Errors: unauthenticated. reused: the refresh token was stolen, or its user was robbed of it.
func (m *Machine) Refresh(ctx context.Context, secret string, audience token.Audience, d session.Device) (r Result, reused bool, err error) {
	s, next, reused, err := m.sessions.Refresh(ctx, secret, audience, d)
	if err != nil {
		if reused {
			err = errors.Join(err, m.accounts.TellStolen(ctx, s.User, d.UserAgent))
		}
		return r, reused, err
	}
	r.Session, r.Refresh = &s, next
	r.Access, r.Expires, err = m.issuer.Issue(token.Claims{User: s.User, Session: s.ID, Audience: audience})
	return r, false, err
}

// Prune forgets challenges that ended long ago, a batch at a time, and says how many.
func (m *Machine) Prune(ctx context.Context) (int64, error) {
	tag, err := m.pool.Exec(ctx, `DELETE FROM identity.challenges WHERE challenge_id IN (SELECT challenge_id FROM identity.challenges WHERE expires_at < $1 LIMIT 1000)`,
		m.now().Add(-2*time.Hour))
	if err != nil {
		return 0, fmt.Errorf("forget old challenges: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Has says whether a method is among those that a challenge takes.
func (c *Challenge) Has(m factor.Method) bool { return slices.Contains(c.Methods, m) }
