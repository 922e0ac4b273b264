package sdktest

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// responsesAPI asks by the Responses API what the other rows ask by chat completions: a text and a tool call, whole and streamed.
func responsesAPI(p *probe) string {
	other, ok := p.client.(responder)
	if !ok {
		return noWord
	}
	by := &probe{T: p.T, client: other.responses(), wire: p.wire, vendor: p.vendor, sdk: p.sdk}
	by.responsesText()
	by.responsesCall()
	return yes
}

// responsesText: the same question has the same words and the same usage in both forms, which are what the ledger has.
func (p *probe) responsesText() {
	p.Helper()
	q := question{model: p.vendor.Model, text: "Respond to the ledger."}
	whole, streamed := p.whole(q), p.stream(q)
	require.Greater(p, len(strings.Fields(whole.text)), 10)
	require.Equal(p, whole.text, streamed.text)
	require.Greater(p, streamed.pieces, 3)
	for _, a := range []*answer{whole, streamed} {
		require.Regexp(p, `^gen-[0-9a-f-]{36}$`, a.id)
		require.Empty(p, a.calls)
		require.Positive(p, a.prompt)
		require.Equal(p, whole.completion, a.completion)
		g, err := generationOf(a.id)
		require.NoError(p, err)
		require.Equal(p, [2]int64{g.Prompt, g.Completion}, [2]int64{a.prompt, a.completion})
		require.Regexp(p, `^0\.0*[1-9]`, a.cost)
		require.Equal(p, g.TotalCost.String(), a.cost)
		require.Equal(p, a == streamed, g.Streamed)
	}
}

// responsesCall: the call goes back with its result, and the model goes on with what it was told.
func (p *probe) responsesCall() {
	p.Helper()
	q := question{model: p.vendor.Model, text: "Find the book.", tools: tools[:1]}
	for way, a := range map[string]*answer{"whole": p.whole(q), "streamed": p.stream(q)} {
		p.checkCalls(a, tools[0])
		require.Empty(p, a.text)
		result := p.mark("the_response_is_on_shelf_" + way)
		next, err := a.resume(p.Context(), result)
		require.NoError(p, err)
		require.NotEmpty(p, next.text)
		require.Empty(p, next.calls)
		require.Contains(p, p.sent(result), tools[0])
	}
}
