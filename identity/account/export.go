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
		u, err := byID(ctx, tx, user, "")
		if err != nil {
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
		all["invitations"], err = rowsOf(ctx, tx, `identity.invitations t WHERE t.email = $1`,
			[]string{"invitation_id", "organisation_id", "email", "role", "created_at", "expires_at", "ended_at", "ended_as"}, u.Email)
		return err
	})
	return all, identity.Wrap("export an account", err)
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
