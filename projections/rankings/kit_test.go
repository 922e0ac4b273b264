package rankings_test

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/rankings"
)

// call is a charge of a story.
type call struct {
	wallet        uint64
	model, vendor string // "" means acme/one and north
	app           uint64
	url           string
	tokens        int64
	charge        string // "" means a dollar for each token
	uncollectible string
	currency      money.Currency
}

func (c *call) fact() []pt.Fact {
	e := pt.Charged(pt.ID(900), pt.ID(901), "1", "0", pt.After("9", "0"))
	if c.model != "" {
		e.Model = c.model
	}
	if c.vendor != "" {
		e.Vendor = c.vendor
	}
	if c.app != 0 {
		e.Call.AppID = pt.ID(c.app)
	}
	e.Call.AppURL = c.url
	e.Usage = usage.Usage{usage.Input: c.tokens - c.tokens/2, usage.Reasoning: c.tokens / 2, usage.Request: 7}
	e.Charge = pt.Money(strconv.FormatInt(c.tokens, 10))
	if c.charge != "" {
		e.Charge = pt.Money(c.charge)
	}
	if c.uncollectible != "" {
		e.Uncollectible = pt.Money(c.uncollectible)
	}
	if c.currency != "" {
		e.Currency = c.currency
	}
	return pt.Wallet(pt.ID(c.wallet), e)
}

func paid(wallets ...uint64) []pt.Fact {
	var out []pt.Fact
	for _, w := range wallets {
		out = append(out, pt.Wallet(pt.ID(w), wallet.ToppedUp{
			Amount: pt.Money("9"), PSP: "operator", Reason: "r", Currency: money.USD, Balances: pt.After("9", "0"),
		})...)
	}
	return out
}

func granted(id uint64) []pt.Fact {
	return pt.Wallet(pt.ID(id), wallet.Granted{Amount: pt.Money("9"), Reason: "r", Currency: money.USD, Balances: pt.After("9", "0")})
}

func details(name string, hidden bool) app.Details {
	return app.Details{Name: name, URL: "https://" + name + ".example", Hidden: hidden}
}

func registered(id uint64, name string, hidden bool) []pt.Fact {
	return pt.App(pt.ID(id), app.Registered{AppID: pt.ID(id), WalletID: pt.ID(1), Details: details(name, hidden)})
}

func updated(id uint64, name string, hidden bool) []pt.Fact {
	return pt.App(pt.ID(id), app.Updated{AppID: pt.ID(id), Details: details(name, hidden)})
}

// raw is the log in a table, for SQL that knows nothing of the read model.
type raw struct {
	k    *pt.Kit
	upTo int64
}

func (r *raw) fill(t *rapid.T) {
	for {
		events, err := eventstore.ReadDense(t.Context(), r.k.Store, r.upTo, 1000)
		require.NoError(t, err)
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			_, err := r.k.Pool.Exec(t.Context(), `INSERT INTO raw VALUES ($1, $2, $3, $4, $5)`, e.Position, e.RecordedAt, string(e.StreamID), e.Type, string(e.Body))
			require.NoError(t, err)
			r.upTo = e.Position
		}
	}
}

// counted is what a subject's board says without rank, floor and name.
type counted struct {
	subject string
	wallets int64
	value   decimal.Decimal
}

// sums computes a board from the raw events up to a position: the subjects that reach the floor with their capped values, and
// the sum of everything. It shares nothing with the read model but the rules.
func (r *raw) sums(t *rapid.T, position int64, q rankings.Request, from, to time.Time) (subjects []counted, total decimal.Decimal, wallets int64) {
	if from.IsZero() {
		from, to = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	subject := map[rankings.Board]string{
		rankings.Models: `body->>'model'`, rankings.Vendors: `body->>'vendor'`, rankings.Apps: `said->>'app_id'`,
		rankings.Referers: `CASE WHEN said->>'app_id' IS NULL THEN said->>'app_url' END`,
	}[q.Board]
	metric := map[rankings.Metric]string{
		rankings.Tokens: `(SELECT sign * sum(v::numeric) FROM jsonb_each_text(bill->'usage') AS u(k, v) WHERE k <> 'request')`, rankings.Calls: `sign`,
		rankings.Spend: `CASE WHEN body->>'currency' = 'USD' THEN sign * paid ELSE 0 END`,
	}[q.By]
	unit, grain := `1`, `1`
	if q.By == rankings.Spend {
		unit, grain = `1000000000000`, `0.000000000001`
	}
	sql := strings.NewReplacer("SUBJECT", subject, "METRIC", metric, "UNIT", unit, "GRAIN", grain).Replace(`
	WITH known AS (SELECT *, (recorded_at AT TIME ZONE 'UTC')::date AS day FROM raw WHERE position <= $1),
	charges AS (
		SELECT stream, day, SUBJECT AS subject, METRIC AS x
		FROM (SELECT known.*, sign, bill, said, (bill->>'charge')::numeric - coalesce((bill->>'uncollectible')::numeric, 0) AS paid
			FROM known, LATERAL (VALUES ('wallet.usage_charged.v1', 1, body, body->'call'), ('wallet.charge_corrected.v1', -1, body->'before', body),
				('wallet.charge_corrected.v1', 1, body->'after', body)) AS p(of, sign, bill, said) WHERE p.of = type) c
		WHERE paid > 0 AND recorded_at >= $2 AND recorded_at < $3 AND ($4 = '' OR body->>'model' = $4)
		AND EXISTS (SELECT FROM known k WHERE k.stream = c.stream AND k.type = 'wallet.topped_up.v1' AND k.day <= c.day)
	), shares AS (SELECT subject, stream, sum(x) AS x FROM charges WHERE subject IS NOT NULL GROUP BY subject, stream),
	weighed AS (SELECT *, sum(x) OVER (PARTITION BY subject) AS row, count(*) OVER (PARTITION BY subject) AS wallets FROM shares)
	SELECT subject, wallets, sum(CASE WHEN x * 3 > row THEN (row * UNIT - mod(row * UNIT, 3))/ 3 * GRAIN ELSE x END)::text FROM weighed WHERE wallets >= 3 GROUP BY subject, wallets
	UNION ALL SELECT '', count(DISTINCT stream), coalesce(sum(x), 0)::text FROM shares`)
	rows, err := r.k.Pool.Query(t.Context(), sql, position, from, to, q.Model)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var c counted
		var text string
		require.NoError(t, rows.Scan(&c.subject, &c.wallets, &text))
		c.value = decimal.RequireFromString(text)
		if c.subject == "" {
			total, wallets = c.value, c.wallets
		} else {
			subjects = append(subjects, c)
		}
	}
	require.NoError(t, rows.Err())
	return subjects, total, wallets
}

// id is a UUID's text.
func id(n uint64) string { return pt.ID(n).String() }
