package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func (b *bundle) rerank(t *testing.T, body string) (int, string) {
	t.Helper()
	answer, text := b.send(t, http.MethodPost, "/v1/rerank", body, "Authorization", "Bearer "+apiKey, "Content-Type", "application/json")
	return answer.StatusCode, text
}

// TestRerank: the best comes first, and what is told is booked.
func TestRerank(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var r struct {
		Results []struct {
			Index    int
			Score    float64 `json:"relevance_score"`
			Document *struct{ Text string }
		}
		Usage struct {
			Total int64 `json:"total_tokens"`
		}
		Meta struct {
			Billed struct {
				Searches int64 `json:"search_units"`
			} `json:"billed_units"`
		}
	}
	status, text := b.rerank(t, `{"model":"m","query":"what","documents":["one","two",{"text":"three"}],"return_documents":true}`)
	require.Equal(t, 200, status, text)
	parse(t, text, &r)
	require.Len(t, r.Results, 3)
	for i, result := range r.Results {
		require.Equal(t, []string{"one", "two", "three"}[result.Index], result.Document.Text)
		require.True(t, i == 0 || result.Score < r.Results[i-1].Score)
	}
	require.EqualValues(t, 3*1+1+1+2, r.Usage.Total)
	require.EqualValues(t, 1, r.Meta.Billed.Searches)
	best := r.Results[0].Index
	status, text = b.rerank(t, `{"model":"m","query":"what","documents":["one","two","three"],"top_n":1}`)
	require.Equal(t, 200, status)
	r.Results = nil
	parse(t, text, &r)
	require.Len(t, r.Results, 1)
	require.Equal(t, best, r.Results[0].Index)
	require.Nil(t, r.Results[0].Document)
	require.Equal(t, sim.Row{Calls: 2, Completed: 2, Reported: sim.Usage{Prompt: 14}}, b.Totals().Dialects["rerank"])
}

func TestRerankBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{
		`{"query":"a","documents":["a"]}`: "'model'", `{"model":"m","documents":["a"]}`: "'query'", `{"model":"m","query":"a"}`: "'documents'",
		`{"model":"m","query":"a","documents":[]}`: "'documents'", `{"model":"m","query":"a","documents":[7]}`: "documents[0]",
		`{"model":"m","query":"a","documents":["a"],"top_n":0}`: "top_n", `{"model":"m","query":"a","documents":["a"],"provider":{}}`: "provider",
		`{"model":"m","query":"a","documents":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`: "at most 1000",
	} {
		status, text := b.rerank(t, body)
		require.Equal(t, 400, status, "%.80s", body)
		require.Contains(t, text, says, "%.80s", body)
	}
}
