package media_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
)

func told() *chat.Told { return &chat.Told{ID: "gen-1", Model: "acme/m", Provider: "Acme"} }

func bill(u usage.Usage) *chat.Bill {
	return &chat.Bill{Usage: u, Cost: chat.Cost{Total: money.MustParse("0.002")}}
}

// refused checks that a request is invalid because of a parameter.
func refused(t *testing.T, err error, param, body string) {
	t.Helper()
	var e *domain.Error
	require.ErrorAs(t, err, &e, "%.200s", body)
	require.Equal(t, domain.CodeInvalid, e.Code, "%.200s", body)
	require.Equal(t, param, e.Details["param"], "%.200s: %s", body, e.Message)
	require.Less(t, len(e.Message), 300)
}

// TestDrawingSplice: all bytes stay but those of the model, and what is for the gateway goes.
func TestDrawingSplice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		` {"model" : "acme/m","prompt":"p","n": 2,"odd":1.0} `:                ` {"model" : "up","prompt":"p","n": 2,"odd":1.0} `,
		`{"provider":{"order":[]},"model":"m","prompt":"p","session_id":"s"}`: `{"model":"up","prompt":"p"}`,
	} {
		q, err := media.ReadDrawing([]byte(body))
		require.NoError(t, err)
		require.Equal(t, want, string(q.Splice(nil, "up")))
	}
}

func TestHostileDrawings(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{`: "", `{"model":"m","prompt":"p"}x`: "", "{\"model\":\"m\",\"prompt\":\"\xff\"}": "", `{"model":"m","model":"m"}`: "",
		`{"prompt":"p"}`: "model", `{"model":7,"prompt":"p"}`: "model", `{"model":"` + strings.Repeat("m", 300) + `","prompt":"p"}`: "model",
		`{"model":"m"}`: "prompt", `{"model":"m","prompt":""}`: "prompt", `{"model":"m","prompt":["p"]}`: "prompt", `{"model":"m","prompt":null}`: "prompt",
		`{"model":"m","prompt":"p","n":0}`: "n", `{"model":"m","prompt":"p","n":11}`: "n", `{"model":"m","prompt":"p","n":1.5}`: "n",
		`{"model":"m","prompt":"p","n":2,"stream":true}`: "n", `{"model":"m","prompt":"p","stream":"yes"}`: "stream", `{"model":"m","prompt":"p","partial_images":4}`: "partial_images",
		`{"model":"m","prompt":"p","response_format":"file"}`: "response_format", `{"model":"m","prompt":"p","N":9}`: "n", `{"model":"m","prompt":"p","plugins":[{}]}`: "plugins",
		`{"model":"m","prompt":"p","size":7}`: "size",
	} {
		_, err := media.ReadDrawing([]byte(body))
		refused(t, err, param, body)
	}
}

// TestDrawnAnswers: the vendor's bytes stay, but for the usage and the names.
func TestDrawnAnswers(t *testing.T) {
	t.Parallel()
	q, err := media.ReadDrawing([]byte(`{"model":"m","prompt":"p","n":2}`))
	require.NoError(t, err)
	const used = `"usage":{"input_tokens":9,"input_tokens_details":{"text_tokens":5,"image_tokens":4},"output_tokens":30,"total_tokens":39,"images":2,"cost":0.002}`
	paid := bill(usage.Usage{usage.Input: 5, usage.ImageInput: 4, usage.ImageOutput: 30, usage.Image: 2})
	for body, want := range map[string]string{
		` {"created":1,"data":[{"b64_json":"AA==" },{"url":"u"}]} `:                          ` {"created":1,"data":[{"b64_json":"AA==" },{"url":"u"}],"id":"gen-1","model":"acme/m","provider":"Acme",` + used + `} `,
		`{"usage":null,"data":[{"url":"u","b64_json":"AA=="}],"id":"x","model":"up","a":{}}`: `{` + used + `,"data":[{"url":"u","b64_json":"AA=="}],"id":"gen-1","model":"acme/m","a":{},"provider":"Acme"}`,
	} {
		a, err := q.Answer([]byte(body), new(meter.Produced))
		require.NoError(t, err, body)
		require.Equal(t, want, string(a.Append(nil, told(), paid)))
		require.True(t, json.Valid([]byte(want)))
	}
	for _, body := range []string{
		``, `7`, `[]`, `{}`, `{"data":[]}`, `{"data":[{}]}`, `{"data":[{"b64_json":""}]}`, `{"data":[{"url":null}]}`, `{"data":{"url":"u"}}`, `{"data":[{"url":"u"}]`,
		`{"error":{"message":"no"}}`, `<html>`,
	} {
		_, err := q.Answer([]byte(body), new(meter.Produced))
		require.Error(t, err, body)
	}
}

// TestReportsOfDrawings: what cannot be a count breaks the report, wherever it stands.
func TestReportsOfDrawings(t *testing.T) {
	t.Parallel()
	q, err := media.ReadDrawing([]byte(`{"model":"m","prompt":"p"}`))
	require.NoError(t, err)
	b := meter.Bounds{Context: 1000, Prompt: 1000, Completion: 1000}
	for used, code := range map[string]string{ //nolint:gosec // counts of tokens, no credentials
		`{"input_tokens":1,"output_tokens":2,"total_tokens":3}`: "", `{"input_tokens":1,"output_tokens":2,"total_tokens":4}`: "usage_total_wrong",
		`{"input_tokens":1.5}`: "usage_not_whole", `{"input_tokens":"1"}`: "usage_not_whole", `{"input_tokens":1e1}`: "usage_not_whole", `7`: "usage_not_whole",
		`{"input_tokens":99999999999999999999}`: "usage_not_whole", `{"input_tokens":-1}`: "usage_negative", `{"input_tokens":1,"output_tokens":1001}`: "usage_above_cap",
		`{"input_tokens":1001,"output_tokens":1}`: "usage_above_context", `{"input_tokens":1,"output_tokens":2,"output_tokens_details":{"image_tokens":3}}`: "usage_media_above_total",
		`{"input_tokens":1,"output_tokens":2,"input_tokens_details":{"image_tokens":-3}}`: "usage_negative", `{"seconds":1e300}`: "usage_not_whole", `{"seconds":"x"}`: "usage_not_whole",
		`null`: "usage_missing",
	} {
		a, err := q.Answer([]byte(`{"data":[{"url":"u"}],"usage":`+used+`}`), new(meter.Produced))
		require.NoError(t, err, used)
		require.Equal(t, code, a.Report.Absurd(b, true), used)
	}
}

// FuzzDrawing: what is taken is sent as JSON, and asks for no more than may be asked for.
func FuzzDrawing(f *testing.F) {
	f.Add([]byte(`{"provider":{},"model":"m","prompt":"p","n":3}`))
	f.Add([]byte(`{"model":"m","stream":true,"prompt":"p","partial_images":2,"session_id":"s" }`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := media.ReadDrawing(body)
		if err != nil {
			return
		}
		if n := q.PromptBound(100); n < 0 || n > 100 || q.Count < 1 || q.Count > media.MaxImages {
			t.Fatalf("the bound is %d, the count %d", n, q.Count)
		}
		if sent := q.Splice(nil, "up"); !json.Valid(sent) {
			t.Fatalf("sent %q", sent)
		}
	})
}

// FuzzDrawn: whatever a vendor answers, the caller gets JSON or an error.
func FuzzDrawn(f *testing.F) {
	f.Add([]byte(`{"data":[{"url":"u"}],"usage":{"input_tokens":1,"output_tokens_details":{"text_tokens":1}},"id":"x"}`))
	f.Add([]byte(`{"type":"image_generation.completed","b64_json":"AA==","usage":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := media.ReadDrawing([]byte(`{"model":"m","prompt":"p","n":2}`))
		if err != nil {
			t.Fatal(err)
		}
		if a, err := q.Answer(body, new(meter.Produced)); err == nil && json.Valid(body) && !json.Valid(a.Append(nil, told(), bill(nil))) {
			t.Fatalf("%q", a.Append(nil, told(), bill(nil)))
		}
		if a, err := q.Event(body, new(meter.Produced)); err == nil && a.Type == media.CompletedImage {
			a.Own().AppendEvent(nil, bill(nil))
		}
	})
}
