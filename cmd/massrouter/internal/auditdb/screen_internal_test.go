package auditdb

import (
	"context"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// wanted are the values of a row, as the screen encodes them and as SQL would have them stored.
type wanted struct {
	id     uuid.UUID
	number int64
	flag   bool
	at     time.Time // zero for NULL
	text   string
	doc    []byte // nil for NULL
	money  money.Amount
	legs   []bookLeg
}

const wantedTable = `CREATE TABLE wanted (id uuid, number bigint, flag boolean, at timestamptz, text text, doc json, fixed numeric(30,12),
	accounts text[], amounts numeric[])`

func (w *wanted) encode(e *encoder) {
	e.begin()
	e.uuid(w.id)
	e.int64(w.number)
	e.bool(w.flag)
	e.time(w.at)
	e.text(w.text)
	e.document(w.doc)
	e.amount(w.money)
	list(e, textOID, w.legs, func(l *bookLeg) { e.rawText(l.account) })
	list(e, numericOID, w.legs, func(l *bookLeg) { e.rawAmount(l.amount.value) })
	e.end()
}

func draw(t *rapid.T) wanted {
	amount := rapid.Custom(func(t *rapid.T) money.Amount {
		digits := rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,12})?`), rapid.StringMatching(`-?[0-9]0{0,12}`),
			rapid.StringMatching(`-?0\.0{0,11}[0-9]`)).Draw(t, "digits")
		return money.MustParse(digits)
	})
	w := wanted{
		number: rapid.Int64().Draw(t, "number"), flag: rapid.Bool().Draw(t, "flag"), text: rapid.StringMatching(`[a-zé']{0,40}`).Draw(t, "text"),
		money: amount.Draw(t, "money"),
	}
	copy(w.id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	if rapid.Bool().Draw(t, "recorded") {
		w.at = time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "at"))
	}
	if rapid.Bool().Draw(t, "documented") {
		w.doc = []byte(strconv.Quote(rapid.StringMatching(`[a-z ]{0,30}`).Draw(t, "doc")))
	}
	for range rapid.IntRange(0, 3).Draw(t, "legs") {
		w.legs = append(w.legs, bookLeg{account: rapid.StringMatching(`[a-z:"{},\\]{0,12}`).Draw(t, "account"), amount: amountOf(amount.Draw(t, "leg"))})
	}
	return w
}

func amountOf(a money.Amount) amount { return amount{value: a} }

func (w *wanted) insert(ctx context.Context, r *rapid.T, pool *pgxpool.Pool) {
	var at *time.Time
	if !w.at.IsZero() {
		at = &w.at
	}
	var doc *string
	if w.doc != nil {
		text := string(w.doc)
		doc = &text
	}
	var accounts, amounts []string
	for _, leg := range w.legs {
		accounts, amounts = append(accounts, leg.account), append(amounts, withScale(leg.amount.value))
	}
	_, err := pool.Exec(ctx, `INSERT INTO wanted VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::numeric, $8, $9::text[]::numeric[])`,
		w.id, w.number, w.flag, at, w.text, doc, w.money.String(), accounts, amounts)
	require.NoError(r, err)
}

// withScale is an amount as a column without a scale of its own keeps it from the read models: with twelve decimals.
func withScale(a money.Amount) string {
	r, _ := new(big.Rat).SetString(a.String())
	return r.FloatString(numericScale)
}

// TestEncodedAsPostgresSendsIt: sums of rows that are the same agree, in any order, and no others.
func TestEncodedAsPostgresSendsIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), wantedTable)
	require.NoError(t, err)
	rapid.Check(t, func(r *rapid.T) {
		_, err := pool.Exec(t.Context(), `TRUNCATE wanted`)
		require.NoError(r, err)
		s, err := newScreen()
		require.NoError(r, err)
		table := s.add("wanted", "id, number, flag, at, text, doc::text, fixed::text, accounts, amounts::text[]", "")
		rows := rapid.SliceOfN(rapid.Custom(draw), 1, 4).Draw(r, "rows")
		for i := range rows {
			rows[i].insert(t.Context(), r, pool)
			rows[len(rows)-1-i].encode(&table.want)
		}
		require.True(r, s.reads(t.Context(), r, pool, table))

		column := rapid.SampledFrom([]string{
			`number = number # 1`, `flag = NOT flag`, `text = text || 'x'`, `fixed = fixed + 0.000000000001`, `id = gen_random_uuid()`,
			`at = coalesce(at + interval '1 microsecond', 'epoch')`, `doc = CASE WHEN doc IS NULL THEN '{}'::json END`,
			`accounts = accounts || 'x'::text`, `amounts = amounts || 0.000000000000`, // of the lists, even of NULL
		}).Draw(r, "change")
		_, err = pool.Exec(t.Context(), `UPDATE wanted SET `+column+` WHERE ctid = (SELECT max(ctid) FROM wanted)`)
		require.NoError(r, err)
		require.False(r, s.reads(t.Context(), r, pool, table), column)
	})
}

// reads reads a table anew and says whether it agrees.
func (s *screen) reads(ctx context.Context, r *rapid.T, pool *pgxpool.Pool, table *screened) bool {
	from, err := open(ctx, pool, 0)
	require.NoError(r, err)
	defer from.close(ctx)
	table.stored.sum = sum{}
	require.NoError(r, table.read(ctx, from))
	return s.agrees()
}

// TestSumsOfOtherRowsDiffer: what a plain sum would not see.
func TestSumsOfOtherRowsDiffer(t *testing.T) {
	t.Parallel()
	s, err := newScreen()
	require.NoError(t, err)
	add := func(rows ...string) sum {
		tally := tally{screen: s}
		for _, row := range rows {
			tally.add([]byte(row))
		}
		return tally.sum
	}
	require.Equal(t, add("a1", "b2"), add("b2", "a1"), "order does not matter")
	require.NotEqual(t, add("a1", "b2"), add("a2", "b1"), "values changed places")
	require.NotEqual(t, add("a", "b", "b"), add("a", "a", "b"), "another row twice")
	require.NotEqual(t, add("a", "b"), add("a", "b", ""), "a row more")
	require.NotEqual(t, add("ab", "c"), add("a", "bc"), "bytes changed rows")
	other, err := newScreen()
	require.NoError(t, err)
	elsewhere := tally{screen: other}
	elsewhere.add([]byte("a1"))
	elsewhere.add([]byte("b2"))
	require.NotEqual(t, add("a1", "b2"), elsewhere.sum, "each run has keys of its own")
}

// TestCopyIsReadStrictly: what is no copy in binary is an error, never rows that are left out.
func TestCopyIsReadStrictly(t *testing.T) {
	t.Parallel()
	header, end := copyHeader+"\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff"
	for name, c := range map[string]struct {
		messages []string
		rows     int
		fine     bool
	}{
		"rows":                  {[]string{header + "\x00\x00", "\x00\x00", end}, 2, true},
		"none":                  {[]string{header + end}, 0, true},
		"no header":             {[]string{"\x00\x00"}, 0, false},
		"half a header":         {[]string{header[:15]}, 0, false},
		"flags":                 {[]string{header[:14] + "\x01" + header[15:]}, 0, false},
		"a row after the end":   {[]string{header + "\x00\x00", end, "\x00\x00"}, 1, false},
		"the end after the end": {[]string{header, end, end}, 0, false},
	} {
		rows := 0
		into := &copied{use: func([]byte) error {
			rows++
			return nil
		}}
		var err error
		for _, m := range c.messages {
			if err = into.message([]byte(m)); err != nil {
				break
			}
		}
		require.Equal(t, c.fine, err == nil, name)
		require.Equal(t, c.rows, rows, name)
	}
}

// TestColumnsOfARow: every length that does not fit the row is an error.
func TestColumnsOfARow(t *testing.T) {
	t.Parallel()
	read := func(row string) (int64, string, error) {
		c := columns{rest: []byte(row)}
		c.count(2)
		n, text := c.int64(), string(c.value())
		return n, text, c.err
	}
	const good = "\x00\x02\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x02ab"
	n, text, err := read(good)
	require.NoError(t, err)
	require.EqualValues(t, 7, n)
	require.Equal(t, "ab", text)
	for cut := range len(good) {
		_, _, err := read(good[:cut])
		require.Error(t, err, "%d bytes", cut)
	}
	_, _, err = read("\x00\x03" + good[2:])
	require.Error(t, err)
	_, _, err = read("\x00\x02\xff\xff\xff\xff\x00\x00\x00\x00")
	require.EqualError(t, err, "column 1 has 0 bytes instead of 8")
}
