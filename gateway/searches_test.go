package gateway_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// TestSearchesAreHeldAsOftenAsTheCallerAllows: max_uses of all tools that search, in whichever order the members stand; ten when one of them says
// nothing that can be one, a hundred at most. What is reported beyond is charged and looked at.
func TestSearchesAreHeldAsOftenAsTheCallerAllows(t *testing.T) {
	t.Parallel()
	const search = `{"type":"web_search_20250305","name":"web_search"`
	for name, row := range map[string]struct {
		tools          string
		held, searched int64
		suspect        bool
	}{
		"as often as the vendor likes": {search + `}`, 10, 3, false},
		"three":                        {search + `,"max_uses":3}`, 3, 3, false},
		"first":                        {`{"max_uses":2,"type":"web_search_20260209","name":"web_search"}`, 2, 0, false},
		"two tools":                    {search + `,"max_uses":3},{"type":"web_search_20260209","name":"more","max_uses":4}`, 7, 7, false},
		"one of two":                   {search + `,"max_uses":3},{"type":"web_search_20260209","name":"more"}`, 10, 0, false},
		"many":                         {search + `,"max_uses":50}`, 50, 40, false},
		"too many":                     {search + `,"max_uses":9007199254740993}`, 100, 0, false},
		"many times too many":          {search + `,"max_uses":9007199254740993},` + search + `,"max_uses":9223372036854775807}`, 100, 0, false},
		"none":                         {search + `,"max_uses":0}`, 10, 0, false},
		"less than none":               {search + `,"max_uses":-5}`, 10, 0, false},
		"no number":                    {search + `,"max_uses":"3"}`, 10, 0, false},
		"null":                         {search + `,"max_uses":null}`, 10, 0, false},
		"of another tool":              {search + `},{"type":"web_fetch_20250910","name":"web_fetch","max_uses":1}`, 10, 0, false},
		"no search":                    {`{"type":"web_fetch_20250910","name":"web_fetch","max_uses":1}`, 0, 0, false},
		"more than allowed":            {search + `,"max_uses":2}`, 2, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := gatewaytest.New(t)
			v := priced(k, map[usage.Class]string{usage.Search: "0.01"})
			model := k.ModelAt(gatewaytest.Vendor(chat.Anthropic), "", v)
			answering(k, fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn",`+
				`"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1,"server_tool_use":{"web_search_requests":%d}}}`, row.searched))
			call := k.Call("")
			call.Incoming = exchange.Incoming{Dialect: chat.Anthropic, Body: []byte(fmt.Sprintf(
				`{"model":%q,"max_tokens":10,"messages":[{"role":"user","content":"Search."}],"tools":[%s]}`, model, row.tools))}
			require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
			e, placed := k.Only(), k.History().Placed[0]
			require.Equal(t, row.held, placed.Extra[usage.Search])
			require.Equal(t, row.searched, e.Usage[usage.Search])
			require.Equal(t, row.suspect, e.Call.Suspect)
			least := money.MustPrice("0.01").Times(row.held)
			require.False(t, placed.Amount.LessThan(least))
			require.Equal(t, usage.Total(v.Price.LineItems(e.Usage, e.Call.StartedAt)).String(), e.Charge.String())
		})
	}
}
