// Package once gives requests that change something beside the ledger their effect once. What the table of commands is to events, its one table is to
// webhooks, presets and the like: a request is noted, has its effect, and leaves its answer in one transaction.
//
//	once.go   what a request is, and Do
//	prune.go  what ends by its time
package once

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

// Keep is how long a request is known. After it the same id is a new request.
const Keep = 30 * 24 * time.Hour

// Request is who asks for a change, and makes it happen once.
type Request struct {
	// ID follows from the caller's idempotency key within its operation and its actor, or is drawn.
	ID    uuid.UUID
	Actor string
}

// Do notes a request in the transaction of its effect. A new one has its effect, whose answer is kept; one that is known with the same input is given
// that answer again (replayed), without the effect. Two at once with the same id go one after the other. When the effect fails, an error has to end the
// transaction: then the request was never there.
//
// The input is all that tells the request from others: what is done, to whose things, and with what. Only its hash is kept. The answer is kept as JSON:
// ids, numbers and times, but nothing secret or personal, since it stays when its subject is erased. Errors: those of effect; idempotency_conflict for
// another input or another actor.
func Do[T any](ctx context.Context, tx pgx.Tx, q Request, input []any, effect func() (T, error)) (answer T, replayed bool, err error) {
	hash, err := digest(q, input)
	if err != nil {
		return answer, false, err
	}
	before, known, err := note(ctx, tx, q, hash)
	if err != nil {
		return answer, false, err
	}
	if known {
		err = before.repeat(hash, &answer)
		return answer, err == nil, err
	}
	if answer, err = effect(); err != nil {
		return answer, false, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return answer, false, fmt.Errorf("encode the answer of a request: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE once.requests SET answer = $2 WHERE id = $1`, q.ID, string(text)); err != nil {
		return answer, false, fmt.Errorf("keep the answer of a request: %w", err)
	}
	return answer, false, nil
}

// digest has the id and the actor in it as well: an answer is only for who was given it, and equal inputs do not show.
func digest(q Request, input []any) ([]byte, error) {
	text, err := json.Marshal([]any{q.ID, q.Actor, input})
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	hash := sha256.Sum256(text)
	return hash[:], nil
}

// past is a request that was there.
type past struct {
	hash   []byte
	answer *string // nil of a request that is older than the table
}

// note writes a request down, unless it is known. One whose time is over counts as new.
func note(ctx context.Context, tx pgx.Tx, q Request, hash []byte) (before past, known bool, err error) {
	for {
		tag, err := tx.Exec(ctx, `INSERT INTO once.requests AS r (id, input_hash, expires_at) VALUES ($1, $2, now() + $3::interval)
			ON CONFLICT (id) DO UPDATE SET input_hash = excluded.input_hash, answer = NULL, expires_at = excluded.expires_at
			WHERE r.expires_at <= now()`, q.ID, hash, Keep)
		if err != nil || tag.RowsAffected() == 1 {
			return past{}, false, wrap(err)
		}
		err = tx.QueryRow(ctx, `SELECT input_hash, answer FROM once.requests WHERE id = $1`, q.ID).Scan(&before.hash, &before.answer)
		if !errors.Is(err, pgx.ErrNoRows) { // pruned just now
			return before, true, wrap(err)
		}
	}
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("note a request: %w", err)
	}
	return nil
}

// repeat reads the answer that was given into one of its kind.
func (p past) repeat(hash []byte, answer any) error {
	switch {
	case p.answer == nil:
		return domain.Errorf(domain.CodeIdempotencyConflict, "this was done before, by a version of the service that kept no answer")
	case !bytes.Equal(p.hash, hash):
		return domain.Errorf(domain.CodeIdempotencyConflict, "this idempotency key was used with another request")
	}
	if err := json.Unmarshal([]byte(*p.answer), answer); err != nil {
		return fmt.Errorf("decode the answer of a request: %w", err)
	}
	return nil
}
