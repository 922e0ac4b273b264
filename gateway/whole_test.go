package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
)

// told is what a caller reads of an answer or of a stream's last chunk.
type told struct {
	ID       string `json:"id"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
	Choices  []struct {
		Index   int `json:"index"`
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		Finish string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int64       `json:"prompt_tokens"`
		Completion int64       `json:"completion_tokens"`
		Total      int64       `json:"total_tokens"`
		Cost       json.Number `json:"cost"`
		Input      struct {
			Cached int64 `json:"cached_tokens"`
			Write  int64 `json:"cache_write_tokens"`
		} `json:"prompt_tokens_details"`
		Output struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
	Error *struct {
		Metadata struct {
			Type string `json:"error_type"`
		} `json:"metadata"`
	} `json:"error"`
	Sim struct {
		Fields int64 `json:"unknown_fields"`
		Bytes  int64 `json:"unknown_bytes"`
	} `json:"sim"`
}

func parse(t *testing.T, body string) told {
	t.Helper()
	var a told
	require.NoError(t, json.Unmarshal([]byte(body), &a), "%s", body)
	return a
}

func TestAWholeAnswerIsChargedExactly(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "tokens=12&cached=3&cache_write=2&reasoning=5")
	c, err := k.Do(gatewaytest.Body(model, `"max_tokens":100`))
	require.NoError(t, err)

	e := k.Only()
	used := k.Sim.Totals().Reported
	require.Equal(t, usage.Usage{
		usage.Input: used.Prompt - 5, usage.CacheRead: 3, usage.CacheWrite: 2, usage.Output: 12, usage.Reasoning: 5, usage.Request: 1,
	}, e.Usage)
	require.Equal(t, used.Completion, e.Usage.Completion())
	require.Equal(t, usage.Reported, e.Provenance)
	require.True(t, e.Charge.Equal(gatewaytest.Cost(e.Usage)), "%s", e.Charge)
	require.Equal(t, domain.GenerationID(e.HoldID), c.Generation())
	require.Equal(t, wallet.Call{
		FinishReason: "stop", NativeFinishReason: "stop", UpstreamID: e.Call.UpstreamID, Credential: "acme/only", Attempts: 1,
		StartedAt: e.Call.StartedAt, DurationMS: e.Call.DurationMS,
	}, e.Call)
	require.Contains(t, e.Call.UpstreamID, "chatcmpl-sim-")

	a := parse(t, c.Body())
	require.Equal(t, c.Generation(), a.ID)
	require.Equal(t, model, a.Model)
	require.Equal(t, "Vendor acme", a.Provider)
	require.Equal(t, e.Charge.String(), a.Usage.Cost.String(), "all digits")
	require.Equal(t, []int64{used.Prompt, 17, used.Prompt + 17, 3, 2, 5},
		[]int64{a.Usage.Prompt, a.Usage.Completion, a.Usage.Total, a.Usage.Input.Cached, a.Usage.Input.Write, a.Usage.Output.Reasoning})
}

func TestRequestsGoOnByteForByte(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	var sent []byte
	k.Proxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		if want, got := int64(len(sent)), r.ContentLength; want != got {
			t.Errorf("content length %d, %d bytes", got, want)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		k.Sim.ServeHTTP(w, r)
	}))
	body := "{ \"x_new\" : {\"b\":1.50,\"a\":[ ]},\"model\":\"" + model + "\",\r\n\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\\/ \u65e5\"}], \"temperature\":1e0 ,\"max_tokens\":7}\n"
	want := "{ \"x_new\" : {\"b\":1.50,\"a\":[ ]},\"model\":\"sim-large\",\r\n\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\\/ \u65e5\"}], \"temperature\":1e0 ,\"max_tokens\":7}\n"
	c, err := k.Do(body)
	require.NoError(t, err)
	require.Equal(t, want, string(sent))
	a := parse(t, c.Body())
	require.Equal(t, int64(1), a.Sim.Fields, "the vendor saw the unknown field")
	require.Equal(t, int64(len(`{"b":1.50,"a":[ ]}`)), a.Sim.Bytes)
}

func TestSeveralChoices(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	c, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=5"), `"n":3`, `"max_tokens":10`))
	require.NoError(t, err)
	require.Len(t, parse(t, c.Body()).Choices, 3)
	require.Equal(t, int64(15), k.Only().Usage[usage.Output])
	require.Equal(t, int64(30), k.History().Placed[0].CompletionTokens)
}

func TestTheHoldIsTheWorstCase(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "tokens=5")
	body := gatewaytest.Body(model)
	_, err := k.Do(body)
	require.NoError(t, err)
	placed := k.History().Placed[0]
	require.Equal(t, int64(len(body)), placed.PromptTokens, "at most a token for each byte")
	require.Equal(t, int64(4096), placed.CompletionTokens, "the platform's own cap")
	require.WithinDuration(t, k.Clock.Now().Add(15*time.Minute), placed.ExpiresAt, time.Minute)

	_, err = k.Do(gatewaytest.Body(model, `"max_tokens":20001`))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	var e *domain.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "max_tokens", e.Details["param"])
	_, err = k.Do(gatewaytest.Body(model, `"max_completion_tokens":20000`))
	require.NoError(t, err)
}

func TestAPlatformCapFitsTheModel(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	model := k.Model(gatewaytest.Canceller, "")
	k.Catalog.Change(shrink(model))
	_, err := k.Do(gatewaytest.Body(model))
	require.NoError(t, err)
	require.Equal(t, int64(50), k.History().Placed[0].CompletionTokens)
}

func TestAPromptAboveTheBoundIsChargedAndSuspect(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	_, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, "prompt=5000"), `"max_tokens":20`))
	require.NoError(t, err)
	e := k.Only()
	require.Equal(t, int64(5000), e.Usage[usage.Input])
	require.Equal(t, usage.Reported, e.Provenance)
	require.True(t, e.Call.Suspect)
	require.True(t, e.HeldBefore.LessThan(e.Charge))
}

func TestTheFinishIsKeptInBothForms(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t)
	_, err := k.Do(gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=50"), `"max_tokens":4`))
	require.NoError(t, err)
	e := k.Only()
	require.Equal(t, "length", e.Call.FinishReason)
	require.Equal(t, int64(4), e.Usage[usage.Output])
}
