package column_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/pgwire"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/column"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func pointer[T any](v T) *T { return &v }

// texts are the elements of an array as the server prints them, "-" for NULL.
func texts(t *testing.T, conn *pgx.Conn, kind string, a column.Array) []string {
	t.Helper()
	sql := `SELECT coalesce(array_agg(coalesce(v::text, '-') ORDER BY n), '{}') FROM unnest($1::` + kind + `[]) WITH ORDINALITY AS t(v, n)`
	result := conn.PgConn().ExecParams(t.Context(), sql, [][]byte{a.Binary()}, nil, []int16{1}, nil).Read()
	require.NoError(t, result.Err)
	var out []string
	require.NoError(t, conn.TypeMap().Scan(result.FieldDescriptions[0].DataTypeOID, result.FieldDescriptions[0].Format, result.Rows[0][0], &out))
	return out
}

func TestColumnsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	pooled, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer pooled.Release()
	conn := pooled.Conn()
	_, err = conn.Exec(t.Context(), `SET timezone = 'UTC'`)
	require.NoError(t, err)

	var ids column.UUIDs
	ids.Add(uuid.MustParse("01890000-0000-7000-8000-0000000000ff"))
	ids.Maybe(nil)
	ids.Maybe(&uuid.UUID{})
	var ints column.Ints
	ints.Add(-1)
	ints.Add(1<<63 - 1)
	ints.Maybe(nil)
	ints.Maybe(pointer(int64(-1 << 63)))
	var words column.Texts
	words.Add("")
	words.Add(`ä "quoted", {braced} \ NULL`)
	words.Maybe(nil)
	words.Maybe(pointer("NULL"))
	var amounts column.Amounts
	amounts.Add(money.MustParse("-999999999999999999.999999999999"))
	amounts.Maybe(nil)
	amounts.Maybe(pointer(money.MustParse("0.10")))
	for _, text := range []string{"0", "0.000000000001", "-10000", "12345678.0001"} {
		amounts.Add(money.MustParse(text))
	}
	var numbers column.Numerics
	numbers.Add(0, 0, nil)
	numbers.Add(2, 0, []uint16{1, 0, 23})
	numbers.Add(0, 8, []uint16{1, 2, 3000})
	numbers.Add(-2, 12, []uint16{45, 6})
	var times column.Times
	times.Add(time.Date(2026, 2, 28, 23, 59, 59, 999_999_999, time.FixedZone("", -3600)))
	times.Maybe(nil)
	times.Maybe(pointer(time.Date(1969, 12, 31, 0, 0, 0, 1000, time.UTC)))
	var days column.Dates
	days.Maybe(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	days.Maybe(time.Time{})
	days.Maybe(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC))
	var flags column.Bools
	flags.Add(true)
	flags.Maybe(pointer(false))
	flags.Maybe(nil)
	var bytes column.Bytes
	bytes.Maybe([]byte{0, 255})
	bytes.Maybe(nil)
	bytes.Maybe([]byte{})
	var documents column.Texts
	require.NoError(t, documents.Write(func(dst []byte) ([]byte, error) { return append(dst, `{"a": [1, "x"]}`...), nil }))
	documents.Maybe(nil)

	for _, row := range []struct {
		kind string
		of   column.Array
		want []string
	}{
		{"uuid", &ids, []string{"01890000-0000-7000-8000-0000000000ff", "-", "00000000-0000-0000-0000-000000000000"}},
		{"bigint", &ints, []string{"-1", "9223372036854775807", "-", "-9223372036854775808"}},
		{"text", &words, []string{"", `ä "quoted", {braced} \ NULL`, "-", "NULL"}},
		{"numeric", &amounts, []string{
			"-999999999999999999.999999999999", "-", "0.100000000000", "0.000000000000", "0.000000000001", "-10000.000000000000", "12345678.000100000000",
		}},
		{"numeric", &numbers, []string{"0", "100000023", "1.00023000", "0.000000450006"}},
		{"timestamptz", &times, []string{"2026-03-01 00:59:59.999999+00", "-", "1969-12-31 00:00:00.000001+00"}},
		{"date", &days, []string{"2026-03-01", "-", "1999-12-31"}},
		{"boolean", &flags, []string{"true", "false", "-"}},
		{"bytea", &bytes, []string{`\x00ff`, "-", `\x`}},
		{"text", &documents, []string{`{"a": [1, "x"]}`, "-"}},
		{"bigint", &column.Ints{}, []string{}},
	} {
		require.Equal(t, len(row.want), row.of.Len(), row.kind)
		require.Equal(t, row.want, copied(t, conn, row.kind, row.of), row.kind)
		require.Equal(t, row.want, texts(t, conn, row.kind, row.of), row.kind)
	}
}

func TestListsAreCopied(t *testing.T) {
	t.Parallel()
	pooled, err := pgtest.New(t).Acquire(t.Context())
	require.NoError(t, err)
	t.Cleanup(pooled.Release)
	var words column.TextLists
	words.Add([]string{"cash:a", "", `ä "quoted", {braced}`})
	words.Add(nil)
	words.Add([]string{"x"})
	require.Equal(t, []string{`{cash:a,"","ä \"quoted\", {braced}"}`, "-", "{x}"}, copied(t, pooled.Conn(), "text[]", &words))
	var amounts column.AmountLists
	amounts.Add([]money.Amount{money.MustParse("-10000.5"), money.Zero(), money.MustParse("0.000000000001")})
	amounts.Add([]money.Amount{})
	amounts.Add([]money.Amount{money.MustParse("999999999999999999.999999999999")})
	require.Equal(t, []string{"{-10000.500000000000,0.000000000000,0.000000000001}", "-", "{999999999999999999.999999999999}"},
		copied(t, pooled.Conn(), "numeric[]", &amounts))
	for _, c := range []column.Column{&words, &amounts} {
		require.Equal(t, 3, c.Len())
	}
}

func TestAValueThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var documents column.Texts
	require.ErrorIs(t, documents.Write(func([]byte) ([]byte, error) { return nil, errRefused }), errRefused)
}

var errRefused = errors.New("refused on purpose")

// copied are the values as the server prints them after a COPY, beside another column.
func copied(t *testing.T, conn *pgx.Conn, kind string, a column.Column) []string {
	t.Helper()
	_, err := conn.Exec(t.Context(), `CREATE TEMPORARY TABLE copied (n bigint, v `+kind+`)`)
	require.NoError(t, err)
	var n column.Ints
	for i := range a.Len() {
		n.Add(int64(i))
	}
	answer, err := pgwire.Send(t.Context(), conn, []pgwire.Step{
		{SQL: `COPY copied (n, v) FROM STDIN BINARY`, Source: column.Rows([]column.Column{&n, a})},
	})
	require.NoError(t, err)
	require.Equal(t, []int64{int64(a.Len())}, answer.Affected)
	rows, err := conn.Query(t.Context(), `SELECT coalesce(v::text, '-') FROM copied ORDER BY n`)
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `DROP TABLE copied`)
	require.NoError(t, err)
	return append([]string{}, out...)
}

// TestAmountsArriveExactly: whatever the amount, the server prints the same.
func TestAmountsArriveExactly(t *testing.T) {
	t.Parallel()
	conn, err := pgtest.New(t).Acquire(t.Context())
	require.NoError(t, err)
	t.Cleanup(conn.Release)
	rapid.Check(t, func(rt *rapid.T) {
		var amounts column.Amounts
		var want []string
		for range rapid.IntRange(1, 50).Draw(rt, "n") {
			a := money.MustParse(rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?`).Draw(rt, "amount"))
			amounts.Add(a)
			want = append(want, a.String())
		}
		for i, got := range texts(t, conn.Conn(), "numeric", &amounts) {
			back, err := money.Parse(got)
			require.NoError(rt, err)
			require.Equal(rt, want[i], back.String())
		}
	})
}

func TestAmountsComeBackExactly(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for _, text := range []string{"0", "0.000000000001", "-999999999999999999.999999999999", "100000000000000000", "1.10"} {
		var got money.Amount
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT $1::text::numeric(30,12)::text`, text).Scan(column.Amount(&got)))
		require.True(t, money.MustParse(text).Equal(got), "%s became %s", text, got)
	}
	var got money.Amount
	for name, sql := range map[string]string{
		"NULL": `SELECT NULL::text`, "not a number": `SELECT 'NaN'::numeric::text`, "too fine": `SELECT '0.0000000000001'`,
		"too large": `SELECT '1000000000000000000'`, "not text": `SELECT 1::bigint`,
	} {
		require.Error(t, pool.QueryRow(t.Context(), sql).Scan(column.Amount(&got)), name)
	}
}
