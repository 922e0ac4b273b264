// Package answers keeps the first answer of an inference call for callers who sent an Idempotency-Key, for Keep at most,
// sealed so that it can be read with the caller's own API key only.
//
// A row is claimed before the call runs, and belongs to that run while its lease lasts. The answer is written together with
// the command that charges it, before that command is sent: a crash between both leaves an answer whose charge whoever comes
// next sends again, under the same command id. A crash before that leaves a lease that ends.
package answers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/seal"
)

const (
	// Keep is how long an answer is kept after its call began.
	Keep = 24 * time.Hour
	// MaxBody is the largest answer that is kept, in bytes.
	MaxBody = 4 << 20
	// MaxToken is the longest Idempotency-Key in bytes.
	MaxToken = 255
	// retryAfter, in seconds, is what callers are told whose first call still runs.
	retryAfter = "2"
)

// The codes of calls whose answer cannot be had again.
const (
	CodeTooLarge   domain.Code = "answer_too_large"
	CodeUnreadable domain.Code = "answer_unreadable"
)

// ErrLost means that the row belongs to another run now, because the lease ended.
var ErrLost = errors.New("the claim of the idempotency key was lost")

// Claim is one run's hold on an Idempotency-Key. The scope of the token is the API key.
type Claim struct {
	KeyID      uuid.UUID
	Token      [sha256.Size]byte // of the Idempotency-Key
	Body       [sha256.Size]byte // of the request's body
	Generation uuid.UUID
}

// NewClaim hashes a token, which is 1 to MaxToken printable characters, and a body.
func NewClaim(keyID uuid.UUID, token string, body []byte, generation uuid.UUID) (Claim, error) {
	if len(token) == 0 || len(token) > MaxToken {
		return Claim{}, domain.Errorf(domain.CodeInvalid, "an Idempotency-Key has 1 to %d characters", MaxToken)
	}
	for i := range len(token) {
		if token[i] < ' ' || token[i] > '~' {
			return Claim{}, domain.Errorf(domain.CodeInvalid, "an Idempotency-Key has printable ASCII characters only")
		}
	}
	return Claim{KeyID: keyID, Token: sha256.Sum256([]byte(token)), Body: sha256.Sum256(body), Generation: generation}, nil
}

// Answer is what is kept.
type Answer struct {
	Generation uuid.UUID
	Streamed   bool
	Body       []byte
	Settlement []byte // the command that charges the call
	Settled    bool   // and it was sent
}

// Store keeps answers in Postgres.
type Store struct{ pool *pgxpool.Pool }

// New makes a Store.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Claim takes the token for a run, or returns the answer of an earlier one. secret is the caller's API key. Errors:
// idempotency_conflict for another body, request_in_progress (with "retry_after") while the first call runs,
// answer_too_large and answer_unreadable when its answer cannot be had again, ledger_unavailable without the database.
func (s *Store) Claim(ctx context.Context, c Claim, secret string, lease time.Duration) (*Answer, error) {
	const rounds = 3 // a row may vanish between both statements
	for range rounds {
		claimed, err := s.take(ctx, c, lease)
		if err != nil || claimed {
			return nil, err
		}
		answer, err := s.find(ctx, c, secret)
		if !errors.Is(err, pgx.ErrNoRows) {
			return answer, err
		}
	}
	return nil, domain.Errorf(domain.CodeInProgress, "another call with this Idempotency-Key is running").With("retry_after", retryAfter)
}

// take makes the row, or takes over one that nobody needs any more.
func (s *Store) take(ctx context.Context, c Claim, lease time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO gateway.answers AS a (key_id, token_hash, body_hash, generation_id, state, lease_until, expires_at)
		VALUES ($1, $2, $3, $4, 'running', now() + $5, now() + $6)
		ON CONFLICT (key_id, token_hash) DO UPDATE SET
			body_hash = EXCLUDED.body_hash, generation_id = EXCLUDED.generation_id, state = 'running',
			lease_until = EXCLUDED.lease_until, expires_at = EXCLUDED.expires_at,
			settlement = NULL, settled = false, streamed = false, salt = NULL, sealed = NULL
		WHERE (a.state = 'running' AND a.lease_until < now()) OR (a.expires_at < now() AND (a.settled OR a.state = 'running'))`,
		c.KeyID, c.Token[:], c.Body[:], c.Generation, lease, Keep)
	if err != nil {
		return false, unavailable("claim an idempotency key", err)
	}
	return tag.RowsAffected() == 1, nil
}

// find reads what an earlier run left.
func (s *Store) find(ctx context.Context, c Claim, secret string) (*Answer, error) {
	var (
		body, salt, sealed []byte
		state              string
		a                  Answer
	)
	err := s.pool.QueryRow(ctx, `
		SELECT body_hash, generation_id, state, settlement, settled, streamed, salt, sealed
		FROM gateway.answers WHERE key_id = $1 AND token_hash = $2`, c.KeyID, c.Token[:]).
		Scan(&body, &a.Generation, &state, &a.Settlement, &a.Settled, &a.Streamed, &salt, &sealed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, pgx.ErrNoRows
	case err != nil:
		return nil, unavailable("look an idempotency key up", err)
	case string(body) != string(c.Body[:]):
		return nil, domain.Errorf(domain.CodeIdempotencyConflict, "this Idempotency-Key was used with another body")
	case state == "running":
		return nil, domain.Errorf(domain.CodeInProgress, "the first call with this Idempotency-Key is still running").With("retry_after", retryAfter)
	case state == "too_large":
		return nil, domain.Errorf(CodeTooLarge, "the call was made and charged; its answer was too large to be kept")
	}
	c.Generation = a.Generation
	if a.Body, err = seal.Open(secret, purpose, salt, sealed, c.bound()); err != nil {
		return nil, domain.Errorf(CodeUnreadable, "the call was made and charged; its answer can be read with the API key that made it only").Wrap(err)
	}
	return &a, nil
}

func unavailable(what string, err error) error {
	return domain.Errorf(domain.CodeUnavailable, "the answers kept for Idempotency-Keys cannot be reached; try again").
		Wrap(fmt.Errorf("%s: %w", what, err))
}
