package webhook

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

// once notes a request, in the audit trail as well, and says whether it is new. One that was noted with another input is refused.
func once(ctx context.Context, tx pgx.Tx, q Request, webhook uuid.UUID, now time.Time, input ...any) (fresh bool, err error) {
	encoded, err := json.Marshal(input)
	if err != nil {
		return false, fmt.Errorf("encode the request: %w", err)
	}
	hash := sha256.Sum256(encoded)
	tag, err := tx.Exec(ctx, `INSERT INTO webhooks.requests (id, input_hash, webhook_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		q.ID, hash[:], webhook, now)
	if err != nil {
		return false, err
	}
	if tag.RowsAffected() == 1 {
		err = note(ctx, tx, q, webhook, input)
		return err == nil, err
	}
	var before []byte
	err = tx.QueryRow(ctx, `SELECT input_hash FROM webhooks.requests WHERE id = $1`, q.ID).Scan(&before)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, domain.Errorf(domain.CodeConflict, "a request with this idempotency key was forgotten just now; send it again")
	}
	if err == nil && !bytes.Equal(before, hash[:]) {
		err = domain.Errorf(domain.CodeIdempotencyConflict, "this idempotency key was used with another request")
	}
	return false, err
}
