package session

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity/auditlog"
)

// EndBy ends, in the caller's transaction, the sessions that were made by an identity at a service, and sign-ins by it that are under way; with Origin.Session only those of that
// session there, and without Origin.Subject those of anybody there. It says how many sessions.
func (s *Store) EndBy(ctx context.Context, tx pgx.Tx, by Origin, why Reason) (int, error) {
	const which = ` provider = $1 AND ($2 = '' OR subject = $2) AND ($3 = '' OR issuer_session = $3)`
	if by.Provider == "" || by.Subject == "" && by.Session == "" {
		return 0, nil
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT user_id FROM identity.sessions WHERE revoked_at IS NULL AND`+which+`
		UNION SELECT user_id FROM identity.challenges WHERE ended_at IS NULL AND session_id IS NULL AND`+which+` ORDER BY user_id`, by.Provider, by.Subject, by.Session)
	if err != nil {
		return 0, fmt.Errorf("find whose sessions a service has made: %w", err)
	}
	users, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("find whose sessions a service has made: %w", err)
	}
	return s.endOf(ctx, tx, users, why, which, by.Provider, by.Subject, by.Session)
}

// EndOthers ends, in the caller's transaction, all sessions of some users that were not made by a provider, and their sign-ins in other ways that are under way. It says how
// many sessions.
func (s *Store) EndOthers(ctx context.Context, tx pgx.Tx, users []uuid.UUID, provider string, why Reason) (int, error) {
	return s.endOf(ctx, tx, users, why, ` provider <> $1`, provider)
}

// EndMade ends, in the caller's transaction, the sessions of somebody that a provider has made, and sign-ins by it that are under way. It locks the user also when there are none, and
// says how many sessions.
func (s *Store) EndMade(ctx context.Context, tx pgx.Tx, user uuid.UUID, provider string, why Reason) (int, error) {
	return s.endOf(ctx, tx, []uuid.UUID{user}, why, ` provider = $1`, provider)
}

// endOf locks the users before their sessions, in one order: whoever signs in or goes at the same moment comes before or after.
func (s *Store) endOf(ctx context.Context, tx pgx.Tx, users []uuid.UUID, why Reason, which string, args ...any) (int, error) {
	if _, err := tx.Exec(ctx, `SELECT FROM identity.users WHERE user_id = ANY ($1) ORDER BY user_id FOR NO KEY UPDATE`, users); err != nil {
		return 0, fmt.Errorf("hold users: %w", err)
	}
	n := len(args)
	at := func(i int) string { return fmt.Sprintf("$%d", n+i) }
	if _, err := tx.Exec(ctx, `UPDATE identity.challenges SET ended_at = `+at(1)+` WHERE user_id = ANY (`+at(2)+`) AND ended_at IS NULL AND session_id IS NULL AND`+which,
		append(args[:n:n], s.now(), users)...); err != nil {
		return 0, fmt.Errorf("end sign-ins: %w", err)
	}
	rows, err := tx.Query(ctx, `UPDATE identity.sessions SET revoked_at = `+at(1)+`, revoked_for = `+at(3)+` WHERE user_id = ANY (`+at(2)+`) AND revoked_at IS NULL AND`+which+`
		RETURNING user_id, session_id`, append(args[:n:n], s.now(), users, why)...)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	type one struct{ User, Session uuid.UUID }
	gone, err := pgx.CollectRows(rows, pgx.RowToStructByPos[one])
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	for _, g := range gone {
		if err := auditlog.Record(ctx, tx, ended(ctx, g.User, g.Session, why)); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
