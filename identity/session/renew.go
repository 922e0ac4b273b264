package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/code"
)

// CodeRenewed is of a refresh token in whose place another one came when a factor was shown once more: the browser has that one by now.
const CodeRenewed domain.Code = "session_renewed"

// Renew notes, in the caller's transaction, that factors were shown in a live session just now, and makes a new refresh token that follows from none before: whoever
// has an older one, which could have been stolen, has no part in what the factors allow. Errors: unauthenticated.
func (s *Store) Renew(ctx context.Context, tx pgx.Tx, id uuid.UUID, factors []string, d Device) (Session, string, error) {
	now, d := domain.Moment(s.now()), d.normal()
	nonce := make([]byte, sha256.Size)
	_, _ = rand.Read(nonce) // never fails
	rows, err := tx.Query(ctx, `UPDATE identity.sessions s SET authenticated_at = $2, seen_at = $2, nonce = $3, user_agent = $4, address = $5,
			factors = (SELECT array_agg(DISTINCT f ORDER BY f) FROM unnest(factors || $6::text[]) AS f)
		WHERE session_id = $1 AND revoked_at IS NULL AND expires_at > $2 RETURNING `+columns, id, now, nonce, d.UserAgent, d.Address, factors)
	if err != nil {
		return Session{}, "", fmt.Errorf("note that factors were shown: %w", err)
	}
	renewed, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, "", refused()
	}
	if err != nil {
		return Session{}, "", fmt.Errorf("note that factors were shown: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE identity.refresh_tokens SET used_at = $2 WHERE session_id = $1 AND used_at IS NULL`, id, now); err != nil {
		return Session{}, "", fmt.Errorf("end the refresh tokens of before: %w", err)
	}
	secret := code.Token()
	return renewed, secret, put(ctx, tx, id, secret, now)
}
