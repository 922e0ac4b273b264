package generations

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// TestDocumentsAreReadHoweverTheyAreWritten: as events write them, and as JSON may be written else.
func TestDocumentsAreReadHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	want := Generation{
		Usage:     usage.Usage{usage.Input: 7, usage.Output: 3},
		LineItems: []usage.LineItem{{Class: usage.Input, Quantity: 7, Price: money.MustPrice("0.5"), Amount: money.MustParse("3.5")}},
		Call:      wallet.Call{Streamed: true, Attempts: 2, DurationMS: 40},
	}
	for name, row := range map[string][3]string{
		"as events do": {
			`{"input":7,"output":3}`, `[{"class":"input","quantity":7,"price":"0.5","amount":"3.5"}]`, `{"streamed":true,"attempts":2,"duration_ms":40}`,
		},
		"with spaces, in another order": {
			`{"output": 3, "input": 7}`, `[{"quantity": 7, "class": "input", "amount": "3.50", "price": "0.50"}]`, `{"duration_ms": 40, "attempts": 2, "streamed": true}`,
		},
	} {
		var got Generation
		require.NoError(t, got.read([]byte(row[0]), []byte(row[1]), []byte(row[2])), name)
		require.Equal(t, want, got, name)
	}
	var none Generation
	require.NoError(t, none.read(nil, nil, nil))
	require.Equal(t, Generation{}, none)
	for name, row := range map[string][3]string{
		"cut off": {`{"input":7`, `[]`, `{}`}, "two values": {`{}`, `[] []`, `{}`}, "a number for money": {`{}`, `[{"amount":3.5}]`, `{}`}, "no object": {`{}`, `[]`, `7`},
	} {
		var bad Generation
		require.Error(t, bad.read([]byte(row[0]), []byte(row[1]), []byte(row[2])), name)
	}
}
