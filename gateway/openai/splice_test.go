package openai_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/openai"
)

func TestSplice(t *testing.T) {
	t.Parallel()
	const (
		old   = openai.MaxTokens
		fresh = openai.MaxCompletionTokens
	)
	for name, row := range map[string]struct {
		body string
		up   openai.Upstream
		want string
	}{
		"cap of the platform": {
			`{"model":"a/b",` + hello + `}`,
			openai.Upstream{Model: "b-2026", CapField: old, Cap: 9},
			`{"model":"b-2026",` + hello + `,"max_tokens":9}`,
		},
		"every other byte stays": {
			"\t{ \"temperature\" : 1.0e+0,\r\n\"model\":\"a/b\" , \"x\":{\"y\":[1,2 ,\"\\u00e9\"]}, " + hello + ",\"max_tokens\": 5 }\n",
			openai.Upstream{Model: "b", CapField: old, Cap: 5},
			"\t{ \"temperature\" : 1.0e+0,\r\n\"model\":\"b\" , \"x\":{\"y\":[1,2 ,\"\\u00e9\"]}, " + hello + ",\"max_tokens\": 5 }\n",
		},
		"model's name is quoted": {
			`{"model":"a",` + hello + `,"max_tokens":5}`,
			openai.Upstream{Model: `b"?fault=cut`, CapField: old, Cap: 5},
			`{"model":"b\"?fault=cut",` + hello + `,"max_tokens":5}`,
		},
		"what is for the gateway only": {
			`{ "provider": {"only":["x"]} , "models" :["c"], "model":"a",` + hello + ` , "route":"fallback" }`,
			openai.Upstream{Model: "b", CapField: old, Cap: 5},
			`{   "model":"b",` + hello + `  ,"max_tokens":5}`,
		},
		"what is for the gateway only, at the end": {
			`{"model":"a",` + hello + `,"max_tokens":5,"provider":{},"models":[]}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 5},
			`{"model":"b",` + hello + `,"max_tokens":5}`,
		},
		"clamped": {
			`{"max_tokens":500,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 20},
			`{"max_tokens":20,"model":"b",` + hello + `}`,
		},
		"the vendor obeys the other name": {
			`{"max_tokens":500,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: fresh, Cap: 500},
			`{"max_completion_tokens":500,"model":"b",` + hello + `}`,
		},
		"the other name, clamped": {
			`{"max_completion_tokens":500,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 3},
			`{"max_tokens":3,"model":"b",` + hello + `}`,
		},
		"null cap": {
			`{"max_tokens":null,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 3},
			`{"max_tokens":3,"model":"b",` + hello + `}`,
		},
		"null cap under the other name": {
			`{"max_tokens":null,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: fresh, Cap: 3},
			`{"max_completion_tokens":3,"model":"b",` + hello + `}`,
		},
		"one null, one given": {
			`{"max_tokens":null,"max_completion_tokens":7,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 7},
			`{"max_tokens":7,"max_completion_tokens":null,"model":"b",` + hello + `}`,
		},
		"both, clamped": {
			`{"max_tokens":9,"max_completion_tokens":9,"model":"a",` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 7},
			`{"max_tokens":7,"max_completion_tokens":7,"model":"b",` + hello + `}`,
		},
		"usage asked for": {
			`{"model":"a","stream":true,` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,` + hello + `,"max_tokens":9,"stream_options":{"include_usage":true}}`,
		},
		"usage and a cap": {
			`{"model":"a","stream":true,` + hello + `}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,` + hello + `,"stream_options":{"include_usage":true},"max_tokens":9}`,
		},
		"usage beside other options": {
			`{"model":"a","stream":true,"stream_options":{ "include_obfuscation":false},` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,"stream_options":{"include_usage":true, "include_obfuscation":false},` + hello + `,"max_tokens":9}`,
		},
		"usage not wanted": {
			`{"model":"a","stream":true,"stream_options":{"x":1,"include_usage":false},` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,"stream_options":{"x":1,"include_usage":true},` + hello + `,"max_tokens":9}`,
		},
		"usage wanted already": {
			`{"model":"a","stream":true,"stream_options":{"include_usage":true},` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,"stream_options":{"include_usage":true},` + hello + `,"max_tokens":9}`,
		},
		"empty options": {
			`{"model":"a","stream":true,"stream_options":{ },` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,"stream_options":{"include_usage":true},` + hello + `,"max_tokens":9}`,
		},
		"null options": {
			`{"model":"a","stream":true,"stream_options":null,` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream":true,"stream_options":{"include_usage":true},` + hello + `,"max_tokens":9}`,
		},
		"options without a stream": {
			`{"model":"a","stream_options":{"include_usage":false},` + hello + `,"max_tokens":9}`,
			openai.Upstream{Model: "b", CapField: old, Cap: 9},
			`{"model":"b","stream_options":{"include_usage":false},` + hello + `,"max_tokens":9}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := read(t, row.body)
			require.Equal(t, row.want, string(q.Splice(nil, row.up)))
			again := read(t, row.want)
			require.Equal(t, row.up.Model, again.Model)
			require.Equal(t, row.up.Cap, again.Cap)
			require.Equal(t, row.want, string(again.Splice(nil, row.up)), "what was spliced stays as it is")
		})
	}
}
