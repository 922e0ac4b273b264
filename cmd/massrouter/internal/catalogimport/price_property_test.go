package catalogimport_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain/usage"
)

// genPrice is a price of a million, with at most six decimals, in one of the ways that JSON writes numbers.
func genPrice(t *rapid.T, label string) string {
	n := rapid.IntRange(0, 50_000_000).Draw(t, label)
	switch rapid.IntRange(0, 2).Draw(t, label+" form") {
	case 0:
		return fmt.Sprintf("%d.%06d", n/1_000_000, n%1_000_000)
	case 1:
		return fmt.Sprintf("%de-6", n)
	}
	return fmt.Sprint(n / 1_000_000)
}

// genTable is a set of prices as JSON.
func genTable(t *rapid.T) string {
	var fields []string
	for _, key := range []string{"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"} {
		if key != "input_mtok" && key != "output_mtok" && !rapid.Bool().Draw(t, key) {
			continue
		}
		price := genPrice(t, key)
		if rapid.Bool().Draw(t, key+" tiered") {
			var tiers []string
			for _, start := range rapid.SampledFrom([][]int{{}, {10}, {20}, {10, 20}, {10, 30}}).Draw(t, "starts") {
				tiers = append(tiers, fmt.Sprintf(`{"start":%d,"price":%s}`, start, genPrice(t, "tier")))
			}
			price = fmt.Sprintf(`{"base":%s,"tiers":[%s]}`, price, strings.Join(tiers, ","))
		}
		fields = append(fields, fmt.Sprintf(`"%s":%s`, key, price))
	}
	if rapid.Bool().Draw(t, "requests") {
		fields = append(fields, `"requests_kcount":`+fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "per thousand")))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func genConditional(t *rapid.T) string {
	entries := []string{`{"prices":` + genTable(t) + `}`}
	for range rapid.IntRange(0, 4).Draw(t, "conditions") {
		constraint := ""
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			constraint = fmt.Sprintf(`"constraint":{"start_date":"2026-06-%02d"},`, rapid.IntRange(1, 5).Draw(t, "day"))
		case 1:
			start := rapid.IntRange(0, 22).Draw(t, "start")
			end := rapid.IntRange(start+1, 23).Draw(t, "end")
			constraint = fmt.Sprintf(`"constraint":{"start_time":"%02d:30:00Z","end_time":"%02d:30:00Z"},`, start, end)
		}
		entries = append(entries, `{`+constraint+`"prices":`+genTable(t)+`}`)
	}
	if rapid.Bool().Draw(t, "the first has a date") {
		entries[0] = `{"constraint":{"start_date":"2026-06-03"},` + entries[0][1:]
	}
	return "[" + strings.Join(entries, ",") + "]"
}

// listCost is what a call costs by the rules of genai-prices, evaluated one by one: the last conditional price that is active,
// else the first; the highest tier whose start is below the prompt; tokens without a price of their own at their parent's.
func listCost(t *rapid.T, text string, u usage.Usage, at time.Time) *big.Rat {
	var entries []struct {
		Constraint map[string]string
		Prices     map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(text), &entries))
	prices := entries[0].Prices
	for _, e := range entries {
		date, start, end := e.Constraint["start_date"], e.Constraint["start_time"], e.Constraint["end_time"]
		clock := at.Format("15:04:05Z")
		if (date == "" || at.Format(time.DateOnly) >= date) && (start == "" || (start <= clock && clock < end)) {
			prices = e.Prices
		}
	}
	total := new(big.Rat)
	for class, keys := range map[usage.Class][]string{
		usage.Input: {"input_mtok"}, usage.CacheRead: {"cache_read_mtok", "input_mtok"}, usage.Output: {"output_mtok"},
		usage.CacheWrite: {"cache_write_mtok", "input_mtok"}, usage.Reasoning: {"output_mtok"}, usage.Request: {"requests_kcount"},
	} {
		for _, key := range keys {
			raw, ok := prices[key]
			if !ok {
				continue
			}
			price := number(t, raw, u.Prompt())
			per := int64(1_000_000)
			if class == usage.Request {
				per = 1000
			}
			total.Add(total, price.Mul(price, big.NewRat(u[class], per)))
			break
		}
	}
	return total
}

func number(t *rapid.T, raw json.RawMessage, prompt int64) *big.Rat {
	var tiered struct {
		Base  json.Number
		Tiers []struct {
			Start int64
			Price json.Number
		}
	}
	text := string(raw)
	if json.Unmarshal(raw, &tiered) == nil {
		text = string(tiered.Base)
		for _, tier := range tiered.Tiers {
			if prompt > tier.Start {
				text = string(tier.Price)
			}
		}
	}
	price, ok := new(big.Rat).SetString(text)
	require.True(t, ok, text)
	return price
}

// A charge at the imported price is, to the last digit, what the list's own rules give, for any usage at any time.
func TestImportedPricesCostWhatTheListSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := genConditional(t)
		list, err := catalogimport.ReadGenAIPrices(genaiModel(`"prices":`+text), catalogimport.ReadOptions{})
		require.NoError(t, err)
		require.Empty(t, list.Refused)
		for range 20 {
			when := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 8*24*60*60-1).Draw(t, "second")) * time.Second)
			u := usage.Usage{usage.Request: 1}
			for _, class := range []usage.Class{usage.Input, usage.CacheRead, usage.CacheWrite, usage.Output, usage.Reasoning} {
				u[class] = rapid.Int64Range(0, 15).Draw(t, string(class))
			}
			schedule := list.Offers[0].Prices[0].Price
			for _, d := range list.Offers[0].Prices {
				if !d.From.After(when) {
					schedule = d.Price
				}
			}
			charge := usage.Total(schedule.LineItems(u, when))
			got, ok := new(big.Rat).SetString(charge.String())
			require.True(t, ok)
			want := listCost(t, text, u, when)
			require.Zero(t, want.Cmp(got), "%s at %s costs %s, not %s\n%s", u, when, want.FloatString(18), charge, text)
		}
	})
}

// A price is read exactly, or refused.
func TestPricesAreReadExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,6})(\.[0-9]{1,9})?([eE][-+]?[0-9])?`).Draw(t, "price")
		list, err := catalogimport.ReadGenAIPrices(genaiModel(prices(`{"input_mtok":`+text+`,"output_mtok":1}`)), catalogimport.ReadOptions{})
		require.NoError(t, err)
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		want.Quo(want, big.NewRat(1_000_000, 1))
		places := new(big.Rat).Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(12), nil)))
		if !places.IsInt() {
			require.Equal(t, map[catalogimport.Reason]int{catalogimport.ReasonPriceDigits: 1}, reasons(list.Refused), text)
			return
		}
		if want.Cmp(big.NewRat(50_000, 1)) > 0 {
			require.Equal(t, map[catalogimport.Reason]int{catalogimport.ReasonCatalogRefuse: 1}, reasons(list.Refused), text)
			return
		}
		require.Len(t, list.Offers, 1, "%s: %v", text, list.Refused)
		got, ok := new(big.Rat).SetString(list.Offers[0].Prices[0].Price.Base[usage.Input].String())
		require.True(t, ok)
		require.Zero(t, got.Cmp(want), text)
	})
}

func newRat(text string) (*big.Rat, bool) { return new(big.Rat).SetString(text) }
