package sim_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func (b *bundle) utter(t *testing.T, body string) (*http.Response, string) {
	t.Helper()
	return b.send(t, http.MethodPost, "/v1/audio/speech", body, "Authorization", "Bearer "+apiKey, "Content-Type", "application/json")
}

// listen sends a form with a file and fields, name and value in turns.
func (b *bundle) listen(t *testing.T, file string, fields ...string) (*http.Response, string) {
	t.Helper()
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + file + "\r\n"
	for i := 0; i+1 < len(fields); i += 2 {
		body += fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", fields[i], fields[i+1])
	}
	return b.send(t, http.MethodPost, "/v1/audio/transcriptions", body+"--x--\r\n", "Authorization", "Bearer "+apiKey, "Content-Type", "multipart/form-data; boundary=x")
}

// TestSpeech: the same sound as such and in events, billed by characters or tokens, as the model is.
func TestSpeech(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer, whole := b.utter(t, `{"model":"gpt-4o-mini-tts","input":"Zoë said so","voice":"alloy"}`)
	require.Equal(t, 200, answer.StatusCode)
	require.Equal(t, "audio/mpeg", answer.Header.Get("Content-Type"))
	require.Len(t, whole, 3+17*48)
	answer, text := b.utter(t, `{"model":"gpt-4o-mini-tts","input":"Zoë said so","voice":"alloy","stream_format":"sse"}`)
	require.Equal(t, 200, answer.StatusCode)
	var sound []byte
	for event := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var e struct{ Type, Audio string }
		parse(t, strings.TrimPrefix(event, "data: "), &e)
		raw, err := base64.StdEncoding.DecodeString(e.Audio)
		require.NoError(t, err)
		sound = append(sound, raw...)
	}
	require.Equal(t, whole, string(sound))
	require.Contains(t, text, `"usage":{"input_tokens":3,"output_tokens":17,"total_tokens":20}`)
	answer, _ = b.utter(t, `{"model":"tts-1","input":"Zoë","voice":"alloy","response_format":"wav","speed":2}`)
	require.Equal(t, "audio/wav", answer.Header.Get("Content-Type"))
	require.Equal(t, sim.Row{
		Calls: 3, Completed: 3, Streamed: 1, Reported: sim.Usage{Prompt: 3, Completion: 17, Characters: 14}, Unreported: sim.Usage{Prompt: 3, Completion: 17, Characters: 11},
	}, b.Totals().Dialects["speech"])
}

func TestSpeechBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{
		`{"input":"a","voice":"v"}`: "'model'", `{"model":"m","voice":"v"}`: "'input'", `{"model":"m","input":"a"}`: "'voice'", `{"model":"m","input":"","voice":"v"}`: "input",
		`{"model":"m","input":"` + strings.Repeat("a", 4097) + `","voice":"v"}`: "4096", `{"model":"m","input":"a","voice":"v","speed":5}`: "speed",
		`{"model":"m","input":"a","voice":"v","response_format":"midi"}`: "response_format", `{"model":"tts-1","input":"a","voice":"v","stream_format":"sse"}`: "sse",
		`{"model":"m","input":"a","voice":"v","provider":{}}`: "provider",
	} {
		answer, text := b.utter(t, body)
		require.Equal(t, 400, answer.StatusCode, "%.80s", body)
		require.Contains(t, text, says, "%.80s", body)
	}
}

// TestTranscriptions: billed by seconds or tokens, as the model is.
func TestTranscriptions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := strings.Repeat("a", 6000)
	_, text := b.listen(t, file, "model", "whisper-1")
	require.Contains(t, text, `"usage":{"type":"duration","seconds":2}`)
	for format, says := range map[string]string{"text": "", "srt": "00:00:00,000 --> ", "vtt": "WEBVTT"} {
		answer, text := b.listen(t, file, "model", "whisper-1", "response_format", format)
		require.Equal(t, "text/plain; charset=utf-8", answer.Header.Get("Content-Type"))
		require.Contains(t, text, says)
	}
	_, text = b.listen(t, file, "model", "gpt-4o-transcribe?tokens=3", "stream", "true", "prompt", "Zoë")
	require.Equal(t, 3, strings.Count(text, "transcript.text.delta"))
	require.Contains(t, text, `"usage":{"type":"tokens","input_tokens":21,"input_token_details":{"text_tokens":1,"audio_tokens":20},"output_tokens":3,"total_tokens":24}`)
	require.Equal(t, sim.Row{
		Calls: 5, Completed: 5, Streamed: 1, Reported: sim.Usage{Prompt: 21, Sound: 20, Completion: 3, Seconds: 2}, Unreported: sim.Usage{Seconds: 6},
	}, b.Totals().Dialects["transcriptions"])
}

func TestTranscriptionsBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, row := range []struct {
		fields []string
		says   string
	}{
		{nil, "'model'"},
		{[]string{"model", "m", "response_format", "srt"}, "not compatible"},
		{[]string{"model", "whisper-1", "stream", "true"}, "stream"},
		{[]string{"model", "m", "response_format", "xml"}, "response_format"},
		{[]string{"model", "m", "provider", "{}"}, "provider"},
		{[]string{"model", "m", "model", "n"}, "Duplicate"},
	} {
		answer, text := b.listen(t, "abc", row.fields...)
		require.Equal(t, 400, answer.StatusCode, "%v", row.fields)
		require.Contains(t, text, row.says, "%v", row.fields)
	}
	answer, text := b.listen(t, "", "model", "m")
	require.Equal(t, 400, answer.StatusCode)
	require.Contains(t, text, "file format")
	answer, _ = b.send(t, http.MethodPost, "/v1/audio/transcriptions", "{}", "Authorization", "Bearer "+apiKey, "Content-Type", "application/json")
	require.Equal(t, 400, answer.StatusCode)
}
