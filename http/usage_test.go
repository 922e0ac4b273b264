package http_test

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/usage"
)

const usagePath = "/console/v1/usage/"

// consumed is a service in which two wallets made calls: three were charged, one was released.
type consumed struct {
	*bundle
	wallets [2]string
	keys    [2]string
	secrets [2]string
	ids     [2]uuid.UUID
	charges []int64 // positions
	after   string  // "&min_position=…" of the end
}

func consume(t *testing.T, choose ...func(*parts)) *consumed {
	t.Helper()
	c := &consumed{bundle: setup(t, choose...)}
	c.publish()
	for i := range c.wallets {
		c.wallets[i] = c.wallet("10")
		c.keys[i], c.secrets[i] = c.key(c.wallets[i], map[string]any{"name": "k"})
		c.ids[i] = idOf(t, c.wallets[i])
	}
	for _, i := range []int{0, 1, 0} {
		c.charges = append(c.charges, c.charge(c.ids[i], c.hold(c.ids[i], idOf(t, c.keys[i]))))
	}
	stuck := c.hold(c.ids[1], idOf(t, c.keys[1]))
	done := c.post(c.wallets[1]+"/holds/"+stuck.String()+"/release", map[string]any{"reason": "stuck"}).is(200)
	c.after = "&" + done.after()[1:]
	return c
}

// table reads an answer as CSV.
func (a answer) table() [][]string {
	a.t.Helper()
	require.Equal(a.t, "text/csv; charset=utf-8; header=present", a.header.Get("Content-Type"))
	require.Contains(a.t, a.header.Get("Content-Disposition"), "attachment; filename=")
	require.Contains(a.t, string(a.body), "\r\n")
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	require.NoError(a.t, err)
	return rows
}

func TestUsageIsSummedUpByGroup(t *testing.T) {
	t.Parallel()
	c := consume(t)
	got := c.get(usagePath + "aggregate?metric=charge&metric=calls&metric=error_share&metric=duration_p95&dimension=wallet" + c.after).is(200)
	require.JSONEq(t, `["charge", "calls", "error_share", "duration_p95"]`, string(got.at("metrics")))
	require.JSONEq(t, `["wallet"]`, string(got.at("dimensions")))
	require.Equal(t, "charge", got.text("order_by"))
	require.Equal(t, "2", got.text("groups"))
	require.Equal(t, "UTC", got.text("zone"))
	require.Equal(t, "USD", got.text("currency"))
	require.JSONEq(t, `["`+c.ids[0].String()+`"]`, string(got.at("rows", 0, "keys")))
	require.Equal(t, "0.0115", got.text("rows", 0, "values", 0, "value"))
	require.Equal(t, "2", got.text("rows", 0, "values", 0, "samples"))
	require.Equal(t, "0", got.text("rows", 0, "values", 2, "value"))
	require.Equal(t, "0.5", got.text("rows", 1, "values", 2, "value"))
	require.Equal(t, "0.01725", got.text("total", "values", 0, "value"))
	require.Equal(t, "4", got.text("total", "values", 1, "value"))

	top := c.get(usagePath + "aggregate?metric=charge&dimension=wallet&top=1" + c.after).is(200)
	require.Equal(t, 2, top.count("rows"))
	require.Equal(t, "true", string(top.at("rows", 1, "other")))
	require.JSONEq(t, `[]`, string(top.at("rows", 1, "keys")))
	require.Equal(t, "0.00575", top.text("rows", 1, "values", 0, "value"))
	require.Equal(t, "2", top.text("groups"))

	for filter, want := range map[string]string{
		"wallet_id=" + c.ids[1].String(): "2", "wallet_id=" + c.ids[0].String() + "&wallet_id=" + c.ids[1].String(): "4",
		"key_id=" + idOf(t, c.keys[0]).String(): "2", "model=acme%2Flarge": "4", "model=acme%2Fsmall": "0", "vendor=north": "4", "vendor=south": "0",
		"endpoint=acme%2Flarge%40north": "4", "currency=EUR": "0", "to=2020-01-01T00:00:00Z": "0",
	} {
		total := c.get(usagePath + "aggregate?metric=calls&" + filter + c.after).is(200)
		require.Equal(t, want, total.text("total", "values", 0, "value"), filter)
		require.Zero(t, total.count("rows"))
	}
	errors := c.get(usagePath + "aggregate?metric=errors&dimension=error" + c.after).is(200)
	require.JSONEq(t, `["stuck"]`, string(errors.at("rows", 0, "keys")))
	nothing := c.get(usagePath + "aggregate?metric=duration_p50&model=acme%2Fsmall" + c.after).is(200)
	require.JSONEq(t, `{"value": null, "samples": "0"}`, string(nothing.at("total", "values", 0)))
}

func TestUsageIsASeriesInTheAskersZone(t *testing.T) {
	t.Parallel()
	c := consume(t)
	now := time.Now().UTC()
	bounds := url.Values{
		"from": {now.AddDate(0, 0, -3).Truncate(time.Minute).Format(time.RFC3339)}, "to": {now.Add(2 * time.Minute).Truncate(time.Minute).Format(time.RFC3339)},
		"zone": {"Asia/Kolkata"}, "granularity": {"day"}, "metric": {"calls", "charge"}, "dimension": {"key"},
	}
	got := c.get(usagePath + "series?" + bounds.Encode() + c.after).is(200)
	require.Equal(t, "day", got.text("granularity"))
	require.Equal(t, "Asia/Kolkata", got.text("zone"))
	n := got.count("intervals")
	require.GreaterOrEqual(t, n, 4)
	require.Equal(t, n, got.count("lines", 0, "points"))
	require.Equal(t, n, got.count("total", "points"))
	require.Equal(t, "4", got.text("total", "values", 0, "value"))
	second, err := time.Parse(time.RFC3339, got.text("intervals", 1, "from"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(got.text("intervals", 1, "from"), "T00:00:00+05:30"), "%s", second)

	rows := c.get(usagePath + "series?format=csv&" + bounds.Encode() + c.after).is(200).table()
	require.Equal(t, []string{"row", "from", "to", "key", "calls", "calls_samples", "charge", "charge_samples"}, rows[0])
	require.Len(t, rows, 1+3*n)
	require.Equal(t, "group", rows[1][0])
	require.Equal(t, "total", rows[len(rows)-1][0])
}

func TestUsageGroupsArePagedAndExported(t *testing.T) {
	t.Parallel()
	c := consume(t)
	first := c.get(usagePath + "groups?metric=charge&dimension=key&limit=1" + c.after).is(200)
	require.Equal(t, "0.0115", first.text("rows", 0, "values", 0, "value"))
	require.Equal(t, "2", first.text("groups"))
	moved := c.charge(c.ids[1], c.hold(c.ids[1], idOf(t, c.keys[1])))
	c.get(usagePath + "aggregate?metric=calls&min_position=" + count(moved)).is(200)
	cursor := url.QueryEscape(first.text("next_cursor"))
	second := c.get(usagePath + "groups?metric=charge&dimension=key&limit=1&cursor=" + cursor).is(200)
	require.JSONEq(t, `null`, string(second.at("next_cursor")))
	require.Equal(t, first.text("position"), second.text("position"), "all pages are of one position")
	require.Equal(t, "0.00575", second.text("rows", 0, "values", 0, "value"))
	refused := c.get(usagePath+"groups?metric=charge&dimension=wallet&limit=1&cursor="+cursor).refused(400, domain.CodeInvalid)
	require.Equal(t, "cursor", refused.text("details", "parameter"))

	rows := c.get(usagePath+"groups?metric=calls&metric=cache_share&dimension=wallet&dimension=model&as_of="+first.text("position"), header{"Accept", "text/csv"}).is(200).table()
	require.Equal(t, [][]string{
		{"row", "wallet", "model", "calls", "calls_samples", "cache_share", "cache_share_samples"},
		{"group", rows[1][1], "acme/large", "2", "2", "0.333333", rows[1][6]},
		{"group", rows[2][1], "acme/large", "2", "2", "0.333333", rows[2][6]},
		{"total", "", "", "4", "4", "0.333333", "3"},
	}, rows)
	aggregate := c.get(usagePath + "aggregate?format=csv&metric=charge&dimension=wallet&top=1" + c.after).is(200).table()
	require.Equal(t, []string{"group", "other", "total"}, []string{aggregate[1][0], aggregate[2][0], aggregate[3][0]})
}

func TestSingleCallsAreListedAndExportedByTheSameFilter(t *testing.T) {
	t.Parallel()
	c := consume(t)
	got := c.get(usagePath + "calls?wallet_id=" + c.ids[0].String() + "&zone=Europe%2FBerlin" + c.after).is(200)
	require.Equal(t, 2, got.count("items"))
	page := c.get(usagePath + "calls?limit=3" + c.after).is(200)
	rest := c.get(usagePath + "calls?limit=3&cursor=" + page.text("next_cursor")).is(200)
	require.Equal(t, 1, rest.count("items"))

	rows := c.get(usagePath+"calls?model=acme%2Flarge"+c.after, header{"Accept", "application/json;q=0.5, text/csv"}).is(200).table()
	require.Len(t, rows, 5)
	column := func(name string) int { return slices.Index(rows[0], name) }
	require.Equal(t, "released", rows[1][column("state")])
	require.Equal(t, "charged", rows[4][column("state")])
	require.Equal(t, chargeOfCall, rows[4][column("charge")])
	require.Equal(t, "1500", rows[4][column("prompt_tokens")])
	require.True(t, strings.HasPrefix(rows[4][column("generation_id")], "gen-"))
}

func TestUsageAsOfThePastIsWhatItWas(t *testing.T) {
	t.Parallel()
	c := consume(t)
	for i, position := range c.charges {
		then := c.get(usagePath + "aggregate?metric=charged_calls&as_of=" + count(position)).is(200)
		require.Equal(t, count(int64(i+1)), then.text("total", "values", 0, "value"))
		require.Equal(t, count(position), then.text("position"))
	}
}

// TestWhatUsageCannotAnswerIsRefusedByName: each refusal names the parameter, as the caller wrote it.
func TestWhatUsageCannotAnswerIsRefusedByName(t *testing.T) {
	t.Parallel()
	c := consume(t)
	many := strings.Repeat("&model=a", 101)
	for query, parameter := range map[string]string{
		"aggregate": "metric", "aggregate?metric=smell": "metric", "aggregate?metric=" + strings.Repeat("calls&metric=", 12) + "calls": "metric",
		"aggregate?metric=calls&dimension=colour": "dimension", "aggregate?metric=calls&dimension=key&dimension=key": "dimension",
		"aggregate?metric=calls&dimension=key&dimension=model&dimension=vendor": "dimension",
		"aggregate?metric=charge&dimension=error":                               "metric", "aggregate?metric=calls&order_by=cache_share": "order_by",
		"aggregate?metric=calls&top=0": "top", "aggregate?metric=calls&top=-1": "top", "aggregate?metric=calls&top=101": "top", "aggregate?metric=calls&top=x": "top",
		"aggregate?metric=calls&zone=Mars%2FOlympus": "zone", "aggregate?metric=calls&zone=Local": "zone", "aggregate?metric=calls&zone=..%2F..%2Fetc%2Fpasswd": "zone",
		"aggregate?metric=calls&wallet_id=x": "wallet_id", "aggregate?metric=calls&wallet_id=" + uuid.Nil.String(): "wallet_id",
		"aggregate?metric=calls" + many: "model", "aggregate?metric=calls&model=%ff": "model", "aggregate?metric=calls&vendor=%00": "vendor",
		"aggregate?metric=calls&currency=usd": "currency", "aggregate?metric=calls&from=yesterday": "from",
		"aggregate?metric=calls&from=2026-01-01T00:00:30Z":                         "from",
		"aggregate?metric=calls&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "from",
		"aggregate?metric=calls&from=2016-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "from", // too wide
		"aggregate?metric=calls&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:30Z": "to",
		"series?metric=calls&granularity=decade":                                   "granularity",
		"series?metric=calls&granularity=minute":                                   "granularity", // too many points
		"groups?metric=calls":                                                      "dimension", "groups?metric=calls&dimension=key&cursor=x": "cursor",
		"groups?metric=calls&dimension=key&limit=201": "limit", "calls?model=a&model=b": "model", "calls?vendor=north": "vendor",
		"calls?currency=USD": "currency", "calls?cursor=x": "cursor", "aggregate?metric=calls&format=xml": "format", "calls?format=pdf": "format",
		"aggregate?metric=calls&as_of=0": "as_of", "aggregate?metric=calls&as_of=tomorrow": "as_of", "aggregate?metric=calls&as_of=999999999": "as_of",
		"aggregate?metric=calls&as_of=2999-01-01T00:00:00Z": "as_of", "aggregate?metric=calls&as_of=1999-01-01T00:00:00Z": "as_of",
		"aggregate?metric=calls&min_position=-1": "min_position", "calls?as_of=1": "as_of", "aggregate?metric=calls&granularity=day": "granularity",
	} {
		refusal := c.get(usagePath+query).refused(400, domain.CodeInvalid)
		require.Equal(t, parameter, refusal.text("details", "parameter"), query)
	}
}

func TestTheDocumentListsWhatUsageKnows(t *testing.T) {
	t.Parallel()
	schemas := loadDocument(t, openapi.Document()).Components.Schemas
	for name, known := range map[string][]string{
		"UsageMetric": words(usage.Metrics()), "UsageDimension": words(usage.Dimensions()), "UsageGranularity": words(usage.Granularities()),
	} {
		require.Equal(t, known, enumOf(schemas[name].Value), name)
	}
}

func words[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, v := range of {
		out[i] = string(v)
	}
	return out
}

func enumOf(s *openapi3.Schema) []string {
	out := make([]string, len(s.Enum))
	for i, v := range s.Enum {
		out[i] = v.(string)
	}
	return out
}

func TestActivityIsWhatOpenRoutersClientsExpect(t *testing.T) {
	t.Parallel()
	c := consume(t, steady) // its day is over
	then := c.recorded()
	c.get(usagePath + "aggregate?metric=calls" + c.after).is(200)
	got := c.asOpenRouter("/api/v1/activity", bearer(c.secrets[0])).is(200)
	require.JSONEq(t, `{
		"date": "`+c.day()+`", "model": "acme/large", "model_permaslug": "acme/large", "endpoint_id": "acme/large@north",
		"provider_name": "North", "usage": 0.0115, "byok_usage_inference": 0, "requests": 2, "prompt_tokens": 3000, "completion_tokens": 600,
		"reasoning_tokens": 200
	}`, string(got.at("data", 0)))
	require.Equal(t, 1, got.count("data"))
	require.Equal(t, "0.00575", string(c.get("/api/v1/activity", bearer(c.secrets[1])).is(200).at("data", 0, "usage")), "each key sees its own wallet")

	hash := apikey.HashSecret(c.secrets[0]).String()
	require.Equal(t, 1, c.asOpenRouter("/api/v1/activity?api_key_hash="+hash, bearer(c.secrets[0])).is(200).count("data"))
	_, other := c.key(c.wallets[0], map[string]any{"name": "unused"})
	require.Zero(t, c.get("/api/v1/activity?api_key_hash="+apikey.HashSecret(other).String(), bearer(c.secrets[0])).is(200).count("data"))
	day := c.get("/api/v1/activity?date="+c.day(), bearer(c.secrets[0])).is(200)
	require.Equal(t, 1, day.count("data"))
	require.Zero(t, c.get("/api/v1/activity?date="+then.AddDate(0, 0, -5).Format(time.DateOnly), bearer(c.secrets[0])).is(200).count("data"))
	for query, param := range map[string]string{
		"date=" + time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly): "date", "date=2020-01-01": "date", "date=x": "date", "user_id=u": "user_id",
		"group_by=workspace": "group_by", "workspace_id=w": "workspace_id", "api_key_hash=0": "api_key_hash",
		"api_key_hash=" + apikey.HashSecret(c.secrets[1]).String(): "api_key_hash", // of another wallet
	} {
		refusal := c.asOpenRouter("/api/v1/activity?"+query, bearer(c.secrets[0])).is(400)
		require.Equal(t, param, refusal.text("error", "param"), query)
	}
	c.asOpenRouter("/api/v1/activity").is(401)
	c.get("/api/v1/activity", bearer(operatorToken)).is(401)
}
