package audit

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDocumentsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       Documents
	}{
		{
			"all", `{"a":"x","n":12,"usage":{"input":1},"t":true,"line_items":[{"class":"input"}],"call":{"streamed":true},"z":"x"}`,
			Documents{[]byte(`{"input":1}`), []byte(`[{"class":"input"}]`), []byte(`{"streamed":true}`)},
		},
		{"a call only", `{"call":{"streamed":true,"app_title":"}"},"z":"x"}`, Documents{Call: []byte(`{"streamed":true,"app_title":"}"}`)}},
		{"no call", `{"usage":{"input":1},"z":"x"}`, Documents{}},
		{"empty", ``, Documents{}},
		{"a bracket", `{`, Documents{}},
		{"a space", `{ "call":{"streamed":true},"z":"x"}`, Documents{}},
		{"a space before the value", `{"call": {"streamed":true},"z":"x"}`, Documents{}},
		{"an escape before it", `{"a":"\"","call":{"streamed":true},"z":"x"}`, Documents{}},
		{"nothing after it", `{"call":{"streamed":true}}`, Documents{}},
		{"no end of a name", `{"call`, Documents{}},
		{"no value", `{"call":`, Documents{}},
		{"no end of a list", `{"line_items":[`, Documents{}},
		{"no number", `{"n":,"call":{"streamed":true},"z":"x"}`, Documents{}},
	} {
		require.Equal(t, c.want, documentsOf([]byte(c.body)), c.name)
	}
}

// TestDocumentsOfAnything: what is found lies in the body, and nothing fails.
func TestDocumentsOfAnything(t *testing.T) {
	t.Parallel()
	parts := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"`, `\`, `"usage"`, `"call"`, `"line_items"`, "1", " ", `,"`, `:{`, "x"})
	rapid.Check(t, func(t *rapid.T) {
		body := []byte("{")
		for _, part := range rapid.SliceOfN(parts, 0, 30).Draw(t, "parts") {
			body = append(body, part...)
		}
		d := documentsOf(body)
		for _, part := range [][]byte{d.Usage, d.LineItems, d.Call} {
			require.True(t, bytes.Contains(body, part))
		}
		require.True(t, d.Call != nil || d.Usage == nil && d.LineItems == nil)
	})
}
