package inference_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
)

// formOf has a file of so many bytes, and a model.
func formOf(model string, size int, more string) string {
	return "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + strings.Repeat("a", size) +
		"\r\n--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + model + "\r\n" + more + "--x--\r\n"
}

// transcribe sends a form.
func (k chatKit) transcribe(t *testing.T, path, body, kind string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+k.Secret)
	req.Header.Set("Content-Type", kind)
	return k.send(t, req)
}

const formKind = "multipart/form-data; boundary=x"

// TestImagesAndSpeechAreAnswered at both addresses, for the cost that the charge says.
func TestImagesAndSpeechAreAnswered(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"/v1", "/api/v1"} {
		k := newChat(t, inference.CallOptions{})
		r := k.ask(t, root+"/images/generations", `{"model":"`+k.Does(k.Model(gatewaytest.Canceller, ""), "image")+`","prompt":"a"}`)
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.Contains(t, r.body, `"cost":`+k.Only().Charge.String())

		k = newChat(t, inference.CallOptions{})
		model := k.Does(k.Model(gatewaytest.Canceller, ""), "speech")
		r = k.ask(t, root+"/audio/speech", `{"model":"`+model+`","input":"Hello, you there.","voice":"alloy","response_format":"opus"}`)
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, "audio/ogg", r.header.Get("Content-Type"))
		require.Equal(t, "gen-"+k.Only().HoldID.String(), r.header.Get("X-Generation-Id"))
		require.True(t, strings.HasPrefix(r.body, "OggS"))
		require.EqualValues(t, 17, k.Only().Usage[usage.Character])
	}
}

// TestTranscriptionsAreAnswered at both addresses, each form in its media type.
func TestTranscriptionsAreAnswered(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"/v1", "/api/v1"} {
		for format, media := range map[string]string{"json": "application/json", "vtt": "text/vtt; charset=utf-8"} {
			k := newChat(t, inference.CallOptions{})
			model := k.Does(k.Model(gatewaytest.Canceller, ""), "transcription")
			k.Catalog.Change(func(p *gateway.Picture) {
				e := p.Endpoints[model+"@"+gatewaytest.Canceller]
				e.UpstreamModel = "whisper-1"
				p.Endpoints[e.ID] = e
			})
			more := "--x\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\n" + format + "\r\n"
			r := k.transcribe(t, root+"/audio/transcriptions", formOf(model, 8000, more), formKind)
			require.Equal(t, http.StatusOK, r.status, r.body)
			require.Equal(t, media, r.header.Get("Content-Type"))
			if format == "json" {
				require.EqualValues(t, 2, k.Only().Usage[usage.Second])
				continue
			}
			require.EqualValues(t, 2*17, k.Only().Usage[usage.AudioInput], "estimated in what costs here")
		}
	}
}

// TestFormsAreBounded by their bytes, whether or not they say how many, and leave nothing on a disk.
func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	before, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	const limit = 200_000
	k := newChat(t, inference.CallOptions{MaxBody: 1000, MaxUpload: limit})
	model := k.Does(k.Model(gatewaytest.Canceller, ""), "transcription")
	for _, size := range []int{limit, 50 * limit} {
		for _, declared := range []bool{true, false} {
			body := formOf(model, size, "")
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+"/v1/audio/transcriptions", strings.NewReader(body))
			require.NoError(t, err)
			if !declared {
				req.Body, req.ContentLength = http.NoBody, -1
				req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+"/v1/audio/transcriptions", withoutLength(body))
				require.NoError(t, err)
			}
			req.Header.Set("Authorization", "Bearer "+k.Secret)
			req.Header.Set("Content-Type", formKind)
			r := k.send(t, req)
			require.Equal(t, http.StatusRequestEntityTooLarge, r.status, "%.300s", r.body)
			require.Contains(t, r.body, fmt.Sprintf("at most %d bytes", limit))
		}
	}
	require.Empty(t, k.History().Placed)
	r := k.transcribe(t, "/v1/audio/transcriptions", formOf(model, limit-1000, ""), formKind)
	require.Equal(t, http.StatusOK, r.status, r.body)
	after, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	known := map[string]bool{}
	for _, e := range before {
		known[e.Name()] = true
	}
	for _, e := range after {
		require.False(t, !known[e.Name()] && strings.HasPrefix(e.Name(), "multipart-"), e.Name())
	}
}

// TestFormErrors are said in OpenAI's shape, and nothing is held for them.
func TestFormErrors(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	talks := k.Model(gatewaytest.Canceller, "")
	for _, row := range []struct {
		body, kind string
		status     int
		says       string
	}{
		{formOf(talks, 10, ""), formKind, 400, `"param":"model"`},
		{formOf("acme/none", 10, ""), formKind, 404, `"error_type":"model_not_found"`},
		{formOf("acme/none", 0, ""), formKind, 400, `"param":"file"`},
		{formOf("acme/none", 10, ""), "multipart/form-data; boundary=y", 400, "no form"},
		{formOf("acme/none", 10, ""), "multipart/form-data", 415, "boundary"},
		{`{"model":"acme/none"}`, "application/json", 415, "multipart/form-data"},
	} {
		r := k.transcribe(t, "/v1/audio/transcriptions", row.body, row.kind)
		require.Equal(t, row.status, r.status, "%s", r.body)
		require.Contains(t, r.body, row.says)
		require.Contains(t, r.body, `"type":"invalid_request_error"`)
	}
	require.Empty(t, k.History().Placed)
}

// TestSoundThatBreaksOffEndsTheConnection: no client takes it for a whole.
func TestSoundThatBreaksOffEndsTheConnection(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	model := k.Does(k.Model(gatewaytest.Canceller, "tokens=4000&fault=cut&after=3900"), "speech")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+"/v1/audio/speech",
		strings.NewReader(`{"model":"`+model+`","input":"a","voice":"alloy"}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+k.Secret)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var got strings.Builder
	buffer := make([]byte, 32<<10)
	for err == nil {
		var n int
		n, err = resp.Body.Read(buffer)
		got.Write(buffer[:n])
	}
	require.ErrorContains(t, err, "unexpected EOF")
	require.Positive(t, got.Len())
	require.NotEmpty(t, k.OnlyReleased().Reason)
}
