package http_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

func TestTheBooksBalance(t *testing.T) {
	t.Parallel()
	c := consume(t)
	after := "?" + c.after[1:]
	got := c.get("/console/v1/journal/trial-balance" + after).is(200)
	require.JSONEq(t, `[{"currency": "USD", "amount": "0"}]`, string(got.at("sums")))
	balances := map[string]string{}
	sum := money.Zero()
	for i := range got.count("lines") {
		balances[got.text("lines", i, "account")] = got.text("lines", i, "balance")
		sum = sum.Add(money.MustParse(got.text("lines", i, "balance")))
	}
	require.True(t, sum.IsZero())
	require.Equal(t, "-20", balances["cash:operator"])
	require.Equal(t, "0.01725", balances["revenue:usage"])
	require.Equal(t, "19.98275", balances["wallet:*"])

	revenue := c.get("/console/v1/journal/accounts/revenue:usage" + after).is(200)
	require.JSONEq(t, `[{"currency": "USD", "amount": "0.01725"}]`, string(revenue.at("balances")))
	require.Equal(t, "credit", revenue.text("normal"))
	then := c.get("/console/v1/journal/accounts/revenue:usage?as_of=" + count(c.charges[0])).is(200)
	require.Equal(t, chargeOfCall, then.text("balances", 0, "amount"))
	require.Equal(t, count(c.charges[0]), then.text("position"))
	own := c.get("/console/v1/journal/accounts/wallet:" + c.ids[0].String() + after).is(200)
	require.Equal(t, "9.9885", own.text("balances", 0, "amount"))

	ledger := c.get("/console/v1/journal/accounts/revenue:usage/ledger?currency=USD&limit=2" + c.after).is(200)
	require.Equal(t, "0.01725", ledger.text("items", 0, "balance_after"))
	require.Equal(t, "0.0115", ledger.text("items", 0, "balance_before"))
	rest := c.get("/console/v1/journal/accounts/revenue:usage/ledger?currency=USD&limit=2&cursor=" + ledger.text("next_cursor")).is(200)
	require.Equal(t, 1, rest.count("items"))

	entries := c.get("/console/v1/journal/entries?wallet_id=" + c.ids[0].String() + c.after).is(200)
	require.Equal(t, 5, entries.count("items")) // the top-up, two holds, two charges
	require.Equal(t, "charge", entries.text("items", 0, "kind"))
	require.Equal(t, "wallet.usage_charged.v1", entries.text("items", 0, "event_type"))
	for i := range entries.count("items") {
		legs := money.Zero()
		for j := range entries.count("items", i, "legs") {
			legs = legs.Add(money.MustParse(entries.text("items", i, "legs", j, "amount")))
		}
		require.True(t, legs.IsZero(), "%s", entries.at("items", i))
	}
}

func TestMonthsCloseAndStatementsAreFiles(t *testing.T) {
	t.Parallel()
	c := consume(t, steady)
	w := c.wallets[0]
	c.post(w+"/grants", map[string]any{"amount": "1", "currency": "USD", "reason": "=SUM(A1)", "reference": "r"}, idempotent("g")).is(200)
	done := c.post(w+"/adjustments", credit("-0.5"), idempotent("a")).is(200)
	after := done.after()
	closing := c.get(w + "/closes/" + c.month() + after).is(200)
	require.Equal(t, "false", string(closing.at("final")))
	require.Equal(t, "10.4885", closing.text("close", "closing", "posted"))
	require.Equal(t, "0.0115", closing.text("close", "charges"))
	require.Equal(t, "-0.5", closing.text("close", "adjustments"))
	months := c.get(w + "/closes" + after).is(200)
	require.JSONEq(t, string(closing.at("close")), string(months.at("items", 0)))
	before := c.get(w + "/closes/" + c.month() + "?as_of=" + count(c.charges[0])).is(200)
	require.Equal(t, chargeOfCall, before.text("close", "charges"))
	c.get(w+"/closes/2020-01"+after).refused(404, domain.CodeWalletNotFound)

	path := w + "/statements/" + c.month()
	whole := c.get(path + after).is(200)
	require.Equal(t, "application/json", whole.header.Get("Content-Type"))
	require.JSONEq(t, string(closing.at("close")), string(whole.at("statement")))
	require.Equal(t, 5, whole.count("items"))
	require.Equal(t, "10.4885", whole.text("items", 4, "balance_after"))
	then := c.get(path + "?as_of=" + count(c.charges[0])).is(200)
	require.Equal(t, 2, then.count("items"))

	name := `attachment; filename="statement-` + c.ids[0].String() + "-" + c.month()
	rows := c.get(path+after, header{"Accept", "text/csv"}).is(200)
	require.Equal(t, name+`.csv"`, rows.header.Get("Content-Disposition"))
	table := rows.table()
	require.Len(t, table, 1+1+5+1)
	require.Equal(t, "'=SUM(A1)", table[5][8], "no spreadsheet takes it for a formula")
	require.Equal(t, rows.body, c.get(path+"?format=csv").is(200).body)

	english := c.get(path + "?format=pdf").is(200)
	require.Equal(t, "application/pdf", english.header.Get("Content-Type"))
	require.Equal(t, name+`.pdf"`, english.header.Get("Content-Disposition"))
	require.True(t, strings.HasPrefix(string(english.body), "%PDF-"))
	require.Equal(t, english.body, c.get(path, header{"Accept", "application/pdf, text/csv;q=0.9"}).is(200).body, "always the same bytes")
	chinese := c.get(path + "?format=pdf&language=zh").is(200)
	require.NotEqual(t, english.body, chinese.body)
}

func TestWhatTheBooksCannotAnswerIsRefusedByName(t *testing.T) {
	t.Parallel()
	c := consume(t, steady)
	month := c.wallets[0] + "/statements/" + c.month()
	for path, parameter := range map[string]string{
		"/console/v1/journal/accounts/petty": "account", "/console/v1/journal/accounts/wallet:x": "account", "/console/v1/journal/accounts/%00": "account",
		"/console/v1/journal/accounts/hold:" + unknownID: "account", "/console/v1/journal/accounts/" + strings.Repeat("a", 300): "account",
		"/console/v1/journal/accounts/revenue:usage/ledger":                             "currency",
		"/console/v1/journal/accounts/revenue:usage/ledger?currency=usd":                "currency",
		"/console/v1/journal/accounts/revenue:usage/ledger?currency=USD&cursor=x":       "cursor",
		"/console/v1/journal/entries?limit=201":                                         "limit",
		"/console/v1/journal/entries?wallet_id=x":                                       "wallet_id",
		"/console/v1/journal/entries?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "from",
		"/console/v1/journal/trial-balance?as_of=999999":                                "as_of",
		"/console/v1/journal/trial-balance?as_of=2999-01-01T00:00:00Z":                  "as_of",
		"/console/v1/journal/trial-balance?as_of=1999-01-01T00:00:00Z":                  "as_of",
		"/console/v1/journal/trial-balance?as_of=0":                                     "as_of",
		"/console/v1/journal/trial-balance?as_of=-1":                                    "as_of",
		"/console/v1/journal/trial-balance?as_of=99999999999999999999":                  "as_of",
		"/console/v1/journal/trial-balance?as_of=2026-13-01T00:00:00Z":                  "as_of",
		c.wallets[0] + "/closes/2026-13":                                                "month",
		c.wallets[0] + "/closes/now":                                                    "month",
		"/console/v1/journal/entries?to=0000-01-01T00:00:00Z":                           "to", c.wallets[0] + "/statement?from=0000-01-01T00:00:00Z": "from",
		c.wallets[0] + "/closes?cursor=x": "cursor",
		c.wallets[0] + "/statements/26-1": "month",
		month + "?format=docx":            "format",
		month + "?format=pdf&language=fr": "language",
		month + "?as_of=999999":           "as_of",
	} {
		refusal := c.get(path).refused(400, domain.CodeInvalid)
		require.Equal(t, parameter, refusal.text("details", "parameter"), path)
	}
	c.get("/console/v1/wallets/"+unknownID+"/closes").refused(404, domain.CodeWalletNotFound)
	c.get("/console/v1/wallets/"+unknownID+"/statements/"+c.month()+"?format=csv").refused(404, domain.CodeWalletNotFound)
	c.get("/console/v1/journal/trial-balance?min_position=999999").refused(503, domain.CodeUnavailable)
}
