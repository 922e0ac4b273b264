package column_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore/pgwire"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/column"
)

// TestRowsOfManyPieces: rows are cut into messages anywhere, and some are longer than any; between them go other statements. A row that
// the server refuses in the midst of them leaves the connection as good as before.
func TestRowsOfManyPieces(t *testing.T) {
	t.Parallel()
	pooled, err := pgtest.New(t).Acquire(t.Context())
	require.NoError(t, err)
	t.Cleanup(pooled.Release)
	conn := pooled.Conn()
	_, err = conn.Exec(t.Context(), `CREATE TEMPORARY TABLE pieces (n bigint PRIMARY KEY, v text)`)
	require.NoError(t, err)
	const rows = 5000
	all := sha256.New()
	fill := func(first int64) (n column.Ints, v column.Texts) {
		for i := range int64(rows) {
			n.Add(first + i)
			switch {
			case i%7 == 0:
				v.Maybe(nil)
			case i%1000 == 1:
				v.Add(strings.Repeat("long ", 100_000))
			default:
				v.Add(strings.Repeat("x", int(i%400)))
			}
		}
		return n, v
	}
	for i := range rows {
		switch {
		case i%7 == 0:
			all.Write([]byte("-"))
		case i%1000 == 1:
			all.Write([]byte(strings.Repeat("long ", 100_000)))
		default:
			all.Write([]byte(strings.Repeat("x", i%400)))
		}
	}
	const into = `COPY pieces (n, v) FROM STDIN BINARY`
	n, v := fill(0)
	m, w := fill(rows)
	answer, err := pgwire.Send(t.Context(), conn, []pgwire.Step{
		{SQL: into, Source: column.Rows([]column.Column{&n, &v})},
		{SQL: `UPDATE pieces SET n = n WHERE n < 10`},
		{SQL: into, Source: column.Rows([]column.Column{&m, &w})},
	})
	require.NoError(t, err)
	require.Equal(t, []int64{rows, 10, rows}, answer.Affected)
	for first := range 2 {
		var sum string
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT encode(sha256(string_agg(coalesce(v, '-'), '' ORDER BY n)::bytea), 'hex') FROM pieces WHERE n / $1 = $2`,
			rows, first).Scan(&sum))
		require.Equal(t, hex.EncodeToString(all.Sum(nil)), sum)
	}

	n, v = fill(2*rows - 1) // its first row is there
	_, err = pgwire.Send(t.Context(), conn, []pgwire.Step{{SQL: into, Source: column.Rows([]column.Column{&n, &v})}})
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "23505", refused.Code)
	var count int64
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM pieces`).Scan(&count))
	require.Equal(t, int64(2*rows), count)
}
