package auditdb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestDocumentsAreComparedByWhatTheyMean(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		stored, want string // "" for NULL
		same         bool
	}{
		"the same":            {`{"a":1}`, `{"a":1}`, true},
		"spaces and order":    {`{"bb": [1, 2], "a": "x"}`, `{"a":"x","bb":[1,2]}`, true},
		"escapes":             {`{"a": "<ä> \\ \""}`, `{"a":"\u003c\u00e4\u003e \\ \""}`, true},
		"both NULL":           {"", "", true},
		"NULL and null":       {"", `null`, false},
		"another value":       {`{"a":1}`, `{"a":2}`, false},
		"another order":       {`[1,2]`, `[2,1]`, false},
		"one more":            {`{"a":1,"b":null}`, `{"a":1}`, false},
		"a number as text":    {`{"a":"1"}`, `{"a":1}`, false},
		"a name twice":        {`{"a":1,"a":1}`, `{"a":1}`, false},
		"numbers stay exact":  {`9007199254740993`, `9007199254740992`, false},
		"no document at all":  {`{"a"`, `{"a":1}`, false},
		"an empty one, NULL ": {`{}`, "", false},
	} {
		findings := audit.NewFindings(0)
		d := &diff{findings: findings, key: func() string { return name }}
		d.json("column", null(row.stored), null(row.want))
		require.Equal(t, row.same, findings.Total() == 0, "%s: %v", name, findings.First())
	}
}

func null(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// TestValuesAsPostgresSendsThem reads columns in binary.
func TestValuesAsPostgresSendsThem(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	read := func(expression string) *row {
		rows, err := pool.Query(t.Context(), "SELECT "+expression, inBinary())
		require.NoError(t, err)
		defer rows.Close()
		require.True(t, rows.Next())
		r := &row{}
		for _, v := range rows.RawValues() {
			r.values = append(r.values, append([]byte(nil), v...))
			if v == nil {
				r.values[len(r.values)-1] = nil
			}
		}
		rows.Close()
		require.NoError(t, rows.Err())
		return r
	}
	for text, want := range map[string]time.Time{
		"infinity":                      time.UnixMicro(1<<63 - 1),
		"-infinity":                     time.UnixMicro(-1<<63 + epoch),
		"2000-01-01T00:00:00Z":          time.Unix(epoch/1_000_000, 0),
		"1969-12-31T23:59:59.999999Z":   time.UnixMicro(-1),
		"2026-03-04 05:06:07.000008+00": time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC),
	} {
		r := read("'" + text + "'::timestamptz")
		require.True(t, want.Equal(r.time(0)), "%s: %s", text, r.time(0))
		require.NoError(t, r.err)
	}
	r := read("-2::int2, -3::int8, true, '1969-12-31'::date, NULL::date, 12.50::numeric(30,12)::text, 'NaN'::numeric::text, NULL::timestamptz")
	require.EqualValues(t, -2, r.int16(0))
	require.EqualValues(t, -3, r.int64(1))
	require.True(t, r.bool(2))
	require.EqualValues(t, -1, r.day(3))
	require.Equal(t, "NULL", date(r.day(4)))
	require.True(t, r.amount(5).value.Equal(money.MustParse("12.5")))
	require.Equal(t, "NaN", r.amount(6).String())
	require.True(t, r.time(7).IsZero())
	require.NoError(t, r.err)
	r.int64(0)
	require.EqualError(t, r.err, "column 1 has 2 bytes instead of 8")
}
