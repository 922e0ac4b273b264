package embedding_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/embedding"
)

func read(tb testing.TB, d chat.Dialect, body string, single bool) *embedding.Request {
	tb.Helper()
	q, err := embedding.Read(d, []byte(body), single)
	require.NoError(tb, err, "%s", body)
	return q
}

func sent(tb testing.TB, q *embedding.Request, vendor chat.Dialect, drop bool) string {
	tb.Helper()
	body, err := q.Append(nil, vendor, "up-1", drop)
	require.NoError(tb, err)
	return string(body)
}

// TestThroughChangesTheModelOnly: for a vendor of the same form all bytes stay but the model's name, and what is for the gateway goes.
func TestThroughChangesTheModelOnly(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		dialect    chat.Dialect
		single     bool
		body, want string
	}{
		{chat.OpenAI, false, ` {"input" : "a\u0062" , "model":"acme/m","dimensions": 8,"odd":{"x":[1.0]}} `, ` {"input" : "a\u0062" , "model":"up-1","dimensions": 8,"odd":{"x":[1.0]}} `},
		{chat.OpenAI, false, `{"provider":{"order":["a"]},"model":"m","input":[[1,2],[3]],"session_id":"s"}`, `{"model":"up-1","input":[[1,2],[3]]}`},
		{chat.Gemini, true, `{"content":{"parts":[{"text":"a"}]},"model":"models/acme/m","taskType":"SEMANTIC_SIMILARITY"}`, `{"content":{"parts":[{"text":"a"}]},"model":"models/up-1","taskType":"SEMANTIC_SIMILARITY"}`},
		{chat.Gemini, true, `{"content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},"provider":{}}`, `{"content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}`},
		{chat.Gemini, false, `{"requests":[{"model":null,"content":{"parts":[{"text":"a"}]}}, { "content":{"parts":{"text":"b"}}}]}`, `{"requests":[{"model":"models/up-1","content":{"parts":[{"text":"a"}]}}, {"model":"models/up-1", "content":{"parts":{"text":"b"}}}]}`},
	} {
		require.Equal(t, row.want, sent(t, read(t, row.dialect, row.body, row.single), row.dialect, false))
	}
}

// TestTranslation: each form in the other's words.
func TestTranslation(t *testing.T) {
	t.Parallel()
	q := read(t, chat.OpenAI, `{"model":"m","input":["a\n","b"],"dimensions":8,"encoding_format":"base64","input_type":"search_query"}`, false)
	require.Equal(t, `{"requests":[{"model":"models/up-1","content":{"parts":[{"text":"a\n"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":8},`+ //nolint:testifylint // the bytes matter
		`{"model":"models/up-1","content":{"parts":[{"text":"b"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":8}]}`, sent(t, q, chat.Gemini, false))
	q = read(t, chat.Gemini, `{"content":{"parts":[{"text":"a"}]},"output_dimensionality":8}`, true)
	require.Equal(t, `{"model":"up-1","input":["a"],"encoding_format":"float","dimensions":8}`, sent(t, q, chat.OpenAI, false)) //nolint:testifylint // the bytes matter
	q = read(t, chat.Gemini, `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`, false)
	require.Equal(t, `{"model":"up-1","input":["a","b"],"encoding_format":"float"}`, sent(t, q, chat.OpenAI, false)) //nolint:testifylint // the bytes matter
	require.Equal(t, 2, q.Inputs())
}

// TestWhatCannotBeSaid is refused by name; parameters can be left out, inputs never.
func TestWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		dialect     chat.Dialect
		single      bool
		body, param string
		drops       bool
	}{
		{chat.OpenAI, false, `{"model":"m","input":"a","user":"u"}`, "user", true},
		{chat.OpenAI, false, `{"model":"m","input":"a","input_type":"odd"}`, "input_type", true},
		{chat.OpenAI, false, `{"model":"m","input":"a","other":1}`, "other", true},
		{chat.OpenAI, false, `{"model":"m","input":[1,2]}`, "input", false},
		{chat.OpenAI, false, `{"model":"m","input":["a",[1]]}`, "input[1]", false},
		{chat.OpenAI, false, `{"model":"m","input":[{"content":[{"type":"text","text":"a"}]}]}`, "input[0]", false},
		{chat.Gemini, true, `{"content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY"}`, "taskType", true},
		{chat.Gemini, true, `{"content":{"parts":[{"text":"a"}]},"title":"x"}`, "title", true},
		{chat.Gemini, false, `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"a"}]},"outputDimensionality":3}]}`, "requests[1].outputDimensionality", true},
		{chat.Gemini, false, `{"requests":[{"content":{"parts":[{"text":"a"}]}}],"odd":1}`, "odd", true},
		{chat.Gemini, true, `{"content":{"parts":[{"text":"a"},{"text":"b"}]}}`, "content", false},
		{chat.Gemini, false, `{"requests":[{"content":{"parts":[{"inlineData":{}}]}}]}`, "requests[0].content", false},
	} {
		vendor := chat.Gemini
		if row.dialect == chat.Gemini {
			vendor = chat.OpenAI
		}
		q := read(t, row.dialect, row.body, row.single)
		_, err := q.Append(nil, vendor, "up-1", false)
		refused(t, err, row.param, row.body)
		if _, err = q.Append(nil, vendor, "up-1", true); row.drops {
			require.NoError(t, err)
		} else {
			refused(t, err, row.param, row.body)
		}
	}
}

func refused(tb testing.TB, err error, param, body string) {
	tb.Helper()
	var e *domain.Error
	require.ErrorAs(tb, err, &e, "%.200s", body)
	require.Equal(tb, domain.CodeInvalid, e.Code, "%.200s", body)
	require.Equal(tb, param, e.Details["param"], "%.200s: %s", body, e.Message)
}

// TestHostileRequests are refused before anything is held, with the name of what is wrong.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000)
	for body, param := range map[string]string{
		``: "", `[]`: "", `"a"`: "", `{`: "", `{"model":"m","input":"a"}x`: "", "{\"model\":\"m\",\"input\":\"\xff\"}": "",
		`{"model":"m","model":"n","input":"a"}`: "", `{"model":"m","input":` + deep: "",
		`{"input":"a"}`: "model", `{"model":"","input":"a"}`: "model", `{"model":7,"input":"a"}`: "model", `{"model":null,"input":"a"}`: "model",
		`{"model":"` + strings.Repeat("m", 300) + `","input":"a"}`: "model",
		`{"Model":"m","model":"m","input":"a"}`:                    "model",
		`{"model":"m","Input":"a"}`:                                "input",
		`{"model":"m"}`:                                            "input", `{"model":"m","input":[]}`: "input", `{"model":"m","input":""}`: "input[0]", `{"model":"m","input":null}`: "input[0]",
		`{"model":"m","input":["a",""]}`: "input[1]", `{"model":"m","input":["a",null]}`: "input[1]", `{"model":"m","input":["a",true]}`: "input[1]",
		`{"model":"m","input":["a",1]}`: "input", `{"model":"m","input":[1,"a"]}`: "input", `{"model":"m","input":[[]]}`: "input[0]",
		`{"model":"m","input":[1.5]}`: "input[0]", `{"model":"m","input":[[-1]]}`: "input[0][0]", `{"model":"m","input":[["a"]]}`: "input[0][0]",
		`{"model":"m","input":[{"content":[]}]}`: "input[0].content", `{"model":"m","input":[{}]}`: "input[0].content",
		`{"model":"m","input":[{"content":[` + strings.Repeat(`{"type":"text","text":"a"},`, 64) + `{}]}]}`: "input[0].content",
		`{"model":"m","input":[` + strings.Repeat(`"a",`, 2048) + `"a"]}`:                                   "input",
		`{"model":"m","input":"a","encoding_format":"hex"}`:                                                 "encoding_format",
		`{"model":"m","input":"a","dimensions":0}`:                                                          "dimensions", `{"model":"m","input":"a","dimensions":1.5}`: "dimensions",
		`{"model":"m","input":"a","dimensions":99999999999999999999}`: "dimensions",
	} {
		_, err := embedding.Read(chat.OpenAI, []byte(body), false)
		refused(t, err, param, body)
	}
	for body, param := range map[string]string{
		``: "", `[]`: "", `{}`: "content", `{"content":{}}`: "content", `{"content":"a"}`: "content", `{"content":{"parts":[]}}`: "content",
		`{"content":{"parts":[{}]}}`: "content", `{"content":{"parts":[{"text":null}]}}`: "content", `{"content":{"parts":[{"text":7}]}}`: "content",
		`{"content":{"parts":[` + strings.Repeat(`{"text":"a"},`, 64) + `{"text":"a"}]}}`: "content",
		`{"content":{"parts":[{"text":"a"}]},"outputDimensionality":-1}`:                  "outputDimensionality",
		`{"content":{"parts":[{"text":"a"}]},"content":{"parts":[{"text":"b"}]}}`:         "",
	} {
		_, err := embedding.Read(chat.Gemini, []byte(body), true)
		refused(t, err, param, body)
	}
	one := `{"content":{"parts":[{"text":"a"}]}}`
	for body, param := range map[string]string{
		`{}`: "requests", `{"requests":[]}`: "requests", `{"requests":{}}`: "requests", `{"requests":["a"]}`: "requests[0]", `{"requests":[{}]}`: "requests[0].content",
		`{"requests":[` + strings.Repeat(one+",", 2048) + one + `]}`: "requests",
	} {
		_, err := embedding.Read(chat.Gemini, []byte(body), false)
		refused(t, err, param, body)
	}
}

// TestPromptBound: a byte is at most a token, and each input at most the context.
func TestPromptBound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1000)
	for body, want := range map[string]int64{
		`{"model":"m","input":"a"}`:                               25,
		`{"model":"m","input":"` + long + `"}`:                    100,
		`{"model":"m","input":["` + long + `","` + long + `"]}`:   200,
		`{"model":"m","input":[{"content":[{"type":"file"}]}]}`:   100,
		`{"model":"m","input":[1,2,3],"provider":{"order":[]}}  `: 55,
		`{"model":"m","input":[{"content":[{"type":"image_url","image_url":{"url":"` + long + `"}}]},"a","a","a","a","a","a","a","a","a","a"]}`: 111 + 70,
	} {
		require.Equal(t, want, read(t, chat.OpenAI, body, false).PromptBound(100, 70), "%.60s", body)
	}
	require.EqualValues(t, 100, read(t, chat.Gemini, `{"content":{"parts":[{"fileData":{}}]}}`, true).PromptBound(100, 70))
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","input":"a\u0062"}`:     "ab\n/0/0",
		`{"model":"m","input":["a","b"]}`:     "a\nb\n/0/0",
		`{"model":"m","input":[1,2,3]}`:       "/3/0",
		`{"model":"m","input":[[1,2],[3,4]]}`: "/4/0",
		`{"model":"m","input":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]}`: "a\n/0/1",
	} {
		p := read(t, chat.OpenAI, body, false).Prompt()
		require.Equal(t, want, fmt.Sprintf("%s/%d/%d", p.Text, p.Tokens, p.Images))
	}
	require.Equal(t, "a\nb\n", read(t, chat.Gemini, `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`, false).Prompt().Text)
}

func TestSteering(t *testing.T) {
	t.Parallel()
	q := read(t, chat.OpenAI, `{"model":"m","input":"a","provider":{"order":["x"]}}`, false)
	require.JSONEq(t, `{"order":["x"]}`, string(q.Provider))
	q = read(t, chat.Gemini, `{"content":{"parts":[{"text":"a"}]},"provider":{"order":["x"]}}`, true)
	require.JSONEq(t, `{"order":["x"]}`, string(q.Provider))
}
