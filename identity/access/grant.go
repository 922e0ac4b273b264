package access

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/projections/page"
)

const (
	// MaxGrant is how long a role on the platform is granted at most.
	MaxGrant  = 365 * 24 * time.Hour
	maxReason = 500 // characters
)

// Grant is a role on the platform that somebody has for a time.
type Grant struct {
	ID         uuid.UUID
	User       uuid.UUID
	Email      address.Email
	Role       PlatformRole
	Reason     string
	GrantedBy  string // an actor
	ApprovedBy string // another one; "" when the operator's command line granted it
	CreatedAt  time.Time
	ExpiresAt  time.Time
	EndedAt    time.Time // before its time; zero for not
	EndedBy    string
}

// Grant gives the owner of a mailbox a role for a time; g has its id, which makes it once, Email, Role, Reason, and who grants and approves it. Nobody grants
// oneself a role, and nobody has it twice. Errors: invalid_request, not_found, forbidden, conflict, idempotency_conflict.
func (s *Service) Grant(ctx context.Context, g Grant, life time.Duration) (Grant, error) {
	if _, err := ParsePlatformRole(string(g.Role)); err != nil {
		return g, err
	}
	g.Reason = strings.TrimSpace(g.Reason)
	switch n := utf8.RuneCountInString(g.Reason); {
	case n == 0 || n > maxReason || !utf8.ValidString(g.Reason):
		return g, domain.Errorf(domain.CodeInvalid, "reason has 1 to %d characters", maxReason).With("param", "reason")
	case life <= 0 || life > MaxGrant:
		return g, domain.Errorf(domain.CodeInvalid, "a role is granted for 1 to %d days", MaxGrant/(24*time.Hour)).With("param", "days")
	}
	g.CreatedAt = domain.Moment(s.now())
	g.ExpiresAt = g.CreatedAt.Add(life)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Held as identity.Hold does, so that who is there now stays until the end.
		err := tx.QueryRow(ctx, `SELECT user_id FROM identity.users WHERE email = $1 AND deleted_at IS NULL AND email_verified_at IS NOT NULL FOR NO KEY UPDATE`,
			g.Email).Scan(&g.User)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return domain.Errorf(domain.CodeNotFound, "nobody has proved to own this mailbox")
		case err != nil:
			return err
		case g.GrantedBy == "user:"+g.User.String() || g.ApprovedBy == "user:"+g.User.String():
			return domain.Errorf(domain.CodeForbidden, "nobody gives oneself a role")
		}
		if err := s.mayHold(ctx, tx, g); err != nil {
			return err
		}
		made, err := tx.Exec(ctx, `INSERT INTO identity.platform_grants (grant_id, user_id, role, reason, granted_by, approved_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (grant_id) DO NOTHING`,
			g.ID, g.User, g.Role, g.Reason, g.GrantedBy, g.ApprovedBy, g.CreatedAt, g.ExpiresAt)
		if err != nil {
			return err
		}
		if made.RowsAffected() > 0 {
			err := auditlog.Record(ctx, tx, trail.Change{Target: trail.Of("user", g.User), Reason: g.Reason, After: map[string]any{
				"grant": g.ID, "role": g.Role, "approved_by": g.ApprovedBy, "expires_at": g.ExpiresAt,
			}})
			if err != nil {
				return err
			}
		}
		rows, err := tx.Query(ctx, `SELECT `+grantColumns+` WHERE g.grant_id = $1`, g.ID)
		if err != nil {
			return err
		}
		kept, err := pgx.CollectExactlyOneRow(rows, scanGrant)
		if err == nil && (kept.User != g.User || kept.Role != g.Role || kept.Reason != g.Reason || kept.ExpiresAt.Sub(kept.CreatedAt) != life) {
			return domain.Errorf(domain.CodeIdempotencyConflict, "this idempotency key was used for another grant")
		}
		g = kept
		return err
	})
	return g, identity.Wrap("grant a role", err)
}

// mayHold refuses a role that somebody has already: ending one of two would end nothing; and one for somebody without a second factor: whoever knew the password could set up his own.
func (s *Service) mayHold(ctx context.Context, tx pgx.Tx, g Grant) error {
	var has bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.platform_grants WHERE user_id = $1 AND role = $2 AND grant_id <> $3 AND ended_at IS NULL AND expires_at > $4
			AND NOT EXISTS (SELECT FROM identity.platform_grants WHERE grant_id = $3))`, g.User, g.Role, g.ID, g.CreatedAt).Scan(&has); err != nil {
		return err
	}
	strong, err := factor.Strong(ctx, tx, g.User)
	switch {
	case err != nil:
		return err
	case has:
		return domain.Errorf(domain.CodeConflict, "this person has the role already: end that grant first, or let it end")
	case !strong:
		return domain.Errorf(domain.CodeConflict, "this person has neither an authenticator app nor a passkey: one of them comes first")
	}
	return nil
}

const grantColumns = `g.grant_id, g.user_id, u.email, g.role, g.reason, g.granted_by, g.approved_by, g.created_at, g.expires_at, g.ended_at, g.ended_by
	FROM identity.platform_grants g JOIN identity.users u USING (user_id)`

func scanGrant(r pgx.CollectableRow) (g Grant, err error) {
	var ended *time.Time
	err = r.Scan(&g.ID, &g.User, &g.Email, &g.Role, &g.Reason, &g.GrantedBy, &g.ApprovedBy, &g.CreatedAt, &g.ExpiresAt, &ended, &g.EndedBy)
	g.CreatedAt, g.ExpiresAt = g.CreatedAt.UTC(), g.ExpiresAt.UTC()
	if ended != nil {
		g.EndedAt = ended.UTC()
	}
	return g, err
}

// Grants lists the roles that people have now, and with past those that they had, the newest first. Limit is that of page.Limit. Errors: invalid_request.
func (s *Service) Grants(ctx context.Context, past bool, cursor string, limit int) (p page.Part[Grant], err error) {
	w, err := page.ListOf("grants", strconv.FormatBool(past)).Before(cursor, limit)
	if err != nil {
		return p, err
	}
	sql, args := `SELECT `+grantColumns+` WHERE (g.created_at, g.grant_id) < ($1, $2)`, []any{w.At, w.ID}
	if !past { // nothing older is in force any more, which keeps the page to a part of the index
		now := s.now()
		sql, args = sql+` AND g.ended_at IS NULL AND g.expires_at > $3 AND g.created_at > $4`, append(args, now, now.Add(-MaxGrant))
	}
	rows, err := s.pool.Query(ctx, sql+` ORDER BY g.created_at DESC, g.grant_id DESC LIMIT `+w.Rows(), args...)
	if err != nil {
		return p, identity.Wrap("list granted roles", err)
	}
	all, err := pgx.CollectRows(rows, scanGrant)
	if err != nil {
		return p, identity.Wrap("list granted roles", err)
	}
	return page.Cut(w, all, func(g *Grant) (time.Time, uuid.UUID) { return g.CreatedAt, g.ID }), nil
}

// EndGrant takes a role back. Ending one that has ended changes nothing. Errors: not_found.
func (s *Service) EndGrant(ctx context.Context, id uuid.UUID, by string) error {
	tag, err := auditlog.Exec(ctx, s.pool, trail.Change{Target: trail.Of("grant", id), After: map[string]bool{"ended": true}}, `UPDATE identity.platform_grants SET ended_at = coalesce(ended_at, $2), ended_by = CASE WHEN ended_at IS NULL THEN $3 ELSE ended_by END
		WHERE grant_id = $1`, id, domain.Moment(s.now()), by)
	if err == nil && tag.RowsAffected() == 0 {
		return domain.Errorf(domain.CodeNotFound, "there is no such grant")
	}
	return identity.Wrap("take a role back", err)
}
