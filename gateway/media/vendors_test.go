package media_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/sse"
)

// asked is the request that an answer in testdata is to, by the model that its name begins with.
func asked(t *testing.T, file string) exchange.Incoming {
	t.Helper()
	stream := strings.HasSuffix(file, ".sse")
	in := exchange.Incoming{Dialect: chat.OpenAI}
	switch name := filepath.Base(file); {
	case strings.HasPrefix(name, "gpt-image"), strings.HasPrefix(name, "dall-e"):
		in.Operation, in.Body = exchange.Images, []byte(`{"model":"m","prompt":"p","stream":`+map[bool]string{true: "true", false: "false"}[stream]+`}`)
	case strings.Contains(name, "tts"):
		in.Operation, in.Body = exchange.Speech, []byte(`{"model":"m","input":"Hello","voice":"v"`+map[bool]string{true: `,"stream_format":"sse"`, false: ""}[stream]+`}`)
	case strings.HasPrefix(name, "whisper"), strings.Contains(name, "transcribe"):
		in.Operation, in.Boundary = exchange.Transcription, "x"
		in.Body = form("x", "model", "m", "stream", map[bool]string{true: "true", false: "false"}[stream])
	default:
		require.Fail(t, "nobody asks for "+name)
	}
	return in
}

// TestVendorsUsage reads answers in the shapes that vendors send, whole and as streams. To add a case, put an answer and its usage into
// testdata, and say in asked what it is the answer to.
func TestVendorsUsage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.want")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			var want usage.Usage
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(content, &want))
			path := strings.TrimSuffix(file, ".want")
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			report := reported(t, asked(t, path), body, strings.HasSuffix(path, ".sse"))
			pieces := report.Media[usage.Image]+report.Media[usage.Character] > 0
			require.True(t, report.Given || pieces)
			report.Given = true // pieces are counted by themselves
			require.Empty(t, report.Absurd(meter.Bounds{Context: 1 << 20, Prompt: 1 << 20, Completion: 1 << 20}, true))
			require.Equal(t, want, report.Usage())
			require.Equal(t, report.Prompt, report.Usage().Prompt(), "the parts add up")
			require.Equal(t, report.Completion, report.Usage().Completion(), "the parts add up")
		})
	}
}

// reported is the last word of a vendor's answer about its usage.
func reported(t *testing.T, in exchange.Incoming, body []byte, stream bool) meter.Report {
	t.Helper()
	var set exchange.Set
	q, err := set.Read(in)
	require.NoError(t, err)
	defer q.Close()
	x, err := q.With(chat.OpenAI, &chat.Told{ID: "gen-1", Model: "m", Provider: "P"})
	require.NoError(t, err)
	var p meter.Produced
	if !stream {
		step, err := x.Whole(body, &p)
		require.NoError(t, err)
		require.Nil(t, step.Failure)
		require.True(t, step.Final)
		return step.Report
	}
	events := sse.NewEvents(bytes.NewReader(body), nil, 1<<20)
	for {
		name, data, err := events.Next()
		require.NoError(t, err, "the stream has no end")
		_, step, err := x.Chunk(nil, string(name), data, &p)
		require.NoError(t, err, "%s", data)
		require.Nil(t, step.Failure)
		if step.Done {
			return step.Report
		}
	}
}
