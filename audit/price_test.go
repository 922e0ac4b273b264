package audit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// TestTariffAgreesWithTheCatalogue holds the auditor's pricing against the ledger's, for any schedule, usage and moment.
func TestTariffAgreesWithTheCatalogue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule := catalog.Schedule{Base: someRates(t, usage.Input, usage.Output)}
		for range rapid.IntRange(0, 6).Draw(t, "overrides") {
			schedule.Overrides = append(schedule.Overrides, someOverride(t))
		}
		require.NoError(t, schedule.Check())
		tariff := newTariff(schedule)
		for range 3 { // the second and third time from what was worked out
			used := usage.Usage{}
			for _, class := range usage.Classes() {
				used[class] = rapid.Int64Range(0, 3).Draw(t, "quantity") * rapid.SampledFrom([]int64{1, 40, 1000}).Draw(t, "times")
			}
			at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "second"), 0)
			amounts, prompt := quantities(used)
			require.Equal(t, used.Prompt(), prompt)
			rates := tariff.at(prompt, at)
			want := schedule.LineItems(used, at)
			got := rates.lines(nil, amounts)
			require.Len(t, got, len(want))
			for i := range want {
				require.True(t, sameLine(want[i], got[i]), "%v %v", want[i], got[i])
			}
			require.True(t, usage.Total(want).Equal(sum(got)))
			bounds := usage.Bounds{Prompt: used.Prompt(), Completion: used.Completion(), Extra: usage.Usage{}}
			for _, class := range usage.ExtraClasses() {
				bounds.Extra[class] = rapid.Int64Range(0, 60).Draw(t, "extra")
			}
			for _, tier := range append(schedule.Tiers(), "", catalog.AnyTier) {
				tiers, err := schedule.Allowed(tier)
				require.NoError(t, err)
				most := schedule.MaxCostOf(tiers, bounds, at)
				worst, known := tariff.worstOf(tier, bounds, at)
				require.True(t, known)
				require.True(t, most.Equal(worst))
				if tier != catalog.AnyTier {
					billed := usage.Total(schedule.For(tier).LineItems(used, at))
					require.True(t, billed.Equal(tariff.of(tier).at(prompt, at).sum(amounts)))
				}
			}
			_, known := tariff.worstOf("another", bounds, at)
			require.False(t, known)
			require.Nil(t, tariff.of("another"))
		}
	})
}

func someRates(t *rapid.T, required ...usage.Class) catalog.Rates {
	r := catalog.Rates{}
	for _, class := range usage.Classes() {
		if rapid.Bool().Draw(t, "priced") {
			r[class] = somePrice(t)
		}
	}
	for _, class := range required {
		r[class] = somePrice(t)
	}
	return r
}

func somePrice(t *rapid.T) money.Price {
	return money.MustPrice(fmt.Sprintf("0.%012d", rapid.Int64Range(0, 100_000).Draw(t, "rate")))
}

func someOverride(t *rapid.T) catalog.Override {
	o := catalog.Override{Rates: someRates(t, usage.Output)}
	if rapid.Bool().Draw(t, "long") {
		o.MinPromptTokens = rapid.Int64Range(1, 2500).Draw(t, "above")
	}
	o.ServiceTier = rapid.SampledFrom([]string{"", "flex", "priority"}).Draw(t, "tier")
	if o.MinPromptTokens == 0 && o.ServiceTier == "" || rapid.Bool().Draw(t, "window") {
		start := rapid.IntRange(0, 1439).Draw(t, "start")
		end := (start + rapid.IntRange(1, 1439).Draw(t, "length")) % 1440
		o.UTCStart, o.UTCEnd = fmt.Sprintf("%02d:%02d", start/60, start%60), fmt.Sprintf("%02d:%02d", end/60, end%60)
	}
	return o
}

func TestWindowsOfACalendar(t *testing.T) {
	t.Parallel()
	at := time.Date(1969, 12, 28, 23, 59, 59, 0, time.UTC) // a Sunday before 1970
	for range 20_000 {
		year, month, date := at.Date()
		midnight := time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
		monday := midnight
		for monday.Weekday() != time.Monday {
			monday = monday.AddDate(0, 0, -1)
		}
		day, week, first := days(at)
		require.Equal(t, midnight.Unix()/secondsOfDay, day)
		require.Equal(t, monday.Unix()/secondsOfDay, week, at)
		require.Equal(t, time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Unix()/secondsOfDay, first)
		at = at.Add(25*time.Hour + 7*time.Minute)
	}
}
