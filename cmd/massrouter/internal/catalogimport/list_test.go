package catalogimport_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
)

// realList is the whole of genai-prices.
func realList(t *testing.T) []byte {
	t.Helper()
	packed, err := os.ReadFile("testdata/genai-prices.json.gz")
	require.NoError(t, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	raw, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	return raw
}

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func reasons(refused []catalogimport.Refusal) map[catalogimport.Reason]int {
	counts := map[catalogimport.Reason]int{}
	for _, r := range refused {
		counts[r.Reason]++
	}
	return counts
}

// Every model of the real list is either offered or refused, with a reason and a place.
func TestRealListIsReadWhole(t *testing.T) {
	t.Parallel()
	for context, want := range map[int64]map[catalogimport.Reason]int{
		0: {
			catalogimport.ReasonNoContext: 858, catalogimport.ReasonNoPrice: 157, catalogimport.ReasonNoOutput: 40, catalogimport.ReasonPriceDigits: 6, catalogimport.ReasonUpstream: 19, catalogimport.ReasonModelID: 9,
		},
		8192: {
			catalogimport.ReasonNoPrice: 157, catalogimport.ReasonNoOutput: 40, catalogimport.ReasonPriceDigits: 6, catalogimport.ReasonUpstream: 19, catalogimport.ReasonModelID: 9,
		},
	} {
		list, err := catalogimport.ReadGenAIPrices(realList(t), catalogimport.ReadOptions{ContextLength: context})
		require.NoError(t, err)
		require.Len(t, list.Vendors, 34)
		require.Equal(t, 1442, list.Models)
		require.Equal(t, list.Models, len(list.Offers)+len(list.Refused))
		require.Equal(t, want, reasons(list.Refused))
	}
}
