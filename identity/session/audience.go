package session

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/token"
)

// EndAt ends, in the caller's transaction, in which the user is held, the sessions of a user at one front end, and sign-ins to it that are under way. It says how many
// sessions.
func EndAt(ctx context.Context, tx pgx.Tx, user uuid.UUID, audience token.Audience, why Reason, now time.Time) (int, error) {
	now = domain.Moment(now)
	if _, err := tx.Exec(ctx, `UPDATE identity.challenges SET ended_at = $3 WHERE user_id = $1 AND audience = $2 AND ended_at IS NULL`, user, audience, now); err != nil {
		return 0, fmt.Errorf("end sign-ins: %w", err)
	}
	rows, err := tx.Query(ctx, `UPDATE identity.sessions SET revoked_at = $3, revoked_for = $4 WHERE user_id = $1 AND audience = $2 AND revoked_at IS NULL RETURNING session_id`,
		user, audience, now, why)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return recordEnds(ctx, tx, rows, user, why)
}

// recordEnds writes the entries of sessions of a user that a statement has ended, and says how many.
func recordEnds(ctx context.Context, tx pgx.Tx, rows pgx.Rows, user uuid.UUID, why Reason) (int, error) {
	gone, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	for _, id := range gone {
		if err := auditlog.Record(ctx, tx, ended(ctx, user, id, why)); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
