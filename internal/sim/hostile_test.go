package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requests that are large or deep are answered or refused like any other.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	repeat := func(n int, item func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = item(i)
		}
		return strings.Join(list, ",")
	}
	numbered := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	const many = 20_000
	rows := map[string]map[string]string{
		"messages": {
			"tools": `"tools":[` + repeat(many, numbered(`{"name":"f%d","input_schema":{"type":"object"}}`)) + `]`,
			"calls": `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[` + repeat(many, numbered(`{"type":"tool_use","id":"t%d","name":"f","input":{}}`)) +
				`]},{"role":"user","content":[` + repeat(many, numbered(`{"type":"tool_result","tool_use_id":"t%d"}`)) + `]}]`,
		},
		"gemini": {
			"tools": `"tools":[{"functionDeclarations":[` + repeat(many, numbered(`{"name":"f%d"}`)) + `]}]`,
			"deep":  `"tools":[{"functionDeclarations":[{"name":"f","parameters":` + strings.Repeat(`{"items":`, 3000) + `{}` + strings.Repeat(`}`, 3000) + `}]}]`,
		},
		"responses": {
			"tools": `"tools":[` + repeat(many, numbered(`{"type":"function","name":"f%d"}`)) + `]`,
			"calls": `"input":[` + repeat(many, numbered(`{"type":"function_call","call_id":"c%d","name":"f","arguments":"{}"}`)) + `,` +
				repeat(many, numbered(`{"type":"function_call_output","call_id":"c%d","output":"r"}`)) + `]`,
		},
	}
	b := setup(t)
	for _, s := range speeches() {
		for name, more := range rows[s.name] {
			status, text, err := b.say(t, s, "m", false, more)
			require.NoError(t, err)
			require.Equal(t, 200, status, "%s %s: %.300s", s.name, name, text)
		}
		for name, more := range map[string]string{
			"nested too deep": `"metadata":` + strings.Repeat(`[`, 20_000),
			"a long name":     `"` + strings.Repeat("x", 1<<20) + `":1`,
			"a long text":     `"temperature":"` + strings.Repeat("x", 1<<20) + `"`,
		} {
			if s.name == "chat" && name == "a long name" {
				continue // what is unknown passes there
			}
			status, text, err := b.say(t, s, "m", false, more)
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, status, name)
			require.NotEmpty(t, s.errorKind(t, text))
			require.Less(t, len(text), 8192, "%s %s: little is said back", s.name, name)
		}
	}
}
