package runner

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Comparison is what came out of comparing a build with the live one at the same position.
type Comparison struct {
	Live, Built Digest
	Equal       bool
	Differences []Difference // the first of each table
}

// Difference is one row that the two builds do not have alike.
type Difference struct {
	Table string
	Key   string // the row's primary key
	Kind  string // one of the constants below
}

// Kinds of differences.
const (
	OnlyLive  = "only_live"  // the new build has no such row
	OnlyBuilt = "only_built" // the live build has no such row
	Changed   = "changed"    // both have it, with other values
)

// String is the difference for people.
func (d Difference) String() string {
	what := map[string]string{OnlyLive: "is in the live build only", OnlyBuilt: "is in the new build only", Changed: "has other values"}[d.Kind]
	return fmt.Sprintf("row %s of %s %s", d.Key, d.Table, what)
}

// mostDifferences is how many rows of a table are named.
const mostDifferences = 5

func compare(ctx context.Context, live, built *content) (c Comparison, err error) {
	if c.Live, err = live.digest(ctx); err != nil {
		return c, err
	}
	if c.Built, err = built.digest(ctx); err != nil {
		return c, err
	}
	if live.position != built.position {
		return c, fmt.Errorf("the builds of %s are at positions %d and %d: somebody else moved one", live.p.Name(), live.position, built.position)
	}
	c.Equal = c.Live.Sum == c.Built.Sum
	for i, table := range c.Live.Tables {
		if table == c.Built.Tables[i] {
			continue
		}
		found, err := differences(ctx, live, built, table.Table)
		if err != nil {
			return c, err
		}
		c.Differences = append(c.Differences, found...)
	}
	return c, nil
}

// keyed is a row as it is compared.
type keyed struct{ key, hash string }

func (k keyed) compare(other keyed) int {
	if c := cmp.Compare(k.key, other.key); c != 0 || k.key != "" {
		return c
	}
	return cmp.Compare(k.hash, other.hash) // of a table without a key
}

// differences walks over both tables in the order of their keys.
func differences(ctx context.Context, live, built *content, table string) ([]Difference, error) {
	left, err := live.keyed(ctx, table)
	if err != nil {
		return nil, err
	}
	defer left.rows.Close()
	right, err := built.keyed(ctx, table)
	if err != nil {
		return nil, err
	}
	defer right.rows.Close()
	var found []Difference
	for len(found) < mostDifferences && (left.more || right.more) {
		order := 0
		switch {
		case !right.more:
			order = -1
		case !left.more:
			order = 1
		default:
			order = left.head.compare(right.head)
		}
		switch {
		case order < 0:
			found = append(found, Difference{table, left.head.key, OnlyLive})
		case order > 0:
			found = append(found, Difference{table, right.head.key, OnlyBuilt})
		case left.head.hash != right.head.hash:
			found = append(found, Difference{table, left.head.key, Changed})
		}
		if order <= 0 {
			left.next()
		}
		if order >= 0 {
			right.next()
		}
		if err := cmp.Or(left.err, right.err); err != nil {
			return nil, fmt.Errorf("compare the rows of %s: %w", table, err)
		}
	}
	return found, nil
}

// keyedRows are the rows of a table in order.
type keyedRows struct {
	rows pgx.Rows
	head keyed
	more bool
	err  error
}

func (k *keyedRows) next() {
	if k.more = k.rows.Next(); k.more {
		k.err = k.rows.Scan(&k.head.key, &k.head.hash)
	} else {
		k.err = k.rows.Err()
	}
}

const listKey = `SELECT coalesce(string_agg(format('r.%I', a.attname), ', ' ORDER BY array_position(i.indkey, a.attnum)), '')
	FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid = to_regclass($1)`

// keyed reads a table in the order of its primary key as text; the values themselves stay in the database.
func (c *content) keyed(ctx context.Context, table string) (*keyedRows, error) {
	var columns string
	if err := c.tx.QueryRow(ctx, listKey, Live.name(table)).Scan(&columns); err != nil {
		return nil, fmt.Errorf("look for the key of %s: %w", table, err)
	}
	key := `''`
	if columns != "" {
		key = `concat_ws(' ', ` + columns + `)`
	}
	sql := strings.NewReplacer("KEY", key, "TABLE", c.slot.name(table)).Replace(
		`SELECT k, h FROM (SELECT KEY COLLATE "C" AS k, encode(sha256(convert_to(r::text, 'UTF8')), 'hex') COLLATE "C" AS h FROM TABLE r) AS rows ORDER BY k, h`)
	rows, err := c.tx.Query(ctx, sql) //nolint:rowserrcheck // next checks it
	if err != nil {
		return nil, fmt.Errorf("read the rows of %s: %w", table, err)
	}
	k := &keyedRows{rows: rows}
	k.next()
	if k.err != nil {
		rows.Close()
		return nil, fmt.Errorf("read the rows of %s: %w", table, k.err)
	}
	return k, nil
}
