package journal_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/journal"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

func TestStatementAsCSV(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.story.Rich.Wallet
	from, to := b.now.AddDate(0, -1, 0), b.now.AddDate(0, 0, 1)
	s, err := b.Statement(t.Context(), journal.StatementRequest{WalletID: id, From: from, To: to, MinPosition: b.head})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, s.WriteCSV(t.Context(), &out))
	require.NotContains(t, strings.ReplaceAll(out.String(), "\r\n", ""), "\n", "RFC 4180 ends lines with CRLF")
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"time", "type", "amount", "balance", "currency", "model", "generation_id", "reference", "reason", "position"}, rows[0])
	require.Equal(t, []string{from.Format("2006-01-02T15:04:05.000000Z"), "opening_balance", "", "0", "USD", "", "", "", "", ""}, rows[1])
	balance, charges := money.Zero(), 0
	for _, row := range rows[2 : len(rows)-1] {
		balance = balance.Add(money.MustParse(row[2]))
		require.Equal(t, balance.String(), row[3])
		if row[1] == "charge" {
			charges++
			require.NotEmpty(t, row[5])
			require.NotEmpty(t, row[6])
		}
	}
	require.Equal(t, balance.String(), s.Closing.Posted.String())
	want := 0
	for _, e := range b.events {
		if _, ok := e.Data.(wallet.UsageCharged); ok && e.StreamID == wallet.Stream(id) {
			want++
		}
	}
	require.Equal(t, want, charges)
	require.Equal(t, []string{b.now.Format("2006-01-02T15:04:05.000000Z"), "closing_balance", "", balance.String(), "USD", "", "", "", "", ""}, rows[len(rows)-1])
	require.Equal(t, []string{"2026-03-04T12:00:00.000000Z", "adjustment", "-0.5", "104.500000000001", "USD", "", "", "case-7", "correction"}, rows[4][:9])
}

// TestStatementsAreLong: more lines than are read at once, and periods whose borders are those of stretches.
func TestStatementsAreLong(t *testing.T) {
	t.Parallel()
	const credits, perMinute = 2500, 64 // positions 2 to 2501; the minute of a position is a 64th of it
	k := pt.New(t, pgtest.New(t))
	s := wallet.New()
	start := k.Now
	opened, err := s.Open(wallet.Open{WalletID: pt.ID(1), Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	s.Apply(opened, k.Now)
	facts := pt.Wallet(pt.ID(1), opened)
	for i := range credits {
		credit, err := s.TopUp(wallet.TopUp{Amount: pt.Money("0.01"), Currency: money.USD, PSP: "operator", Reason: "r"})
		require.NoError(t, err)
		s.Apply(credit, k.Now)
		if facts = append(facts, pt.Wallet(pt.ID(1), credit)...); (i+3)%perMinute == 0 {
			k.Append(t.Context(), t, facts)
			facts, k.Now = facts[:0], k.Now.Add(time.Minute)
		}
	}
	k.Append(t.Context(), t, facts)
	k.ToEnd(t.Context(), t, 700, journal.Projection{})
	q := journal.NewQuery(k.Pool)
	statement, err := q.Statement(t.Context(), journal.StatementRequest{
		WalletID: pt.ID(1), From: start.Add(2 * time.Minute), To: start.Add(24 * time.Minute), AsOf: journal.AsOf{Position: 1300},
	})
	require.NoError(t, err)
	n, last := 0, ""
	for line, err := range statement.Lines(t.Context()) {
		require.NoError(t, err)
		n, last = n+1, line.Balance.String()
	}
	require.Equal(t, 1300-127, n)
	require.Equal(t, "1.26", statement.Opening.Posted.String())
	require.Equal(t, "11.73", statement.TopUps.String())
	require.Equal(t, "12.99", statement.Closing.Posted.String())
	require.Equal(t, last, statement.Closing.Posted.String())
	for minute := range (credits + 1) / perMinute { // all whole ones
		from := start.Add(time.Duration(minute) * time.Minute)
		p, err := q.Entries(t.Context(), journal.EntriesRequest{From: from, To: from.Add(time.Minute), Limit: 1000})
		require.NoError(t, err)
		first := max(2, minute*perMinute)
		require.Len(t, p.Entries, (minute+1)*perMinute-first, "minute %d", minute)
		require.EqualValues(t, first, p.Entries[len(p.Entries)-1].Position)
		trial, err := q.TrialBalance(t.Context(), journal.AsOf{Time: from}, 0)
		require.NoError(t, err)
		require.EqualValues(t, (minute+1)*perMinute-1, trial.Position)
	}
}

// TestNothingBecomesAFormula: what a customer or an operator wrote is never run by the one who opens the file.
func TestNothingBecomesAFormula(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	s := wallet.New()
	opened, err := s.Open(wallet.Open{WalletID: pt.ID(1), Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	s.Apply(opened, k.Now)
	k.Append(t.Context(), t, pt.Wallet(pt.ID(1), opened))
	texts := map[string]string{
		"plain": "plain", "1.5": "1.5", `"quoted", with a comma`: `"quoted", with a comma`, "充值": "充值", "a=b": "a=b",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "  =1": "'  =1", "　＝1": "'　＝1", "'=1": "''=1", "|calc": "'|calc",
		"%0a": "'%0a", "＠x": "'＠x",
	}
	for text := range texts {
		credit, err := s.TopUp(wallet.TopUp{Amount: pt.Money("1"), Currency: money.USD, PSP: "operator", Reason: text, Reference: text})
		require.NoError(t, err)
		s.Apply(credit, k.Now)
		k.Append(t.Context(), t, pt.Wallet(pt.ID(1), credit))
	}
	k.ToEnd(t.Context(), t, 0, journal.Projection{})
	statement, err := journal.NewQuery(k.Pool).Statement(t.Context(), journal.StatementRequest{WalletID: pt.ID(1), From: k.Now, To: k.Now.Add(time.Hour)})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, statement.WriteCSV(t.Context(), &out))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(texts)+3)
	i := 2
	for line, err := range statement.Lines(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, texts[line.Reason], rows[i][8])
		require.Equal(t, texts[line.Reference], rows[i][7])
		i++
	}
}
