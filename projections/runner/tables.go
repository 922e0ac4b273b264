package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// querier is a transaction, a connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// table is one table of a build, or one partition of it.
type table struct {
	Name     string
	Parent   string // of a partition; "" else
	Bound    string // of a partition
	Key      string // by which it is partitioned; "" else
	Settings string // its storage parameters
	Tied     bool   // it has triggers or foreign keys, which a copy would not have
}

const listTables = `WITH RECURSIVE tree AS (
	SELECT c.oid, ''::name AS parent, 0 AS depth FROM pg_class c
		WHERE c.relnamespace = to_regnamespace($1) AND c.relname = ANY($2) AND c.relkind IN ('r', 'p')
	UNION ALL SELECT i.inhrelid, t.relname, tree.depth + 1 FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid JOIN pg_class t ON t.oid = tree.oid
)
SELECT c.relname::text, tree.parent::text, coalesce(pg_get_expr(c.relpartbound, c.oid), ''),
	CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) ELSE '' END, coalesce(array_to_string(c.reloptions, ', '), ''),
	EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid)
FROM tree JOIN pg_class c ON c.oid = tree.oid ORDER BY tree.depth, c.relname`

// tablesIn lists the tables of a projection in a slot with their partitions, parents first.
func tablesIn(ctx context.Context, q querier, p Projection, s Slot) ([]table, error) {
	names, err := baseNames(p)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, listTables, string(s), names)
	if err != nil {
		return nil, fmt.Errorf("list the tables of %s: %w", p.Name(), err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return nil, fmt.Errorf("list the tables of %s: %w", p.Name(), err)
	}
	return all, nil
}

// copyTables makes empty tables in a slot that are like the live ones.
func copyTables(ctx context.Context, tx pgx.Tx, p Projection, to Slot) error {
	all, err := tablesIn(ctx, tx, p, Live)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Tied {
			return fmt.Errorf("table %s has triggers or foreign keys: it cannot be built beside itself", all[i].Name)
		}
		if _, err := tx.Exec(ctx, all[i].create(to)); err != nil {
			return fmt.Errorf("make table %s of the build: %w", all[i].Name, err)
		}
	}
	if to == scratch {
		return nil
	}
	for i := range all { // when all are there: a policy may look at another table of the build
		if err := copyRights(ctx, tx, all[i].Name, to); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) create(s Slot) string {
	var sql strings.Builder
	fmt.Fprintf(&sql, `CREATE TABLE %s `, s.name(t.Name))
	if t.Parent == "" {
		fmt.Fprintf(&sql, `(LIKE %s INCLUDING ALL)`, Live.name(t.Name))
	} else {
		fmt.Fprintf(&sql, `PARTITION OF %s %s`, s.name(t.Parent), t.Bound)
	}
	if t.Key != "" {
		sql.WriteString(` PARTITION BY ` + t.Key)
	}
	if t.Settings != "" {
		sql.WriteString(` WITH (` + t.Settings + `)`)
	}
	return sql.String()
}

// name is a table's full name.
func (s Slot) name(table string) string { return pgx.Identifier{string(s), table}.Sanitize() }

const listRights = `SELECT format('GRANT %s%s ON %s TO %s', a.privilege_type, a.columns, $2::text,
	CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
	FROM (SELECT c.relowner, '' AS columns, x.* FROM pg_class c, aclexplode(c.relacl) x WHERE c.oid = to_regclass($1)
		UNION ALL SELECT c.relowner, format(' (%I)', t.attname), x.* FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) x
			WHERE c.oid = to_regclass($1)) a WHERE a.grantee <> a.relowner`

// copyRights gives those who may use a live table the same on its copy: it will be the live one.
func copyRights(ctx context.Context, tx pgx.Tx, table string, to Slot) error {
	rows, err := tx.Query(ctx, listRights, Live.name(table), to.name(table))
	if err != nil {
		return fmt.Errorf("list the rights on %s: %w", table, err)
	}
	grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the rights on %s: %w", table, err)
	}
	for _, grant := range grants {
		if _, err := tx.Exec(ctx, grant); err != nil {
			return fmt.Errorf("copy the rights on %s: %w", table, err)
		}
	}
	return copyPolicies(ctx, tx, table, to)
}

const listPolicies = `SELECT format('CREATE POLICY %I ON %s FOR %s TO %s USING (%s)', p.policyname, $3::text, p.cmd, array_to_string(p.roles, ', '), p.qual)
	FROM pg_policies p WHERE p.schemaname = $1 AND p.tablename = $2`

// copyPolicies shows of the copy what is shown of the live table, and to whom.
func copyPolicies(ctx context.Context, tx pgx.Tx, table string, to Slot) error {
	rows, err := tx.Query(ctx, listPolicies, string(Live), table, to.name(table))
	if err != nil {
		return fmt.Errorf("list the policies of %s: %w", table, err)
	}
	policies, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the policies of %s: %w", table, err)
	}
	if len(policies) > 0 {
		policies = append(policies, `ALTER TABLE `+to.name(table)+` ENABLE ROW LEVEL SECURITY`)
	}
	for _, policy := range policies {
		if _, err := tx.Exec(ctx, to.sql(policy)); err != nil { // other tables that it looks at are those of the same build
			return fmt.Errorf("copy the policies of %s: %w", table, err)
		}
	}
	return nil
}

// dropTables removes a build's tables, if there are any.
func dropTables(ctx context.Context, tx pgx.Tx, p Projection, s Slot) error {
	names, err := baseNames(p)
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = s.name(names[i])
	}
	if _, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+strings.Join(names, ", ")); err != nil { // at once: their policies look at each other
		return fmt.Errorf("drop the tables of %s: %w", p.Name(), err)
	}
	return nil
}

// moveTables moves a build's tables with all that belongs to them from one slot to another.
func moveTables(ctx context.Context, tx pgx.Tx, p Projection, from, to Slot) error {
	all, err := tablesIn(ctx, tx, p, from)
	if err != nil {
		return err
	}
	for _, t := range all {
		if _, err := tx.Exec(ctx, `ALTER TABLE `+from.name(t.Name)+` SET SCHEMA `+string(to)); err != nil {
			return fmt.Errorf("move table %s to %s: %w", from.name(t.Name), to, err)
		}
	}
	return nil
}

const listColumns = `SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = to_regnamespace($1) AND c.relname = ANY($2) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum`

// errShape: a migration has changed the tables since the build was begun.
var errShape = errors.New("its tables are not like those of the live build any more: drop it and rebuild")

// sameShape fails when the tables of a build are not like the live ones, so that a query or a write could fail after a switch.
func sameShape(ctx context.Context, q querier, p Projection, s Slot) error {
	names, err := baseNames(p)
	if err != nil {
		return err
	}
	var shapes [2]string
	for i, slot := range []Slot{Live, s} {
		rows, err := q.Query(ctx, listColumns, string(slot), names)
		if err != nil {
			return fmt.Errorf("list the columns of %s: %w", p.Name(), err)
		}
		columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("list the columns of %s: %w", p.Name(), err)
		}
		shapes[i] = strings.Join(columns, "\n")
	}
	if shapes[0] != shapes[1] {
		return errShape
	}
	return nil
}
