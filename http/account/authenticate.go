package account

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/session"
	"github.com/massrouter/massrouter/identity/token"
)

// believe is how long what is known of a session, and of its user's rights, is not asked again. With Ended, which is no older, a change has its effect within a
// second on every process.
const believe = 700 * time.Millisecond

const maxRemembered = 10_000

// Rights says what somebody may do; see access.Service.
type Rights interface {
	Rights(ctx context.Context, user uuid.UUID) (access.Rights, error)
	// Many is Rights of many users at once; who has none is left out.
	Many(ctx context.Context, users []uuid.UUID) (map[uuid.UUID]access.Rights, error)
}

// Sessions finds live ones; see session.Store.
type Sessions interface {
	Get(ctx context.Context, id uuid.UUID) (session.Session, error)
	// Live is which of some sessions are live, with their audiences.
	Live(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]token.Audience, error)
}

// Ended knows which sessions have ended; see session.Ended.
type Ended interface {
	Has(ctx context.Context, session uuid.UUID) (bool, error)
}

// AuthenticatorParts are what an Authenticator works with.
type AuthenticatorParts struct {
	Operator auth.Authenticator // of the operator token
	Issuer   *token.Issuer
	Sessions Sessions
	Ended    Ended
	Rights   Rights
	Sites    Sites
	Now      func() time.Time
}

// Authenticator finds out who sends a request of the console: the operator by the token of the configuration, a person by an access token, as bearer or in a
// cookie. What is sent as bearer is never looked for in a cookie, nor the reverse. It is safe for concurrent use.
type Authenticator struct {
	p      AuthenticatorParts
	jar    jar
	origin origins

	mu    sync.Mutex
	known map[uuid.UUID]remembered // by session
}

// remembered is what was known of a session.
type remembered struct {
	actor    auth.Actor
	audience token.Audience
	at       time.Time // when the session was looked at
}

var _ auth.Renewer = (*Authenticator)(nil)

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(p AuthenticatorParts) (*Authenticator, error) {
	o, err := newOrigins(p.Sites)
	return &Authenticator{p: p, jar: newJar(p.Sites, p.Now), origin: o, known: map[uuid.UUID]remembered{}}, err
}

// Authenticate implements auth.Authenticator. A request with a cookie that changes something has to come from a page of its front end.
func (a *Authenticator) Authenticate(r *http.Request) (auth.Actor, error) {
	if sent := r.Header.Values("Authorization"); len(sent) > 0 {
		scheme, text, _ := strings.Cut(sent[0], " ")
		text = strings.TrimSpace(text)
		if len(sent) > 1 {
			return auth.Actor{}, unknown()
		}
		if !strings.EqualFold(scheme, "Bearer") || strings.Count(text, ".") != 2 { // no JWT: the operator token
			return a.p.Operator.Authenticate(r)
		}
		return a.actor(r.Context(), text, token.Portal, token.Admin)
	}
	text, audience := a.jar.find(r, accessToken)
	if text == "" {
		return auth.Actor{}, unknown()
	}
	if a.origin.check(r, audience) != nil {
		return auth.Actor{}, crossOrigin()
	}
	return a.actor(r.Context(), text, audience)
}

func unknown() error {
	return domain.Errorf(domain.CodeUnauthenticated, "sign in, or send a valid token: Authorization: Bearer <token>")
}

// actor is who has an access token.
func (a *Authenticator) actor(ctx context.Context, text string, audiences ...token.Audience) (auth.Actor, error) {
	c, err := a.p.Issuer.Check(text, audiences...)
	if domain.CodeOf(err) == token.CodeExpired {
		return auth.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "this access token is over").With("reason", string(token.CodeExpired))
	}
	if err != nil {
		return auth.Actor{}, unknown()
	}
	ended, err := a.p.Ended.Has(ctx, c.Session)
	switch {
	case err != nil:
		return auth.Actor{}, unavailable(err)
	case ended:
		return auth.Actor{}, unknown()
	}
	now := a.p.Now()
	actor, ok := a.remembered(c, now)
	if !ok {
		if actor, err = a.find(ctx, c); err != nil {
			return auth.Actor{}, err
		}
		a.remember(c.Session, remembered{actor, c.Audience, now})
	}
	actor.Shown = c.Shown // of this very token: a session has several
	return actor, nil
}

// find asks for the session and its user's rights.
func (a *Authenticator) find(ctx context.Context, c token.Claims) (auth.Actor, error) {
	s, err := a.p.Sessions.Get(ctx, c.Session)
	if domain.CodeOf(err) == domain.CodeUnauthenticated || err == nil && (s.User != c.User || s.Audience != c.Audience) {
		return auth.Actor{}, unknown()
	}
	if err != nil {
		return auth.Actor{}, unavailable(err)
	}
	return a.entitled(ctx, c.User, c.Session, c.Audience)
}

// entitled is a user with the rights of now. A session of one front end is worth nothing at the other.
func (a *Authenticator) entitled(ctx context.Context, user, session uuid.UUID, audience token.Audience) (auth.Actor, error) {
	rights, err := a.p.Rights.Rights(ctx, user)
	if err != nil {
		return auth.Actor{}, unavailable(err)
	}
	return with(user, session, audience, rights), nil
}

// with is a user with rights, as far as they count at a front end.
func with(user, session uuid.UUID, audience token.Audience, rights access.Rights) auth.Actor {
	actor := auth.Actor{ID: "user:" + user.String(), User: user, Session: session}
	if audience == token.Admin {
		actor.Platform, actor.Roles = rights.Platform, rights.Roles
	} else {
		actor.Tenants = rights.Tenants
	}
	return actor
}

// Renew implements auth.Renewer.
func (a *Authenticator) Renew(ctx context.Context, actor auth.Actor) (auth.Actor, error) {
	a.mu.Lock()
	known, ok := a.known[actor.Session]
	a.mu.Unlock()
	if !ok || actor.User == uuid.Nil {
		return actor, nil
	}
	fresh, err := a.entitled(ctx, actor.User, actor.Session, known.audience)
	if err != nil {
		return actor, err
	}
	known.actor = fresh // the session itself is as old as it was
	a.remember(actor.Session, known)
	fresh.Shown = actor.Shown
	return fresh, nil
}

func unavailable(err error) error {
	return domain.Errorf(domain.CodeUnavailable, "it cannot be found out who you are at the moment; try again").Wrap(err)
}

// remembered is who a token is of, if that was found out just now. A token that says another user or audience than its session has is looked at as if nothing were known.
func (a *Authenticator) remembered(c token.Claims, now time.Time) (auth.Actor, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.known[c.Session]
	age := now.Sub(r.at)
	return r.actor, ok && age >= 0 && age < believe && r.actor.User == c.User && r.audience == c.Audience
}

func (a *Authenticator) remember(id uuid.UUID, r remembered) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxRemembered {
		for old, one := range a.known {
			if age := r.at.Sub(one.at); age < 0 || age >= believe {
				delete(a.known, old)
			}
		}
	}
	if len(a.known) < maxRemembered {
		a.known[id] = r
	}
}
