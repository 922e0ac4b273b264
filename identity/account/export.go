package account

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/identity"
)

// tables are those that know of somebody by id, with their columns but for secrets: what is sealed or hashed is bytes, and the rest is named here. A
// table that is added later is found as well.
const tables = `SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position)
	FROM information_schema.columns c
	WHERE c.table_schema = 'identity' AND c.data_type <> 'bytea' AND c.column_name NOT IN ('password', 'credential', 'credentials', 'nonce', 'secret')
		AND c.table_name NOT IN ('ceremonies', 'challenges', 'links')
		AND EXISTS (SELECT FROM information_schema.columns u WHERE u.table_schema = 'identity' AND u.table_name = c.table_name AND u.column_name = 'user_id')
		AND EXISTS (SELECT FROM information_schema.tables t WHERE t.table_schema = 'identity' AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE')
	GROUP BY c.table_name ORDER BY c.table_name`

// Export is everything that is kept of somebody, as rows by table, without secrets and without what is not the person's. Its rows are of one moment. Errors:
// not_found.
func (s *Service) Export(ctx context.Context, user uuid.UUID) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if _, err := byID(ctx, tx, user, ""); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, tables)
		if err != nil {
			return err
		}
		type table struct {
			name    string
			columns []string
		}
		found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t table, err error) { return t, r.Scan(&t.name, &t.columns) })
		if err != nil {
			return err
		}
		for _, t := range found {
			if all[t.name], err = rowsOf(ctx, tx, `identity.`+pgx.Identifier{t.name}.Sanitize()+` t WHERE t.user_id = $1`, t.columns, user); err != nil {
				return err
			}
		}
		if all["organisations"], err = rowsOf(ctx, tx, `identity.organisations t JOIN identity.members m USING (organisation_id) WHERE m.user_id = $1 AND t.deleted_at IS NULL`,
			[]string{"organisation_id", "wallet_id", "name", "created_at"}, user); err != nil {
			return err
		}
		// Whoever has the mailbox now may accept what waits there, whenever it came.
		all["invitations"], err = rowsOf(ctx, tx, `identity.invitations t WHERE `+written("email")+`
			OR t.ended_at IS NULL AND t.email = (SELECT email FROM identity.users WHERE user_id = $1)`,
			[]string{"invitation_id", "organisation_id", "email", "role", "created_at", "expires_at", "ended_at", "ended_as"}, user)
		if err != nil {
			return err
		}
		if all["mails"], err = rowsOf(ctx, tx, `identity.mails t WHERE `+written("recipient"), // also of invitations, which were no user's when they were sent
			[]string{"mail_id", "recipient", "kind", "language", "details", "created_at", "due_at", "attempts", "sent_at", "failed_at"}, user); err != nil {
			return err
		}
		if all["approvals"], err = rowsOf(ctx, tx, `identity.approvals t WHERE t.requested_by = $1`,
			[]string{"approval_id", "operation", "method", "path", "body", "created_at", "expires_at", "decision", "decided_at", "status"}, user); err != nil {
			return err
		}
		all["audit_entries"], err = trailOf(ctx, tx, user)
		return err
	})
	return all, identity.Wrap("export an account", err)
}

// maxTrail is how many entries of the audit trail are exported, the newest.
const maxTrail = 10_000

// trailOf reads the entries of what somebody did, and of what was done about the person. What is personal in one is only there when it is the person's own.
func trailOf(ctx context.Context, tx pgx.Tx, user uuid.UUID) (text json.RawMessage, err error) {
	if err := tx.QueryRow(ctx, `SELECT coalesce(json_agg(r), '[]') FROM (
			SELECT entry_id, recorded_at, body, CASE WHEN person = $1 THEN personal::json END AS personal FROM audit.entries
			WHERE entry_id IN (SELECT entry_id FROM audit.entries WHERE actor = 'user:' || $1::text UNION SELECT entry_id FROM audit.entries WHERE target = 'user:' || $1::text
				UNION SELECT entry_id FROM audit.entries WHERE target = 'member:' || $1::text UNION SELECT entry_id FROM audit.entries WHERE person = $1 AND personal IS NOT NULL)
			ORDER BY entry_id DESC LIMIT $2) r`, user, maxTrail).Scan(&text); err != nil {
		return nil, fmt.Errorf("read what is kept of somebody: %w", err)
	}
	return text, nil
}

// rowsOf reads columns of a table t as a JSON array of objects.
func rowsOf(ctx context.Context, tx pgx.Tx, from string, columns []string, arg any) (text json.RawMessage, err error) {
	list := ""
	for i, c := range columns {
		if i > 0 {
			list += ", "
		}
		list += "t." + pgx.Identifier{c}.Sanitize()
	}
	if err := tx.QueryRow(ctx, `SELECT coalesce(json_agg(r), '[]') FROM (SELECT `+list+` FROM `+from+`) r`, arg).Scan(&text); err != nil {
		return nil, fmt.Errorf("read what is kept of somebody: %w", err)
	}
	return text, nil
}
