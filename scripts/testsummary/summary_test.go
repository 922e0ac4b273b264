package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events     []string
		failOnSkip bool
		want       string
		err        string
		shown      string
	}{
		"all pass": {
			events: []string{`{"Action":"pass","Package":"p","Test":"A"}`, `{"Action":"pass","Package":"p","Test":"A/x"}`, `{"Action":"pass","Package":"p","Elapsed":1.25}`},
			want:   "2 passed, 0 failed, 0 skipped\n", shown: "ok    p (1.2s)",
		},
		"a failing test shows its output": {
			events: []string{
				`{"Action":"output","Package":"p","Test":"A","Output":"kept quiet\n"}`, `{"Action":"pass","Package":"p","Test":"A"}`,
				`{"Action":"output","Package":"p","Test":"B","Output":"the reason\n"}`, `{"Action":"fail","Package":"p","Test":"B"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: "1 passed, 1 failed, 0 skipped\n", err: "tests failed: [p.B]", shown: "the reason",
		},
		"a package that does not build": {
			events: []string{
				`{"Action":"pass","Package":"q","Test":"A"}`,
				`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: broken\n"}`, `{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			},
			want: "1 passed, 1 failed, 0 skipped\n", err: "tests failed: [p]", shown: "p.go:1: broken",
		},
		"a skipped test": {
			events: []string{`{"Action":"pass","Package":"p","Test":"A"}`, `{"Action":"skip","Package":"p","Test":"B"}`, `{"Action":"skip","Package":"empty"}`},
			want:   "1 passed, 0 failed, 1 skipped\n",
		},
		"a skipped test in CI": {
			events:     []string{`{"Action":"pass","Package":"p","Test":"A"}`, `{"Action":"skip","Package":"p","Test":"B"}`},
			failOnSkip: true,
			want:       "1 passed, 0 failed, 1 skipped\n", err: "tests were skipped: [p.B]",
		},
		"nothing ran": {want: "0 passed, 0 failed, 0 skipped\n", err: "no test ran"},
		"a message of the go command": {
			events: []string{`go: no such module`, `{"Action":"pass","Package":"p","Test":"A"}`},
			want:   "1 passed, 0 failed, 0 skipped\n", shown: "go: no such module",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, progress strings.Builder
			err := run(strings.NewReader(strings.Join(test.events, "\n")), &out, &progress, test.failOnSkip)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.err)
			}
			require.Equal(t, test.want, out.String())
			require.Contains(t, progress.String(), test.shown)
			require.NotContains(t, progress.String(), "kept quiet")
		})
	}
}

// TestFailuresComeLast: shortened, and not without bounds.
func TestFailuresComeLast(t *testing.T) {
	t.Parallel()
	var out, progress strings.Builder
	var events []string
	for i := range 12 {
		name := string(rune('A' + i))
		for line := range 40 {
			events = append(events, fmt.Sprintf(`{"Action":"output","Package":"p","Test":%q,"Output":"%s line %d\n"}`, name, name, line))
		}
		events = append(events, fmt.Sprintf(`{"Action":"fail","Package":"p","Test":%q}`, name))
	}
	events = append(events, `{"Action":"pass","Package":"q","Elapsed":1}`)
	require.Error(t, run(strings.NewReader(strings.Join(events, "\n")), &out, &progress, false))
	_, end, found := strings.Cut(progress.String(), "ok    q (1.0s)\n")
	require.True(t, found)
	require.Contains(t, end, "FAIL  p A (0.0s)\nA line 0\n")
	require.Contains(t, end, "J line 28\n…\nand 2 more\n")
	require.NotContains(t, end, "line 29")
	require.NotContains(t, end, "K line")
}
