package catalog_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

func tiered() catalog.Schedule {
	price := func(in string) catalog.Rates { return catalog.Rates{usage.Input: money.MustPrice(in)} }
	return catalog.Schedule{Base: rates("2", "4"), Overrides: []catalog.Override{
		{ServiceTier: "priority", Rates: rates("4", "8")},
		{MinPromptTokens: 100, Rates: price("3")},
		{ServiceTier: "flex", Rates: rates("1", "2")},
		{ServiceTier: "priority", MinPromptTokens: 100, Rates: price("5")},
	}}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	s := tiered()
	require.NoError(t, s.Check())
	require.Equal(t, []string{"flex", "priority"}, s.Tiers())
	for _, row := range []struct {
		tier   string
		prompt int64
		want   string
	}{
		{"", 10, "2"},
		{"", 101, "3"},
		{"flex", 10, "1"},
		{"flex", 101, "1"}, // the later of two overrides that hold
		{"priority", 10, "4"},
		{"priority", 101, "5"},
		{"scale", 10, "2"},
	} {
		require.Equal(t, row.want, s.For(row.tier).Rate(usage.Input, row.prompt, start).String(), "%s %d", row.tier, row.prompt)
	}
	require.Equal(t, "2", s.Rate(usage.Input, 10, start).String(), "without a tier it is the standard one")
}

func TestAllowedTiers(t *testing.T) {
	t.Parallel()
	s := tiered()
	for asked, want := range map[string][]string{
		"": {""}, "default": {""}, "standard": {""}, "standard_only": {""}, "flex": {"flex", ""}, "priority": {"priority", ""},
		"auto": {"flex", "priority", ""},
	} {
		got, err := s.Allowed(asked)
		require.NoError(t, err)
		require.Equal(t, want, got, asked)
	}
	_, err := s.Allowed("scale")
	requireCode(t, domain.CodeInvalid, err)
	_, err = catalog.Schedule{Base: rates("1", "1")}.Allowed("flex")
	requireCode(t, domain.CodeInvalid, err)
	for _, row := range []struct {
		asked, served, want string
		expected            bool
	}{
		{"", "", "", true},
		{"", "default", "", true},
		{"", "priority", "", false},
		{"flex", "flex", "flex", true},
		{"flex", "default", "", true},
		{"flex", "", "flex", true},
		{"flex", "priority", "", false},
		{"auto", "priority", "priority", true},
		{"auto", "", "", true},
		{"auto", "scale", "", false},
		{"standard_only", "standard", "", true},
		{"scale", "scale", "", false},
	} {
		tier, expected := s.Served(row.asked, row.served)
		require.Equal(t, row.want, tier, "%s served as %s", row.asked, row.served)
		require.Equal(t, row.expected, expected, "%s served as %s", row.asked, row.served)
	}
}

func TestTierNames(t *testing.T) {
	t.Parallel()
	for name, fine := range map[string]bool{
		"flex": true, "priority": true, "scale-2": true, "auto": false, "default": false, "standard_only": false, "Flex": false, "a b": false,
	} {
		s := catalog.Schedule{Base: rates("1", "1"), Overrides: []catalog.Override{{ServiceTier: name, Rates: rates("1", "1")}}}
		require.Equal(t, fine, s.Check() == nil, name)
	}
	many := catalog.Schedule{Base: rates("1", "1")}
	for i := range 9 {
		require.NoError(t, many.Check())
		many.Overrides = append(many.Overrides, catalog.Override{ServiceTier: "t" + strconv.Itoa(i), Rates: rates("1", "1")})
	}
	requireCode(t, domain.CodeInvalid, many.Check())
}

// TestHoldsCoverEveryTier: whatever tier a call is served with that it allows, it costs no more than was held, and what is said to be
// affordable is.
func TestHoldsCoverEveryTier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, at, b := drawSchedule(t), drawMoment(t), drawBounds(t)
		for i := range s.Overrides {
			s.Overrides[i].ServiceTier = rapid.SampledFrom([]string{"", "", "flex", "priority"}).Draw(t, "tier")
		}
		require.NoError(t, s.Check())
		asked := rapid.SampledFrom(append(s.Tiers(), "", catalog.AnyTier)).Draw(t, "asked")
		tiers, err := s.Allowed(asked)
		require.NoError(t, err)
		most := s.MaxCostOf(tiers, b, at)
		reached := false
		for _, tier := range tiers {
			require.False(t, most.LessThan(usage.Total(s.For(tier).LineItems(drawUsage(t, b), at))))
			reached = reached || most.Equal(s.For(tier).MaxCost(b, at))
		}
		require.True(t, reached, "the hold is higher than any tier's")
		billed, _ := s.Served(asked, rapid.SampledFrom([]string{"", "default", "flex", "priority", "scale"}).Draw(t, "served"))
		require.Contains(t, tiers, billed)
		limit := b.Completion
		budget := most.Sub(money.MustParse(rapid.SampledFrom([]string{"0", "0.5", "3"}).Draw(t, "less")))
		if b.Completion, _ = s.AffordableOutputOf(tiers, budget, b, at); b.Completion > 0 {
			require.LessOrEqual(t, b.Completion, limit)
			require.False(t, budget.LessThan(s.MaxCostOf(tiers, b, at)))
		}
	})
}
