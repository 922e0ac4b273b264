// Package appcode is how apps of others get a key without ever seeing a password: a person grants one, the app gets a code at its own address, and
// exchanges it for the key. It is OAuth's code flow with PKCE (RFC 7636) in the form that OpenRouter gave it: apps are not registered, an app is the
// address that it has codes sent to.
// https://openrouter.ai/docs/use-cases/oauth-pkce
package appcode

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
)

const (
	// Life is how long a code is good.
	Life = 10 * time.Minute
	// MaxTries are the exchanges that one code takes; all but the last one were wrong.
	MaxTries = 5

	maxCallback  = 2048 // bytes
	minChallenge = 43   // characters (RFC 7636, 4.2)
	maxChallenge = 128
)

// Method is how a challenge follows from its verifier.
type Method string

// The methods.
const (
	Plain Method = "plain"
	S256  Method = "S256"
)

// CodeWrong is of codes that do not exist, are over, were used, or are not the app's, whose verifier is wrong. Which of them it is is not said.
const CodeWrong domain.Code = "app_code_wrong"

func wrong() error {
	return domain.Errorf(CodeWrong, "this code is wrong, too old, was used before, or does not belong to this verifier")
}

// Grant is a key that somebody lets an app have.
type Grant struct {
	User      uuid.UUID // who grants it; zero for a management key
	Wallet    uuid.UUID
	Actor     string // as events name it
	Callback  string // where the code is sent
	Challenge string // "" for none
	Method    Method // Plain when there is a challenge and nothing is said (RFC 7636, 4.3)
	Limits    []byte // of the key, as JSON
}

// Code is what an app gets.
type Code struct {
	Secret    string
	Redirect  string // the callback with the code
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Granted is what a code stands for.
type Granted struct {
	ID     uuid.UUID
	User   uuid.UUID // zero for a management key
	Wallet uuid.UUID
	Actor  string
	Limits []byte
	// Random is what the key's secret is made of. It follows from the code, of which only a hash is kept: an exchange that was cut off before it was
	// noted issues the same key again.
	Random [32]byte
}

// Store keeps codes in Postgres. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a Store.
func New(pool *pgxpool.Pool, now func() time.Time) *Store { return &Store{pool: pool, now: now} }

// Callback reads an address that codes may be sent to: https, or http on the own machine of whoever grants. host names the app. Errors: invalid_request.
func Callback(text string) (u *url.URL, host string, err error) {
	bad := domain.Errorf(domain.CodeInvalid, "callback_url is of https, or of http at localhost or 127.0.0.1, without user and fragment").With("param", "callback_url")
	strange := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }
	u, err = url.Parse(text)
	if err != nil || len(text) > maxCallback || strings.ContainsFunc(text, strange) || u.Hostname() == "" || u.User != nil || u.Opaque != "" || strings.Contains(text, "#") {
		return nil, "", bad
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isOwn(u.Hostname())) {
		return nil, "", bad
	}
	return u, u.Host, nil
}

func isOwn(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// check normalizes what a challenge is. Errors: invalid_request.
func (g *Grant) check() error {
	bad := domain.Errorf(domain.CodeInvalid, "code_challenge has 43 to 128 characters of A-Z, a-z, 0-9, -, ., _ and ~; code_challenge_method is S256 or plain").With("param", "code_challenge")
	switch {
	case g.Challenge == "" && g.Method == "":
		return nil
	case g.Challenge == "" || !isVerifier(g.Challenge):
		return bad
	case g.Method == "":
		g.Method = Plain
	}
	raw, err := base64.RawURLEncoding.DecodeString(g.Challenge)
	if g.Method != Plain && (g.Method != S256 || err != nil || len(raw) != sha256.Size) {
		return bad
	}
	return nil
}

// isVerifier says whether a text can be a verifier, or a challenge (RFC 7636, 4.1 and 4.2).
func isVerifier(text string) bool {
	unreserved := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", c)
	}
	return len(text) >= minChallenge && len(text) <= maxChallenge && !strings.ContainsFunc(text, func(c rune) bool { return !unreserved(c) })
}

// Make makes a code. Errors: invalid_request.
func (s *Store) Make(ctx context.Context, g Grant) (Code, error) {
	to, _, err := Callback(g.Callback)
	if err != nil {
		return Code{}, err
	}
	if err := g.check(); err != nil {
		return Code{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Code{}, fmt.Errorf("name a code: %w", err)
	}
	now := domain.Moment(s.now())
	c := Code{Secret: code.Token(), CreatedAt: now, ExpiresAt: now.Add(Life)}
	q := to.Query()
	q.Set("code", c.Secret)
	to.RawQuery = q.Encode()
	c.Redirect = to.String()
	var user *uuid.UUID
	if g.User != uuid.Nil {
		user = &g.User
	}
	h := hash(c.Secret)
	_, err = auditlog.Exec(ctx, s.pool, trail.Change{Target: trail.Of("app-code", id), Wallet: g.Wallet, After: map[string]string{"to": to.Host}}, `INSERT INTO identity.app_codes (code_id, code_hash, user_id, wallet_id, actor, challenge, method, limits, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, id, h[:], user, g.Wallet, g.Actor, g.Challenge, g.Method, g.Limits, now, c.ExpiresAt)
	return c, identity.Wrap("keep a code", err)
}

func hash(secret string) code.Hash { return code.HashOf("app code", nil, secret) }

// Exchange uses a code up. issue makes the key; when it fails the code stays good, and when the process dies after it, issue is called with the same Granted again.
// Of several who exchange one code at once one is served. Errors: app_code_wrong, issue's.
func (s *Store) Exchange(ctx context.Context, secret, verifier string, method Method, issue func(context.Context, Granted) error) error {
	h := hash(secret)
	now := domain.Moment(s.now())
	// A try counts before it is looked at, so that whoever tries many at once has as few as any other.
	tag, err := s.pool.Exec(ctx, `UPDATE identity.app_codes SET tries = tries + 1 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2 AND tries < $3`, h[:], now, MaxTries)
	if err != nil {
		return fmt.Errorf("count a try of a code: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return wrong()
	}
	return identity.Wrap("exchange a code", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		g, err := find(ctx, tx, h, secret, verifier, method)
		if err != nil {
			return err
		}
		if err := issue(ctx, g); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE identity.app_codes SET used_at = $2 WHERE code_id = $1`, g.ID, now)
		return err
	}))
}

// find locks a code that was not used, and compares the verifier.
func find(ctx context.Context, tx pgx.Tx, h code.Hash, secret, verifier string, method Method) (g Granted, err error) {
	var user *uuid.UUID
	var challenge string
	var of Method
	err = tx.QueryRow(ctx, `SELECT c.code_id, c.user_id, c.wallet_id, c.actor, c.challenge, c.method, c.limits FROM identity.app_codes c LEFT JOIN identity.users u USING (user_id)
		WHERE c.code_hash = $1 AND c.used_at IS NULL AND (c.user_id IS NULL OR u.deleted_at IS NULL) FOR UPDATE OF c`, h[:]).
		Scan(&g.ID, &user, &g.Wallet, &g.Actor, &challenge, &of, &g.Limits)
	if errors.Is(err, pgx.ErrNoRows) {
		return g, wrong()
	}
	if err != nil {
		return g, fmt.Errorf("find a code: %w", err)
	}
	if !proves(verifier, method, challenge, of) {
		return g, wrong()
	}
	if user != nil {
		g.User = *user
	}
	g.Random = code.HashOf("app key", g.ID[:], secret)
	return g, nil
}

// proves compares a verifier with a challenge; without a challenge there is to be no verifier (RFC 9700, 4.8.2).
func proves(verifier string, method Method, challenge string, of Method) bool {
	if challenge == "" {
		return verifier == ""
	}
	if method != "" && method != of || !isVerifier(verifier) {
		return false
	}
	if of == S256 {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(challenge)) == 1
}

// Prune forgets codes that are over, a batch at a time, and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.app_codes WHERE code_id IN (SELECT code_id FROM identity.app_codes WHERE expires_at < $1 LIMIT 1000)`, s.now())
	if err != nil {
		return 0, fmt.Errorf("forget old codes: %w", err)
	}
	return tag.RowsAffected(), nil
}
