package rerank_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/rerank"
)

const asked = `{"model":"acme/m","query":"q","documents":["a","b","c"]}`

func read(tb testing.TB, body string) *rerank.Request {
	tb.Helper()
	q, err := rerank.Read([]byte(body))
	require.NoError(tb, err, "%s", body)
	return q
}

// TestSplice: all bytes stay but those of the model, and what is for the gateway goes.
func TestSplice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		` {"model" : "acme/m","query":"q","documents":[ "a" ],"odd":1.0} `:                                          ` {"model" : "up","query":"q","documents":[ "a" ],"odd":1.0} `,
		`{"provider":{"order":[]},"model":"m","query":"q","documents":[{"text":"a","image":"x"}],"session_id":"s"}`: `{"model":"up","query":"q","documents":[{"text":"a","image":"x"}]}`,
	} {
		require.Equal(t, want, string(read(t, body).Splice(nil, "up")))
	}
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{`: "", asked + "x": "", "{\"model\":\"m\",\"query\":\"\xff\",\"documents\":[\"a\"]}": "", `{"model":"m","model":"m"}`: "",
		`{"model":"m","query":"q","documents":` + strings.Repeat("[", 20_000): "documents",
		`{"query":"q","documents":["a"]}`:                                     "model", `{"model":7,"query":"q","documents":["a"]}`: "model", `{"model":"` + strings.Repeat("m", 300) + `","query":"q","documents":["a"]}`: "model",
		`{"model":"m","documents":["a"]}`: "query", `{"model":"m","query":"","documents":["a"]}`: "query", `{"model":"m","query":["q"],"documents":["a"]}`: "query",
		`{"model":"m","query":"q"}`: "documents", `{"model":"m","query":"q","documents":[]}`: "documents", `{"model":"m","query":"q","documents":"a"}`: "documents",
		`{"model":"m","query":"q","documents":[7]}`: "documents", `{"model":"m","query":"q","documents":[null]}`: "documents",
		`{"model":"m","query":"q","documents":[` + strings.Repeat(`"a",`, 2048) + `"a"]}`: "documents",
		`{"model":"m","query":"q","documents":["a"],"top_n":0}`:                           "top_n", `{"model":"m","query":"q","documents":["a"],"top_n":1.5}`: "top_n",
		`{"model":"m","query":"q","Documents":["a"]}`: "documents",
	} {
		_, err := rerank.Read([]byte(body))
		var e *domain.Error
		require.ErrorAs(t, err, &e, "%.200s", body)
		require.Equal(t, domain.CodeInvalid, e.Code, "%.200s", body)
		if param != "documents" || !strings.Contains(body, "[[") { // where the nesting is too deep, it is no JSON
			require.Equal(t, param, e.Details["param"], "%.200s: %s", body, e.Message)
		}
	}
}

// TestPromptBound: the query is read with each of the documents, each time within the context.
func TestPromptBound(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(len(asked))+2*int64(len(`"q"`)), read(t, asked).PromptBound(1000))
	require.EqualValues(t, 30, read(t, asked).PromptBound(10))
	require.EqualValues(t, 3000, read(t, `{"model":"m","query":"q","documents":["a","b",{"image":"x"}]}`).PromptBound(1000))
	require.Equal(t, meter.Prompt{Text: "q\na\nb", Searches: 1}, read(t, `{"model":"m","query":"q","documents":["a",{"text":"b"}]}`).Prompt())
	require.Equal(t, chat.Extras{Searches: true}, read(t, asked).Extras())
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const used = `"usage":{"total_tokens":7,"search_units":2,"cost":0.002}`
	told := &chat.Told{ID: "gen-1", Model: "acme/m", Provider: "Acme"}
	bill := &chat.Bill{Usage: usage.Usage{usage.Input: 7, usage.Search: 2}, Cost: chat.Cost{Total: money.MustParse("0.002")}}
	for body, row := range map[string]struct {
		want   string
		report meter.Report
	}{
		` {"model":"up","results":[{"index":2,"relevance_score":0.50 }],"usage":{"total_tokens":7,"prompt_tokens":7}}`: {
			` {"model":"acme/m","results":[{"index":2,"relevance_score":0.50 }],` + used + `,"id":"gen-1","provider":"Acme"}`, meter.Report{Given: true, Prompt: 7},
		},
		`{"id":"up-1","results":[{"index":0,"relevance_score":1},{"index":1,"relevance_score":-1e-3}],"meta":{"billed_units":{"search_units":2},"tokens":{"input_tokens":9}}}`: {
			`{"id":"gen-1","results":[{"index":0,"relevance_score":1},{"index":1,"relevance_score":-1e-3}],"meta":{"billed_units":{"search_units":2},"tokens":{"input_tokens":9}},"model":"acme/m","provider":"Acme",` + used + `}`,
			meter.Report{Given: true, Prompt: 9, Media: usage.Usage{usage.Search: 2}},
		},
		`{"results":[{"index":0,"relevance_score":1}],"provider":"x","usage":{"prompt_tokens":3.5}}`: {
			`{"results":[{"index":0,"relevance_score":1}],"provider":"Acme",` + used + `,"id":"gen-1","model":"acme/m"}`, meter.Report{Given: true, Broken: true},
		},
		`{"results":[{"index":0,"relevance_score":1}],"usage":null}`: {
			`{"results":[{"index":0,"relevance_score":1}],` + used + `,"id":"gen-1","model":"acme/m","provider":"Acme"}`, meter.Report{},
		},
		`{"results":[{"index":0,"relevance_score":1}],"usage":{"total_tokens":99999999999999999999}}`: {
			`{"results":[{"index":0,"relevance_score":1}],` + used + `,"id":"gen-1","model":"acme/m","provider":"Acme"}`, meter.Report{Given: true, Broken: true, Prompt: math.MaxInt64},
		},
	} {
		a, err := read(t, asked).Answer([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, row.report, a.Report, body)
		require.Equal(t, row.want, string(a.Append(nil, told, bill)))
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `[]`, `<html>`, `{}`, `{"results":[]}`, `{"results":{}}`, `{"results":[{}]}`, `{"results":[{"index":3,"relevance_score":1}]}`, `{"results":[{"index":-1,"relevance_score":1}]}`,
		`{"results":[{"index":0,"relevance_score":"1"}]}`, `{"results":[{"relevance_score":1}]}`, `{"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":1}]}`,
		`{"results":[{"index":0,"relevance_score":1}]}x`,
	} {
		_, err := read(t, asked).Answer([]byte(body))
		require.Error(t, err, body)
	}
}

// FuzzRerank: what is taken is sent as JSON, and what a vendor answers comes out as JSON or as an error.
func FuzzRerank(f *testing.F) {
	f.Add([]byte(asked))
	f.Add([]byte(`{"provider":{},"documents":[{"text":"a"}],"query":"q","model":"m","top_n":2}`))
	f.Add([]byte(`{"id":"x","results":[{"index":1,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":1}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if q, err := rerank.Read(body); err == nil && !json.Valid(q.Splice(nil, "up")) {
			t.Fatalf("sent %q", q.Splice(nil, "up"))
		}
		a, err := read(t, asked).Answer(body)
		if err != nil || !json.Valid(body) {
			return
		}
		if got := a.Append(nil, &chat.Told{ID: "gen-1"}, &chat.Bill{Cost: chat.Cost{Total: money.MustParse("1")}}); !json.Valid(got) {
			t.Fatalf("%q", got)
		}
	})
}
