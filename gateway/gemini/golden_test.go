package gemini_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
)

var update = flag.Bool("update", false, "write what is read from the recorded shapes into their golden files")

// golden compares with the golden file of a recorded shape.
func golden(t *testing.T, recorded string, got any) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(got))
	name := strings.TrimSuffix(recorded, filepath.Ext(recorded)) + ".golden"
	if *update {
		require.NoError(t, os.WriteFile(name, text.Bytes(), 0o600))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
}

// recorded runs a test on each recorded shape of a folder.
func recorded(t *testing.T, pattern string, test func(t *testing.T, name string, content []byte)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			test(t, name, content)
		})
	}
}

func TestGoldenAnswers(t *testing.T) {
	t.Parallel()
	recorded(t, "answers/*.json", func(t *testing.T, name string, content []byte) {
		t.Helper()
		a, err := gemini.Reader{}.Answer(content)
		require.NoError(t, err)
		golden(t, name, a)
	})
}

func TestGoldenFailures(t *testing.T) {
	t.Parallel()
	recorded(t, "failures/*.json", func(t *testing.T, name string, content []byte) {
		t.Helper()
		f := gemini.Reader{}.Failure(content)
		require.NotNil(t, f)
		golden(t, name, f)
		_, err := gemini.Reader{}.Answer(content)
		require.Error(t, err, "a failure is no answer")
	})
}

// line is how an event stands in a golden file.
type line struct {
	Kind  string
	Event chat.Event
}

func TestGoldenStreams(t *testing.T) {
	t.Parallel()
	kinds := []string{"", "Began", "PartBegan", "PartDelta", "PartEnded", "Finished", "Reported", "Ended", "Broken"}
	recorded(t, "streams/*.sse", func(t *testing.T, name string, content []byte) {
		t.Helper()
		var lines []line
		for _, e := range decode(t, content) {
			lines = append(lines, line{kinds[e.Kind], e})
		}
		golden(t, name, lines)
	})
}

// decode reads a stream to its end as Google's own clients do, who take nothing but data, and holds it against the contract
// of chat.EventKind.
func decode(t require.TestingT, stream []byte) []chat.Event {
	d := gemini.Reader{}.Stream()
	var all []chat.Event
	for event := range strings.SplitSeq(strings.TrimRight(string(stream), "\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		require.True(t, ok, "%q", event)
		require.NotContains(t, data, "\n")
		events, err := d.Decode("", []byte(data), nil)
		require.NoError(t, err)
		all = append(all, events...)
	}
	all = append(all, d.End(nil)...)
	requireOrder(t, all)
	return all
}
