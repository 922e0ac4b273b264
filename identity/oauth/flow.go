package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// Life is how long a browser may be away.
const Life = 10 * time.Minute

// Purpose is what a browser goes to a service for.
type Purpose string

// The purposes.
const (
	SignIn  Purpose = "sign_in"
	Link    Purpose = "link"    // what the service shows is linked to who is signed in
	Confirm Purpose = "confirm" // who is signed in is shown once more
)

// CodeFlow is of browsers that come back too late, twice, without having been sent, or are others than were sent. Which of them it is is not said.
const CodeFlow domain.Code = "sign_in_over"

func over() error {
	return domain.Errorf(CodeFlow, "this sign-in is over, or was begun in another browser: begin again")
}

// Start is a browser that wants to go.
type Start struct {
	Provider string
	Purpose  Purpose
	Audience token.Audience
	ReturnTo string    // see Target
	Browser  string    // what the browser kept from before; "" for nothing
	User     uuid.UUID // who links or confirms
	Session  uuid.UUID
}

// Begin notes that a browser is sent to a service. to is where; browser is what it has to keep until it is back, as long as Life. Errors: not_found,
// invalid_request, provider_failed.
func (s *Service) Begin(ctx context.Context, b Start) (to, browser string, err error) {
	target, err := Target(b.ReturnTo)
	if err != nil {
		return "", "", err
	}
	home, err := s.redirect(b.Provider, b.Audience)
	if err != nil {
		return "", "", err
	}
	p, err := s.provider(ctx, b.Provider)
	if err != nil {
		return "", "", err
	}
	browser = b.Browser
	if raw, err := base64.RawURLEncoding.DecodeString(browser); err != nil || len(raw) != len(code.Hash{}) {
		browser = code.Token() // several of its tabs may be on their way: what it has stays
	}
	state := code.Token()
	if to, err = p.Authorize(ctx, Ask{
		Redirect: home, State: state, Nonce: derived("nonce", state, browser), Verifier: derived("verifier", state, browser), Again: b.Purpose == Confirm,
	}); err != nil {
		return "", "", err
	}
	var user, of *uuid.UUID
	if b.Purpose != SignIn {
		user, of = &b.User, &b.Session
	}
	stateHash, browserHash := hashState(state), hashBrowser(browser)
	now := domain.Moment(s.o.Now())
	_, err = s.pool.Exec(ctx, `INSERT INTO identity.oauth_flows (state_hash, browser_hash, provider, purpose, audience, user_id, session_id, return_to, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		stateHash[:], browserHash[:], b.Provider, b.Purpose, b.Audience, user, of, target, now, now.Add(Life))
	return to, browser, identity.Wrap("send a browser to a service", err)
}

// derived is a secret of one way to a service. It follows from what only the browser has, so that who reads the database does not learn it; it has the 43
// characters that a verifier of PKCE needs (RFC 7636, 4.1).
func derived(purpose code.Purpose, state, browser string) string {
	h := code.HashOf("oauth "+purpose, []byte(state), browser)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

func hashState(state string) code.Hash     { return code.HashOf("oauth state", nil, state) }
func hashBrowser(browser string) code.Hash { return code.HashOf("oauth browser", nil, browser) }

// Answer is what a browser came back with.
type Answer struct {
	State  string
	Code   string
	Error  string // the service's; "" for none
	Issuer string
}

// flow is a browser that was sent.
type flow struct {
	provider string
	purpose  Purpose
	audience token.Audience
	user, of *uuid.UUID
	target   string
	begun    time.Time
}

// take uses a flow up. Errors: sign_in_over.
func (s *Service) take(ctx context.Context, provider, state, browser string) (f flow, err error) {
	stateHash, browserHash := hashState(state), hashBrowser(browser)
	err = s.pool.QueryRow(ctx, `DELETE FROM identity.oauth_flows WHERE state_hash = $1 AND browser_hash = $2 AND provider = $3 AND expires_at > $4
		RETURNING provider, purpose, audience, user_id, session_id, return_to, created_at`, stateHash[:], browserHash[:], provider, s.o.Now()).
		Scan(&f.provider, &f.purpose, &f.audience, &f.user, &f.of, &f.target, &f.begun)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, over()
	}
	return f, identity.Wrap("find a browser that was sent to a service", err)
}

// Finish takes a browser back. The Outcome has the target also with an error, once it is known where the browser was to go. Errors: sign_in_over,
// provider_failed, provider_refused, identity_taken, second_factor_required, code_wrong, unauthenticated, forbidden.
func (s *Service) Finish(ctx context.Context, provider string, a Answer, browser string, d session.Device) (o Outcome, err error) {
	f, err := s.take(ctx, provider, a.State, browser)
	if err != nil {
		return o, err
	}
	o = Outcome{Purpose: f.purpose, Provider: f.provider, Audience: f.audience, Target: f.target}
	if a.Error != "" || a.Code == "" { // some services say no by sending nothing but the state
		return o, refused(a.Error)
	}
	home, err := s.redirect(provider, f.audience)
	if err != nil {
		return o, err
	}
	p, err := s.provider(ctx, provider)
	if err != nil {
		return o, err
	}
	c, err := p.Identify(ctx, Return{
		Redirect: home, Code: a.Code, Issuer: a.Issuer, Nonce: derived("nonce", a.State, browser), Verifier: derived("verifier", a.State, browser),
		Again: f.purpose == Confirm, Since: f.begun,
	})
	if err != nil {
		return o, err
	}
	if s.isSSO(provider) {
		if err := s.o.SSO.Check(ctx, provider, c); err != nil {
			return o, err
		}
	}
	switch f.purpose {
	case SignIn:
		err = s.enter(ctx, f, c, d, &o)
	case Link:
		err = s.link(ctx, f, c)
	case Confirm:
		err = s.confirm(ctx, f, c, d, &o)
	}
	return o, err
}

// Prune forgets browsers that did not come back, a batch at a time, and says how many rows.
func (s *Service) Prune(ctx context.Context) (int64, error) {
	var n int64
	for _, table := range []string{
		"oauth_flows WHERE state_hash IN (SELECT state_hash FROM identity.oauth_flows",
		"oauth_pending WHERE secret_hash IN (SELECT secret_hash FROM identity.oauth_pending",
		"logout_tokens WHERE (provider, jti_hash) IN (SELECT provider, jti_hash FROM identity.logout_tokens",
	} {
		tag, err := s.pool.Exec(ctx, `DELETE FROM identity.`+table+` WHERE expires_at < $1 LIMIT 1000)`, s.o.Now())
		if err != nil {
			return n, identity.Wrap("forget browsers that did not come back", err)
		}
		n += tag.RowsAffected()
	}
	return n, nil
}
