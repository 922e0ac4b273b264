package access

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/projections/page"
)

// ApprovalLife is how long something waits for a second person.
const ApprovalLife = 3 * 24 * time.Hour

// Listed is the closed list of operations that a second person approves when a person asks for them; true for those that need it only above an amount (MayMoveAlone).
func Listed() map[string]bool {
	return map[string]bool{
		"TopUpWallet": true, "GrantCredit": true, "AdjustWallet": true, // money that nobody paid, or that is taken
		"ReviewCharge": false,                                                   // refunds: a charge is corrected by hand
		"PublishPrice": false, "SetPriceGroup": false, "ClearPriceGroup": false, // price policies
		"GrantRole":     false,
		"PublishVendor": false, // where prompts and the platform's keys at vendors go
	}
}

// Decision is what became of a request.
type Decision string

// The decisions.
const (
	Undecided Decision = ""
	Approved  Decision = "approved"
	Refused   Decision = "refused"
	Withdrawn Decision = "withdrawn"
)

// Approval is a request that one person made and another has to approve.
type Approval struct {
	ID         uuid.UUID
	Operation  string
	Method     string
	Path       string // with its query
	Body       string
	Permission Permission // that who approves needs as well
	By         uuid.UUID
	CreatedAt  time.Time
	ExpiresAt  time.Time
	Decision   Decision
	DecidedBy  uuid.UUID // zero while nobody has
	DecidedAt  time.Time
	Status     int    // of the answer; 0 until it was made
	Answer     string // a body
}

// Ask notes a request; its id makes it once. Errors: idempotency_conflict when the id is of another one; unauthenticated when who asks was erased.
func (s *Service) Ask(ctx context.Context, a Approval) (Approval, error) {
	now := domain.Moment(s.now())
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, a.By); err != nil {
			return err
		}
		made, err := tx.Exec(ctx, `INSERT INTO identity.approvals (approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (approval_id) DO NOTHING`,
			a.ID, a.Operation, a.Method, a.Path, a.Body, a.Permission, a.By, now, now.Add(ApprovalLife))
		if err != nil {
			return err
		}
		if made.RowsAffected() > 0 {
			if err := auditlog.Record(ctx, tx, trail.Change{Target: trail.Of("approval", a.ID), After: map[string]string{"asked_for": a.Operation}}); err != nil {
				return err
			}
		}
		kept, err := approval(ctx, tx, a.ID, "")
		if err == nil && (kept.Path != a.Path || kept.Body != a.Body || kept.By != a.By) {
			return domain.Errorf(domain.CodeIdempotencyConflict, "this idempotency key was used for another request")
		}
		a = kept
		return err
	})
	return a, identity.Wrap("ask for an approval", err)
}

const approvalColumns = `approval_id, operation, method, path, body, permission, requested_by, created_at, expires_at, decision, decided_by, decided_at, coalesce(status, 0), answer`

func scanApproval(r pgx.CollectableRow) (a Approval, err error) {
	var by *uuid.UUID
	var at *time.Time
	err = r.Scan(&a.ID, &a.Operation, &a.Method, &a.Path, &a.Body, &a.Permission, &a.By, &a.CreatedAt, &a.ExpiresAt, &a.Decision, &by, &at, &a.Status, &a.Answer)
	a.CreatedAt, a.ExpiresAt = a.CreatedAt.UTC(), a.ExpiresAt.UTC()
	if by != nil {
		a.DecidedBy = *by
	}
	if at != nil {
		a.DecidedAt = at.UTC()
	}
	return a, err
}

// Approval is a request. Errors: not_found.
func (s *Service) Approval(ctx context.Context, id uuid.UUID) (Approval, error) {
	a, err := approval(ctx, s.pool, id, "")
	return a, identity.Wrap("find an approval", err)
}

func approval(ctx context.Context, q identity.Querier, id uuid.UUID, lock string) (Approval, error) {
	rows, err := q.Query(ctx, `SELECT `+approvalColumns+` FROM identity.approvals WHERE approval_id = $1 `+lock, id)
	if err != nil {
		return Approval{}, err
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanApproval)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, domain.Errorf(domain.CodeNotFound, "there is no such approval")
	}
	return a, err
}

// Approvals lists what waits, and with past what has waited, the newest first. Limit is that of page.Limit. Errors: invalid_request.
func (s *Service) Approvals(ctx context.Context, past bool, cursor string, limit int) (p page.Part[Approval], err error) {
	w, err := page.ListOf("approvals", strconv.FormatBool(past)).Before(cursor, limit)
	if err != nil {
		return p, err
	}
	sql, args := `SELECT `+approvalColumns+` FROM identity.approvals WHERE (created_at, approval_id) < ($1, $2)`, []any{w.At, w.ID}
	if !past { // nothing older waits any more, which keeps the page to a part of the index
		now := s.now()
		sql, args = sql+` AND decision = '' AND expires_at > $3 AND created_at > $4`, append(args, now, now.Add(-ApprovalLife))
	}
	rows, err := s.pool.Query(ctx, sql+` ORDER BY created_at DESC, approval_id DESC LIMIT `+w.Rows(), args...)
	if err != nil {
		return p, identity.Wrap("list approvals", err)
	}
	all, err := pgx.CollectRows(rows, scanApproval)
	if err != nil {
		return p, identity.Wrap("list approvals", err)
	}
	return page.Cut(w, all, func(a *Approval) (time.Time, uuid.UUID) { return a.CreatedAt, a.ID }), nil
}

// Decide approves or refuses, or withdraws what one has asked for oneself. The same decision by the same person again changes nothing. Errors: not_found;
// forbidden, of who asked and wants to decide, or did not ask and wants to withdraw; conflict, of what was decided otherwise, or waited too long;
// unauthenticated when who decides was erased.
func (s *Service) Decide(ctx context.Context, id, by uuid.UUID, d Decision) (Approval, error) {
	now := domain.Moment(s.now())
	var a Approval
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := identity.Hold(ctx, tx, by)
		if err != nil {
			return err
		}
		a, err = approval(ctx, tx, id, "FOR UPDATE")
		switch {
		case err != nil:
			return err
		case d == Withdrawn && a.By != by:
			return domain.Errorf(domain.CodeForbidden, "only who asked for it can withdraw it")
		case d != Withdrawn && a.By == by:
			return domain.Errorf(domain.CodeForbidden, "somebody else than who asked for it has to decide")
		case a.Decision == d && a.DecidedBy == by:
			return nil
		case a.Decision != Undecided:
			return domain.Errorf(domain.CodeConflict, "this was %s", a.Decision)
		case !now.Before(a.ExpiresAt):
			return domain.Errorf(domain.CodeConflict, "this has waited too long: ask for it again")
		}
		a.Decision, a.DecidedBy, a.DecidedAt = d, by, now
		_, err = tx.Exec(ctx, `UPDATE identity.approvals SET decision = $2, decided_by = $3, decided_at = $4 WHERE approval_id = $1`, id, d, by, now)
		if err != nil {
			return err
		}
		return auditlog.Record(ctx, tx, trail.Change{Target: trail.Of("approval", id), After: map[string]string{"asked_for": a.Operation, "decision": string(d)}})
	})
	return a, identity.Wrap("decide on an approval", err)
}

// Answered notes what became of a request that was approved.
func (s *Service) Answered(ctx context.Context, id uuid.UUID, status int, answer string) error {
	_, err := s.pool.Exec(ctx, `UPDATE identity.approvals SET status = $2, answer = $3 WHERE approval_id = $1 AND decision = 'approved'`, id, status, answer)
	return identity.Wrap("note the answer of an approved request", err)
}
