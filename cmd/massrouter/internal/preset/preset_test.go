package preset_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/preset"
	"github.com/massrouter/massrouter/domain/catalog"
)

// TestPresetsCanBePublished: each is a vendor that the catalogue takes.
func TestPresetsCanBePublished(t *testing.T) {
	t.Parallel()
	all := preset.All()
	require.True(t, slices.IsSortedFunc(all, func(a, b preset.Preset) int { return strings.Compare(a.ID, b.ID) }))
	for _, p := range all {
		_, err := (&catalog.VendorState{}).Publish(catalog.Vendor{
			ID: p.ID, Name: p.Name, BaseURL: p.BaseURL, Dialect: p.Dialect, CancelPolicy: p.CancelPolicy, MaxTokensField: p.MaxTokensField,
			Status: catalog.Active, Wire: p.Wire,
		})
		require.NoError(t, err, p.ID)
		found, ok := preset.Find(p.ID)
		require.True(t, ok)
		require.Equal(t, p, found)
		require.Equal(t, strings.Contains(p.BaseURL, "RESOURCE") || strings.Contains(p.BaseURL, "LOCATION") || strings.Contains(p.BaseURL, "REGION"), p.Pattern(), p.ID)
	}
	_, ok := preset.Find("nobody")
	require.False(t, ok)
}

// TestTheGuideHasTheTable: a row for each, with its address.
func TestTheGuideHasTheTable(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../../docs/gateway.md")
	require.NoError(t, err)
	for _, p := range preset.All() {
		require.Contains(t, string(guide), "| `"+p.ID+"` | `"+p.BaseURL+"` |", p.ID)
	}
}
