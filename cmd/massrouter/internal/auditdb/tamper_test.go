package auditdb_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
)

// TestOneByteOfOneEvent changes each column of an event by a bit, a second or a letter: the auditor names its position.
func TestOneByteOfOneEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	position := ask[int64](t, b, `SELECT position FROM ledger.events WHERE type = 'wallet.usage_charged.v1' ORDER BY position OFFSET 3 LIMIT 1`)
	for _, c := range columns(t, b, "ledger.events") {
		t.Log(c.Name)
		undo := b.change(t, "ledger.events", c, fmt.Sprintf("position = %d", position))
		r := b.verify(t)
		require.False(t, r.OK)
		require.True(t, slices.ContainsFunc(r.Log.Findings, func(f audit.Finding) bool {
			return f.Position == position && (f.Code == audit.LeafMismatch || f.Code == audit.ShardMixed) || // "positions 24 to 24 are missing"
				f.Code == audit.PositionMissing && f.Message == fmt.Sprintf("positions %d to %d are missing", position, position)
		}), "%v", r.Log.Findings)
		undo()
	}
	b.clean(t)
}

// unchecked are columns that events say nothing of.
func unchecked() []string {
	return []string{
		"ledger.commands.input_hash", "ledger.commands.outcome", "ledger.log_checkpoints.signed_at",
		"views.checkpoints.version", "views.checkpoints.rebuild_to", "views.checkpoints.state", "views.checkpoints.error", "views.checkpoints.updated_at",
		"views.checkpoints.build", "views.checkpoints.revision",
	}
}

// TestEveryColumnOfEveryTable changes each column of several rows of each table.
func TestEveryColumnOfEveryTable(t *testing.T) {
	t.Parallel()
	tables := []string{
		"ledger.log_heads", "ledger.streams", "ledger.commands", "ledger.snapshots", "ledger.log_tiles", "ledger.log_checkpoints", "views.checkpoints", "views.balance_v1",
		"views.keys_v1", "views.keys_spend_v1", "views.keys_wallets_v1", "views.keys_members_v1", "views.apps_v1", "views.catalog_publications_v1",
		"views.generations_v1", "views.generations_ends_v1", "views.generations_corrections_v1", "views.journal_entries_v2", "views.journal_balances_v2",
		"views.journal_stretches_v2", "views.reviews_v1",
	}
	for _, table := range tables {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.calls(t, 130)
			b.project(t)
			b.sign(t)
			require.Equal(t, tables, tablesOf(t, b), "every table beside the events is here")
			source := table
			if table == "ledger.commands" { // no event tells the id and the time of a refused command
				source += " WHERE NOT refused"
			}
			rows := ask[int](t, b, "SELECT count(*) FROM "+source)
			for _, c := range columns(t, b, table) {
				if slices.Contains(unchecked(), table+"."+c.Name) {
					continue
				}
				for _, n := range slices.Compact([]int{0, rows / 3, rows - 1}) {
					what := fmt.Sprintf("%s of row %d", c.Name, n)
					where := fmt.Sprintf("(tableoid, ctid) = (SELECT tableoid, ctid FROM %s ORDER BY %s LIMIT 1 OFFSET %d)", source, c.First, n)
					undo := b.change(t, table, c, where)
					r := b.verify(t)
					require.True(t, found(r, auditdb.RowDiffers, table) || found(r, auditdb.RowMissing, table) || found(r, auditdb.RowExtra, table) ||
						found(r, auditdb.ViewAhead, table) || table == "views.checkpoints" && found(r, auditdb.RowExtra, "views."),
						"%s: %v", what, r.Log.Findings)
					undo()
				}
			}
			b.clean(t)
		})
	}
}

func tablesOf(t *testing.T, b *bundle) []string {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `SELECT format('%s.%s', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname IN ('ledger', 'views') AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN ('events')
		AND relname NOT LIKE 'usage\_%' AND relname NOT LIKE 'rankings\_%' -- see TestRollupsAreLeftToAReplay
		ORDER BY nspname, array_position(ARRAY['log_heads', 'streams', 'commands', 'snapshots', 'log_tiles', 'log_checkpoints', 'checkpoints', 'balance_v1',
		'keys_v1', 'keys_spend_v1', 'keys_wallets_v1', 'keys_members_v1', 'apps_v1', 'catalog_publications_v1', 'generations_v1', 'generations_ends_v1', 'generations_corrections_v1',
		'journal_entries_v2', 'journal_balances_v2', 'journal_stretches_v2', 'reviews_v1'], relname::text)`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// column is a column of a table, and the table's first one.
type column struct{ Name, Kind, First string }

func columns(t *testing.T, b *bundle, table string) []column {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `SELECT attname::text, format_type(atttypid, NULL), first_value(attname::text) OVER (ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, table)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// changed is another value of a column, as little different as can be.
func (c column) changed(t *testing.T) string {
	t.Helper()
	switch c.Name {
	case "state":
		if c.Kind == "text" {
			return `CASE state WHEN 'running' THEN 'suspect' WHEN 'charged' THEN 'released' WHEN 'released' THEN 'charged'
				WHEN 'open' THEN 'resolved' WHEN 'resolved' THEN 'open' ELSE 'running' END`
		}
	case "kind":
		return `CASE kind WHEN 'charge' THEN 'grant' WHEN 'model' THEN 'vendor' WHEN 'top_up' THEN 'grant' WHEN 'grant' THEN 'top_up'
			WHEN 'adjustment' THEN 'grant' WHEN 'hold' THEN 'release' WHEN 'release' THEN 'hold' WHEN 'expiry' THEN 'hold'
			WHEN 'correction' THEN 'charge' ELSE 'model' END`
	case "decision":
		return `CASE decision WHEN 'accepted' THEN 'corrected' ELSE 'accepted' END`
	}
	switch c.Kind {
	case "uuid":
		return fmt.Sprintf(`overlay(coalesce(%s::text, '00000000-0000-0000-0000-000000000000') placing '9f9f' from 1)::uuid`, c.Name)
	case "text":
		return fmt.Sprintf(`coalesce(%s, '') || 'x'`, c.Name)
	case "numeric":
		return c.Name + ` + 0.000000000001`
	case "bigint": // the next few are often taken
		return fmt.Sprintf(`coalesce(%s, 0) + 1000`, c.Name)
	case "smallint", "integer":
		return c.Name + ` + 1`
	case "text[]":
		return fmt.Sprintf(`coalesce((SELECT array_agg(v || 'x') FROM unnest(%s) v), '{x}')`, c.Name)
	case "numeric[]":
		return fmt.Sprintf(`coalesce((SELECT array_agg(v + 0.000000000001) FROM unnest(%s) v), '{0}')`, c.Name)
	case "timestamp with time zone":
		return fmt.Sprintf(`coalesce(%s, now()) + interval '1 microsecond'`, c.Name)
	case "date":
		return fmt.Sprintf(`coalesce(%s, current_date) + 1`, c.Name)
	case "boolean":
		return `NOT ` + c.Name
	case "bytea":
		return fmt.Sprintf(`set_byte(%[1]s, 0, get_byte(%[1]s, 0) # 1)`, c.Name)
	case "json", "jsonb":
		return fmt.Sprintf(`(CASE jsonb_typeof(%[1]s::jsonb) WHEN 'object' THEN %[1]s::jsonb || '{"x": 1}' WHEN 'array' THEN %[1]s::jsonb || '1'
			ELSE '{}' END)::%[2]s`, c.Name, c.Kind)
	}
	require.Fail(t, "no way to change a column", "%s %s", c.Name, c.Kind)
	return ""
}

// change changes one column of one row, and returns how to undo it.
func (b *bundle) change(t *testing.T, table string, c column, where string) (undo func()) {
	t.Helper()
	value := c.changed(t)
	if c.Name == "body" && c.Kind == "text" {
		value = `overlay(body placing 'Z' from 3)` // inside the first name
	}
	var old *string
	var place string
	err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), fmt.Sprintf(`SELECT %s::text FROM %s WHERE %s`, c.Name, table, where)).Scan(&old); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), fmt.Sprintf(`UPDATE %[1]s SET %[2]s = %[3]s WHERE %[4]s RETURNING tableoid::regclass || ' ' || ctid`,
			table, c.Name, value, where)).Scan(&place)
	})
	require.NoError(t, err, "%s.%s", table, c.Name)
	return func() {
		t.Helper()
		b.tamper(t, fmt.Sprintf(`UPDATE %s SET %s = $1::text::%s WHERE tableoid::regclass || ' ' || ctid = $2`, table, c.Name, c.Kind), old, place)
	}
}

// TestMissingRows deletes a row of each table.
func TestMissingRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.calls(t, 130)
	b.project(t)
	b.sign(t)
	for _, table := range append(tablesOf(t, b), "ledger.events") {
		if table == "ledger.snapshots" || table == "views.checkpoints" || table == "ledger.log_checkpoints" {
			continue // a stream needs none; without a checkpoint nothing was promised
		}
		t.Log(table)
		needed := "true"
		if table == "ledger.commands" {
			needed = "NOT refused" // no event tells of a refused one
		}
		err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; CREATE TABLE kept AS SELECT * FROM `+table)
			if err == nil {
				_, err = tx.Exec(t.Context(), fmt.Sprintf(`DELETE FROM %[1]s WHERE (tableoid, ctid) = (SELECT tableoid, ctid FROM %[1]s WHERE %[2]s OFFSET 1 LIMIT 1)
						OR (SELECT count(*) FROM %[1]s) = 1`, table, needed))
			}
			return err
		})
		require.NoError(t, err)
		r := b.verify(t)
		if table == "ledger.events" {
			require.Equal(t, audit.PositionMissing, r.Log.Findings[0].Code)
			require.EqualValues(t, 3, r.Log.Findings[0].Position)
		} else {
			require.True(t, found(r, auditdb.RowMissing, table), "%v", r.Log.Findings)
		}
		names := ask[string](t, b, `SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = ''`, table)
		err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), fmt.Sprintf(`SET LOCAL session_replication_role = replica; DELETE FROM %[1]s;
					INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM kept; DROP TABLE kept`, table, names))
			return err
		})
		require.NoError(t, err)
		b.clean(t)
	}
}
