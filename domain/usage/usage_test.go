package usage_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		usage usage.Usage
		code  domain.Code
	}{
		{"none", nil, ""},
		{"every class", usage.Usage{
			usage.Input: 1, usage.CacheRead: 2, usage.CacheWrite: 3, usage.CacheWrite1h: 4, usage.Output: 5, usage.Reasoning: 6,
			usage.AudioInput: 7, usage.AudioCacheRead: 8, usage.ImageInput: 9, usage.AudioOutput: 10, usage.ImageOutput: 11,
			usage.Image: 12, usage.Second: 13, usage.Character: 14, usage.Search: 15, usage.Request: 1,
		}, ""},
		{"zero", usage.Usage{usage.Input: 0}, ""},
		{"largest", usage.Usage{usage.Input: usage.MaxQuantity}, ""},
		{"above the largest", usage.Usage{usage.Input: usage.MaxQuantity + 1}, domain.CodeUsageInvalid},
		{"negative", usage.Usage{usage.Output: -1}, domain.CodeUsageInvalid},
		{"unknown class", usage.Usage{"images": 1}, domain.CodeUsageInvalid},
		{"empty class", usage.Usage{"": 0}, domain.CodeUsageInvalid},
	} {
		require.Equal(t, row.code, domain.CodeOf(row.usage.Check()), row.name)
	}
}

func TestClassesAreDisjointAndComplete(t *testing.T) {
	t.Parallel()
	parts := append(append(usage.InputClasses(), usage.OutputClasses()...),
		usage.Image, usage.Second, usage.Character, usage.Search, usage.Request)
	require.ElementsMatch(t, usage.Classes(), parts)
	used := usage.Usage{}
	sums := map[usage.Side]int64{}
	for i, class := range usage.Classes() {
		require.True(t, class.Known())
		used[class] = 1 << i
		sums[class.Side()] += 1 << i
	}
	require.Equal(t, sums[usage.Prompt], used.Prompt())
	require.Equal(t, sums[usage.Completion], used.Completion())
	for _, class := range usage.InputClasses() {
		require.Equal(t, usage.Prompt, class.Side())
	}
	for _, class := range usage.OutputClasses() {
		require.Equal(t, usage.Completion, class.Side())
	}
	require.Equal(t, usage.Neither, usage.Class("").Side())
	require.False(t, usage.Class("").Known())
}

func TestParentsLeadToABaseClassOfTheSameSide(t *testing.T) {
	t.Parallel()
	for _, side := range []struct {
		base    usage.Class
		classes []usage.Class
	}{
		{usage.Input, usage.InputClasses()},
		{usage.Output, usage.OutputClasses()},
		{usage.Request, []usage.Class{usage.Request}},
		{usage.Image, []usage.Class{usage.Image}},
		{usage.Second, []usage.Class{usage.Second}},
		{usage.Character, []usage.Class{usage.Character}},
		{usage.Search, []usage.Class{usage.Search}},
	} {
		for _, class := range side.classes {
			top := class
			for range usage.Classes() {
				if parent, ok := top.Parent(); ok {
					top = parent
				}
			}
			require.Equal(t, side.base, top, class)
		}
	}
}

func TestLineItemCheck(t *testing.T) {
	t.Parallel()
	good := usage.LineItem{Class: usage.Output, Quantity: 3, Price: money.MustPrice("0.5"), Amount: money.MustParse("1.5")}
	for _, row := range []struct {
		name   string
		change func(*usage.LineItem)
		code   domain.Code
	}{
		{"as it is", func(*usage.LineItem) {}, ""},
		{"other amount", func(l *usage.LineItem) { l.Amount = money.MustParse("1.500000000001") }, domain.CodeAmountInvalid},
		{"negative amount", func(l *usage.LineItem) { l.Amount = money.MustParse("-1.5") }, domain.CodeAmountInvalid},
		{"negative quantity", func(l *usage.LineItem) { l.Quantity, l.Amount = -3, money.MustParse("-1.5") }, domain.CodeUsageInvalid},
		{"absurd quantity", func(l *usage.LineItem) { l.Quantity = usage.MaxQuantity + 1 }, domain.CodeUsageInvalid},
		{"unknown class", func(l *usage.LineItem) { l.Class = "images" }, domain.CodeUsageInvalid},
	} {
		item := good
		row.change(&item)
		require.Equal(t, row.code, domain.CodeOf(item.Check()), row.name)
	}
	require.Equal(t, "3", usage.Total([]usage.LineItem{good, good}).String())
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	for _, p := range []usage.Provenance{usage.Reported, usage.LookedUp, usage.Estimated} {
		require.NoError(t, p.Check())
	}
	require.Equal(t, domain.CodeUsageInvalid, domain.CodeOf(usage.Provenance("").Check()))
}

func TestCloneDropsZerosAndSharesNothing(t *testing.T) {
	t.Parallel()
	used := usage.Usage{usage.Input: 2, usage.Output: 0}
	clone := used.Clone()
	require.Equal(t, usage.Usage{usage.Input: 2}, clone)
	clone[usage.Input] = 5
	require.Equal(t, int64(2), used[usage.Input])
	require.NotNil(t, usage.Usage(nil).Clone())
}

func TestAppendJSONEqualsMarshal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		used := usage.Usage(rapid.MapOf(rapid.Custom(drawClass), rapid.Int64()).Draw(t, "usage"))
		items := rapid.SliceOf(rapid.Custom(drawItem)).Draw(t, "items")
		if rapid.Bool().Draw(t, "nil") {
			used, items = nil, nil
		}
		want, err := json.Marshal(used)
		require.NoError(t, err)
		got, err := used.AppendJSON(nil)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		want, err = json.Marshal(items)
		require.NoError(t, err)
		got, err = usage.AppendJSON(nil, items)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

func drawClass(t *rapid.T) usage.Class {
	if rapid.Bool().Draw(t, "known") {
		return rapid.SampledFrom(usage.Classes()).Draw(t, "class")
	}
	return usage.Class(rapid.String().Draw(t, "class"))
}

func drawItem(t *rapid.T) usage.LineItem {
	price := money.MustPrice(rapid.StringMatching(`[0-9]{1,5}\.[0-9]{1,12}`).Draw(t, "price"))
	n := rapid.Int64Range(0, usage.MaxQuantity).Draw(t, "quantity")
	return usage.LineItem{Class: drawClass(t), Quantity: n, Price: price, Amount: price.Times(n)}
}
