package account

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
)

// mailboxes are that of the user $1 and those of before, each with the time until which it was.
const mailboxes = `(SELECT email, 'infinity'::timestamptz AS until FROM identity.users WHERE user_id = $1
	UNION ALL SELECT email, until FROM identity.former_emails WHERE user_id = $1) AS b`

// written are rows t to a mailbox of the user $1, until it was his no more, and from when it was nobody else's: of before his time those that came while no account had it.
func written(column string) string {
	return `EXISTS (SELECT FROM ` + mailboxes + ` WHERE b.email = t.` + column + ` AND t.created_at <= b.until
		AND NOT EXISTS (SELECT FROM identity.former_emails o WHERE o.email = b.email AND o.user_id <> $1 AND o.until < b.until AND t.created_at <= o.until))`
}

// writtenEver are also those of later, unless the mailbox is somebody else's by now.
func writtenEver(column string) string {
	return `EXISTS (SELECT FROM ` + mailboxes + ` WHERE b.email = t.` + column + ` AND (t.created_at <= b.until
		OR NOT EXISTS (SELECT FROM identity.users o WHERE o.email = b.email AND o.deleted_at IS NULL AND o.user_id <> $1)))`
}

// granting is the operation whose request names a person by a mailbox.
const granting = "GrantRole"

// lockApprovals locks what erase changes of approvals, in the order of their ids, as of two who decided on what the other has asked for each has rows of both.
func lockApprovals(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	_, err := tx.Exec(ctx, `SELECT FROM identity.approvals WHERE requested_by = $1 OR decided_by = $1 OR operation = $2 ORDER BY approval_id FOR UPDATE`, user, granting)
	return err
}

// forget deletes the rows that name a user by a mailbox, of now or of before, and then the user with all that refers to it.
func forget(ctx context.Context, tx pgx.Tx, user uuid.UUID, now time.Time) error {
	if err := redact(ctx, tx, user, now); err != nil {
		return err
	}
	for _, sql := range []string{
		`UPDATE identity.organisations SET personal_of = NULL, name = '', deleted_at = coalesce(deleted_at, now()) WHERE personal_of = $1`,
		`DELETE FROM identity.invitations t WHERE ` + writtenEver("email"),
		`DELETE FROM identity.mails t WHERE ` + writtenEver("recipient"),
		`DELETE FROM identity.links t USING identity.users u WHERE u.user_id = $1 AND t.email = u.email`,
		`DELETE FROM identity.oauth_pending t USING identity.users u WHERE u.user_id = $1 AND t.email = u.email`,
		`DELETE FROM identity.sign_ups t WHERE ` + writtenEver("email"),
		`DELETE FROM identity.users WHERE user_id = $1`,
	} {
		if _, err := tx.Exec(ctx, sql, user); err != nil {
			return err
		}
	}
	return nil
}

// redact takes a user out of what others have asked to be approved: what was decided stays without what it said, and what still waits has waited long enough.
func redact(ctx context.Context, tx pgx.Tx, user uuid.UUID, now time.Time) error {
	rows, err := tx.Query(ctx, `SELECT b.email FROM `+mailboxes, user)
	if err != nil {
		return err
	}
	emails, err := pgx.CollectRows(rows, pgx.RowTo[address.Email])
	if err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, `SELECT approval_id, body FROM identity.approvals WHERE operation = $1`, granting); err != nil {
		return err
	}
	type request struct {
		ID   uuid.UUID
		Body string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[request])
	if err != nil {
		return err
	}
	var theirs []uuid.UUID
	for _, r := range all {
		if named(r.Body, emails) {
			theirs = append(theirs, r.ID)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE identity.approvals SET body = '{}', answer = '', expires_at = least(expires_at, $2) WHERE approval_id = ANY ($1)`, theirs, domain.Moment(now))
	return err
}

// named says whether a request to grant a role is about one of some mailboxes, in whatever form somebody has typed it.
func named(body string, emails []address.Email) bool {
	var typed struct {
		Email string `json:"email"`
	}
	if json.Unmarshal([]byte(body), &typed) != nil {
		return false
	}
	is, err := address.Parse(typed.Email)
	for _, e := range emails {
		if err == nil && e == is {
			return true
		}
	}
	return false
}

// How long what is over is kept.
const (
	keepInvitations = 90 * 24 * time.Hour
	keepApprovals   = 365 * 24 * time.Hour
	keepFormer      = keepApprovals + 30*24*time.Hour // longer than what an erasure finds by it
)

// pruneOver forgets invitations and approvals that were over long ago, and mailboxes of before that nothing can name any more, a batch at a time, and says how many.
func (s *Service) pruneOver(ctx context.Context) (n int64, err error) {
	now := s.now()
	for _, one := range []struct {
		sql    string
		before time.Time
	}{
		{`DELETE FROM identity.invitations WHERE invitation_id IN (SELECT invitation_id FROM identity.invitations WHERE expires_at < $1 LIMIT 1000)`, now.Add(-keepInvitations)},
		{`DELETE FROM identity.approvals WHERE approval_id IN (SELECT approval_id FROM identity.approvals WHERE expires_at < $1 LIMIT 1000)`, now.Add(-keepApprovals)},
		{`DELETE FROM identity.former_emails WHERE (user_id, email) IN (SELECT user_id, email FROM identity.former_emails WHERE until < $1 LIMIT 1000)`, now.Add(-keepFormer)},
	} {
		gone, err := s.pool.Exec(ctx, one.sql, one.before)
		if err != nil {
			return n, identity.Wrap("forget what is over", err)
		}
		n += gone.RowsAffected()
	}
	return n, nil
}
