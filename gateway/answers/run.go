package answers

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/gateway/seal"
)

// Keep writes the answer of a run, sealed, with the command that charges it. An answer above MaxBody is not kept, which
// the row says. ErrLost when the claim is not the run's any more.
func (s *Store) Keep(ctx context.Context, c Claim, secret string, a Answer) error {
	state := "kept"
	var salt, sealed []byte
	if len(a.Body) > MaxBody {
		state = "too_large"
	} else {
		var err error
		if salt, sealed, err = seal.Seal(secret, purpose, a.Body, c.bound()); err != nil {
			return fmt.Errorf("seal an answer: %w", err)
		}
	}
	return s.update(ctx, "keep an answer", `
		UPDATE gateway.answers SET state = $4, settlement = $5, streamed = $6, salt = $7, sealed = $8
		WHERE key_id = $1 AND token_hash = $2 AND generation_id = $3 AND state = 'running'`,
		c.KeyID, c.Token[:], c.Generation, state, a.Settlement, a.Streamed, salt, sealed)
}

// Settled notes that the command that charges an answer was recorded.
func (s *Store) Settled(ctx context.Context, c Claim) error {
	return s.update(ctx, "note a settlement", `
		UPDATE gateway.answers SET settled = true WHERE key_id = $1 AND token_hash = $2 AND generation_id = $3`,
		c.KeyID, c.Token[:], c.Generation)
}

// Renew moves the end of a running call's lease.
func (s *Store) Renew(ctx context.Context, c Claim, lease time.Duration) error {
	return s.update(ctx, "renew a lease", `
		UPDATE gateway.answers SET lease_until = now() + $4
		WHERE key_id = $1 AND token_hash = $2 AND generation_id = $3 AND state = 'running'`,
		c.KeyID, c.Token[:], c.Generation, lease)
}

// Free gives the token of a run that failed back.
func (s *Store) Free(ctx context.Context, c Claim) error {
	return s.update(ctx, "free an idempotency key", `
		DELETE FROM gateway.answers WHERE key_id = $1 AND token_hash = $2 AND generation_id = $3 AND state = 'running'`,
		c.KeyID, c.Token[:], c.Generation)
}

func (s *Store) update(ctx context.Context, what, sql string, args ...any) error {
	tag, err := s.pool.Exec(ctx, sql, args...)
	switch {
	case err != nil:
		return unavailable(what, err)
	case tag.RowsAffected() == 0:
		return fmt.Errorf("%s: %w", what, ErrLost)
	}
	return nil
}

// Unsettled is an answer whose charge was perhaps never sent.
type Unsettled struct {
	Claim      Claim
	Settlement []byte
}

// Unsettled lists at most limit answers whose run ended, one way or another, before it noted its settlement.
func (s *Store) Unsettled(ctx context.Context, limit int) ([]Unsettled, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT key_id, token_hash, body_hash, generation_id, settlement FROM gateway.answers
		WHERE state <> 'running' AND NOT settled AND lease_until < now() ORDER BY lease_until LIMIT $1`, limit)
	if err != nil {
		return nil, unavailable("list unsettled answers", err)
	}
	defer rows.Close()
	var out []Unsettled
	for rows.Next() {
		var (
			u           Unsettled
			token, body []byte
		)
		if err := rows.Scan(&u.Claim.KeyID, &token, &body, &u.Claim.Generation, &u.Settlement); err != nil {
			return nil, unavailable("list unsettled answers", err)
		}
		copy(u.Claim.Token[:], token)
		copy(u.Claim.Body[:], body)
		out = append(out, u)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable("list unsettled answers", err)
	}
	return out, nil
}

// Purge deletes at most limit rows whose time is over and says how many. An answer whose charge was not sent stays.
func (s *Store) Purge(ctx context.Context, limit int) (int64, error) {
	tag, err := s.pool.Exec(ctx, `
		DELETE FROM gateway.answers WHERE (key_id, token_hash) IN (
			SELECT key_id, token_hash FROM gateway.answers
			WHERE expires_at < now() AND (settled OR (state = 'running' AND lease_until < now()))
			LIMIT $1 FOR UPDATE SKIP LOCKED)`, limit)
	if err != nil {
		return 0, unavailable("purge answers", err)
	}
	return tag.RowsAffected(), nil
}

// PurgeAll deletes every row whose time is over, in steps. It is run from time to time.
func (s *Store) PurgeAll(ctx context.Context) (int64, error) {
	const step = 1000
	var total int64
	for {
		n, err := s.Purge(ctx, step)
		total += n
		if err != nil || n < step {
			return total, err
		}
	}
}
