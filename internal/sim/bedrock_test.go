package sim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

// TestSignaturesAreChecked: those of Amazon's own signer are taken; whatever is not as it was signed is not.
func TestSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	b := setup(t, func(o *sim.Options) {
		o.AccessKey = &sim.AccessKey{ID: "AKIDEXAMPLEEXAMPLE", Secret: "secret", Session: "session", Region: "eu-west-1"}
	})
	good := aws.Credentials{AccessKeyID: "AKIDEXAMPLEEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}
	const body = `{"messages":[{"role":"user","content":[{"text":"Hello there"}]}]}`
	const path = "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x-v1%3A0/converse"
	for name, row := range map[string]struct {
		change  func(c *aws.Credentials)
		region  string
		service string
		off     time.Duration
		after   func(r *http.Request)
		want    string
	}{
		"as it shall be":  {},
		"a little early":  {off: -4 * time.Minute},
		"another id":      {change: func(c *aws.Credentials) { c.AccessKeyID = "AKIDANOTHEREXAMPLE" }, want: "UnrecognizedClientException"},
		"another secret":  {change: func(c *aws.Credentials) { c.SecretAccessKey = "x" }, want: "InvalidSignatureException"},
		"another session": {change: func(c *aws.Credentials) { c.SessionToken = "x" }, want: "UnrecognizedClientException"},
		"another region":  {region: "us-east-1", want: "InvalidSignatureException"},
		"another service": {service: "s3", want: "InvalidSignatureException"},
		"too late":        {off: 6 * time.Minute, want: "InvalidSignatureException"},
		"too early":       {off: -6 * time.Minute, want: "InvalidSignatureException"},
		"another body": {after: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "Hello", "Hallo", 1)))
		}, want: "InvalidSignatureException"},
		"another header":   {after: func(r *http.Request) { r.Header.Set("Content-Type", "application/json; x=y") }, want: "InvalidSignatureException"},
		"another query":    {after: func(r *http.Request) { r.URL.RawQuery = "a=b" }, want: "InvalidSignatureException"},
		"another path":     {after: func(r *http.Request) { r.URL.RawPath = strings.Replace(r.URL.RawPath, "%3A0", ":0", 1) }, want: "InvalidSignatureException"},
		"no date":          {after: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, want: "IncompleteSignatureException"},
		"a name with room": {after: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/model/a/b/converse", "" }, want: "InvalidSignatureException"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		c, region, service := good, "eu-west-1", "bedrock"
		if row.change != nil {
			row.change(&c)
		}
		if row.region != "" {
			region = row.region
		}
		if row.service != "" {
			service = row.service
		}
		sum := sha256.Sum256([]byte(body))
		require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(sum[:]), service, region, now.Add(row.off)))
		if row.after != nil {
			row.after(r)
		}
		answer := b.do(t, r)
		kind, _, _ := strings.Cut(answer.Header.Get("X-Amzn-Errortype"), ":")
		require.Equal(t, row.want, kind, name)
		require.Equal(t, row.want == "", answer.StatusCode == http.StatusOK, name)
		require.Equal(t, row.want != "", answer.StatusCode == http.StatusForbidden, name)
	}
	require.EqualValues(t, 2, b.Totals().Calls)
}

// TestBedrockIsStrict: what the vendor does not take is refused with its class.
func TestBedrockIsStrict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := func(blocks string) string { return `"messages":[{"role":"user","content":[` + blocks + `]}]` }
	tools := `"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]`
	dialogue := func(blocks, results string) string {
		return `"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[` + blocks + `]},{"role":"user","content":[` + results + `]}]`
	}
	use := `{"toolUse":{"toolUseId":"t","name":"f","input":{}}}`
	for name, fields := range map[string]string{
		"no messages":          `"system":[{"text":"a"}]`,
		"unknown member":       user(`{"text":"a"}`) + `,"max_tokens":5`,
		"blank text":           user(`{"text":" "}`),
		"no content":           user(``),
		"two members":          user(`{"text":"a","image":{}}`),
		"two of a role":        `"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"user","content":[{"text":"b"}]}]`,
		"assistant first":      `"messages":[{"role":"assistant","content":[{"text":"a"}]}]`,
		"image by address":     user(`{"text":"a"},{"image":{"format":"png","source":{"url":"https://x"}}}`),
		"image of a format":    user(`{"text":"a"},{"image":{"format":"tiff","source":{"bytes":"eA=="}}}`),
		"no base64":            user(`{"text":"a"},{"image":{"format":"png","source":{"bytes":"?"}}}`),
		"document's name":      user(`{"text":"a"},{"document":{"format":"pdf","name":"a.pdf","source":{"bytes":"eA=="}}}`),
		"document twice":       user(`{"text":"a"},{"document":{"format":"pdf","name":"a","source":{"bytes":"eA=="}}},{"document":{"format":"pdf","name":"a","source":{"bytes":"eA=="}}}`),
		"document alone":       user(`{"document":{"format":"pdf","name":"a","source":{"bytes":"eA=="}}}`),
		"mark first":           user(`{"cachePoint":{"type":"default"}}`),
		"mark's time":          user(`{"text":"a"},{"cachePoint":{"type":"default","ttl":"1d"}}`),
		"five marks":           user(`{"text":"a"}` + strings.Repeat(`,{"cachePoint":{"type":"default"}}`, 5)),
		"calls without tools":  dialogue(use, `{"toolResult":{"toolUseId":"t","content":[]}}`),
		"no result":            dialogue(use, `{"text":"b"}`) + "," + tools + "}",
		"result of nothing":    dialogue(`{"text":"b"}`, `{"toolResult":{"toolUseId":"t","content":[]}}`) + "," + tools + "}",
		"result without any":   dialogue(use, `{"toolResult":{"toolUseId":"t"}}`) + "," + tools + "}",
		"an id with a point":   dialogue(strings.Replace(use, `"t"`, `"t.1"`, 1), `{"toolResult":{"toolUseId":"t.1","content":[]}}`) + "," + tools + "}",
		"no tools":             user(`{"text":"a"}`) + `,"toolConfig":{"tools":[]}`,
		"no schema":            user(`{"text":"a"}`) + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f"}}]}`,
		"tool twice":           user(`{"text":"a"}`) + `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}},{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]}`,
		"choice of nothing":    user(`{"text":"a"}`) + `,` + tools + `,"toolChoice":{"tool":{"name":"g"}}}`,
		"no choice":            user(`{"text":"a"}`) + `,` + tools + `,"toolChoice":{"none":{}}}`,
		"schema as an object":  user(`{"text":"a"}`) + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":{}}}}}`,
		"effort":               user(`{"text":"a"}`) + `,"outputConfig":{"effort":"minimal"}`,
		"tier":                 user(`{"text":"a"}`) + `,"serviceTier":{"type":"auto"}`,
		"temperature":          user(`{"text":"a"}`) + `,"inferenceConfig":{"temperature":1.5}`,
		"cap":                  user(`{"text":"a"}`) + `,"inferenceConfig":{"maxTokens":0}`,
		"budget":               user(`{"text":"a"}`) + `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":5}}`,
		"thoughts and a force": user(`{"text":"a"}`) + `,` + tools + `,"toolChoice":{"any":{}}},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}}`,
		"changed thoughts":     dialogue(`{"reasoningContent":{"reasoningText":{"text":"x","signature":"eA=="}}},{"text":"b"}`, `{"text":"c"}`),
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/model/m/converse", bytes.NewReader([]byte("{"+fields+"}")))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+apiKey)
		r.Header.Set("Content-Type", "application/json")
		answer := b.do(t, r)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, answer.StatusCode, "%s: %s", name, text)
		require.True(t, strings.HasPrefix(answer.Header.Get("X-Amzn-Errortype"), "ValidationException"), name)
	}
	require.Zero(t, b.Totals().Calls)
}

// TestFramesThatBreak: Amazon's decoder finds the checksum that is wrong, and what was sent before it is sound.
func TestFramesThatBreak(t *testing.T) {
	t.Parallel()
	b, s := setup(t), bedrockSpeech()
	_, text, err := b.say(t, s, "m?fault=malformed&variant=crc&after=5", true)
	require.NoError(t, err)
	whole := frames(t, text)
	require.Len(t, whole, 1+5, "the message's start and five tokens")
	read := 0
	for _, f := range whole {
		read += len(f.payload)
	}
	require.Greater(t, len(text), read, "and the broken one")
	require.EqualValues(t, 5, b.Totals().Unreported.Completion)
	for _, kind := range []string{"server_error:internalServerException", "overloaded:serviceUnavailableException", "rate_limit:throttlingException"} {
		variant, exception, _ := strings.Cut(kind, ":")
		_, text, err := b.say(t, s, "m?fault=error_in_stream&variant="+variant, true)
		require.NoError(t, err)
		require.Equal(t, exception, s.understand(t, text, true).failed)
	}
}

// TestBedrocksThoughtsComeBack as they came, and calls with all of their arguments.
func TestBedrocksThoughtsComeBack(t *testing.T) {
	t.Parallel()
	b, s := setup(t), bedrockSpeech()
	think := `"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2000}}`
	tools := `"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}},{"toolSpec":{"name":"g","inputSchema":{"json":{}}}}]}`
	for _, model := range []string{"m?tokens=3&reasoning=5&tools=2&words=2", "m?tokens=3&reasoning=5&redacted=1&tools=2"} {
		whole, streamed := b.hear(t, s, model, false, think, tools), b.hear(t, s, model, true, think, tools)
		require.NotEmpty(t, whole.thought)
		require.Len(t, whole.calls, 2)
		for i := range whole.calls {
			require.JSONEq(t, whole.calls[i].Arguments, streamed.calls[i].Arguments)
		}
		require.Equal(t, [3]string{whole.text, whole.thought, whole.finish}, [3]string{streamed.text, streamed.thought, streamed.finish})
		require.Equal(t, whole.usage, streamed.usage)
	}
}
