package session

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/token"
)

// Refresh takes a refresh token and makes the next one. Within the Leeway a token that was used makes the same next one; after that the session ends,
// and reused is true: its user should be told. A token from before Renew ends nothing: whoever shows it has no part in what came after, and within the Leeway, as when
// two tabs ask at once, it is session_renewed. Every other token is unauthenticated. device is where the request came from.
func (s *Store) Refresh(ctx context.Context, secret string, audience token.Audience, d Device) (session Session, next string, reused bool, err error) {
	d = d.normal()
	now := domain.Moment(s.now())
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		h := hash(secret)
		f, err := find(ctx, tx, h[:])
		if err != nil {
			return err
		}
		session = f.Session
		_, idle := lives(session.Audience)
		if session.Audience != audience || f.revoked || !now.Before(session.ExpiresAt) || now.Sub(session.SeenAt) >= idle {
			return errNone
		}
		next = successor(f.nonce, secret)
		if f.used != nil {
			reused, err = again(ctx, tx, &f, next, now)
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.refresh_tokens SET used_at = $2 WHERE token_hash = $1`, h[:], now); err != nil {
			return err
		}
		session.Device, session.SeenAt = d, now
		if _, err := tx.Exec(ctx, `UPDATE identity.sessions SET seen_at = $2, user_agent = $3, address = $4 WHERE session_id = $1`,
			session.ID, now, d.UserAgent, d.Address); err != nil {
			return err
		}
		return put(ctx, tx, session.ID, next, now)
	})
	switch {
	case errors.Is(err, errNone), err == nil && reused:
		return session, "", reused, refused()
	case domain.CodeOf(err) == CodeRenewed:
		return Session{}, "", false, err
	case err != nil:
		return Session{}, "", false, fmt.Errorf("refresh a session: %w", err)
	}
	return session, next, false, nil
}

// again decides about a token that is over. One whose next token was never made was ended by Renew.
func again(ctx context.Context, tx pgx.Tx, f *family, next string, now time.Time) (reused bool, err error) {
	h, late := hash(next), now.Sub(*f.used) >= Leeway
	var made bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.refresh_tokens WHERE token_hash = $1 AND session_id = $2)`, h[:], f.ID).Scan(&made); err != nil {
		return false, err
	}
	switch {
	case made && !late:
		return false, nil
	case !made && !late:
		return false, domain.Errorf(CodeRenewed, "a factor was shown once more, and this session has new tokens: send the request again with them")
	case !made:
		return false, errNone
	}
	if _, err := tx.Exec(ctx, `UPDATE identity.sessions SET revoked_at = $2, revoked_for = $3 WHERE session_id = $1`, f.ID, now, Reused); err != nil {
		return false, err
	}
	c := ended(ctx, f.User, f.ID, Reused)
	c.Action = "session.reused"
	return true, auditlog.Record(ctx, tx, c)
}

// successor follows from the token before and from what only the database has, so that it is the same each time and is kept nowhere.
func successor(nonce []byte, secret string) string {
	mac := hmac.New(sha256.New, nonce)
	_, _ = mac.Write([]byte("massrouter refresh v1\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// family is a session as one of its tokens sees it.
type family struct {
	Session
	nonce   []byte
	revoked bool
	used    *time.Time
}

// find locks the session of a token: tokens of one session are used one after the other.
func find(ctx context.Context, tx pgx.Tx, hash []byte) (f family, err error) {
	var id [16]byte
	err = tx.QueryRow(ctx, `SELECT session_id FROM identity.refresh_tokens WHERE token_hash = $1`, hash).Scan(&id)
	if err != nil {
		return f, none(err)
	}
	var network netip.Prefix
	err = tx.QueryRow(ctx, `SELECT `+columns+`, s.nonce, s.revoked_at IS NOT NULL FROM identity.sessions s WHERE session_id = $1 FOR UPDATE`, id).
		Scan(&f.ID, &f.User, &f.Audience, &f.CreatedAt, &f.AuthenticatedAt, &f.Factors, &f.Device.UserAgent, &network, &f.SeenAt, &f.ExpiresAt, &f.nonce, &f.revoked)
	if err != nil {
		return f, none(err)
	}
	f.Device.Address = network.Addr()
	// Read after the lock: another request may have used it while this one waited.
	err = tx.QueryRow(ctx, `SELECT used_at FROM identity.refresh_tokens WHERE token_hash = $1`, hash).Scan(&f.used)
	return f, none(err)
}

func none(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errNone
	}
	return err
}
