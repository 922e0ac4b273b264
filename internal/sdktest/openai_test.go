package sdktest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"
)

// A model of the demo catalogue that the client lists.
func model(t *testing.T, client openai.Client) string {
	t.Helper()
	page, err := client.Models.List(t.Context())
	require.NoError(t, err)
	at := slices.IndexFunc(page.Data, func(m openai.Model) bool { return m.ID == vendors[0].Model })
	require.GreaterOrEqual(t, at, 0)
	return page.Data[at].ID
}

func newClient(options ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithUnsafeAllowHTTP(), option.WithBaseURL(shared.BaseURL + "/v1"), option.WithAPIKey(shared.APIKey),
	}, options...)...)
}

func hello(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say hello to the ledger.")},
	}
}

// cost reads usage.cost, which the client keeps among the fields it does not know.
func cost(t *testing.T, usage openai.CompletionUsage) string {
	t.Helper()
	field, ok := usage.JSON.ExtraFields["cost"]
	require.True(t, ok, "usage has no cost: %s", usage.RawJSON())
	require.Regexp(t, `^[0-9]+(\.[0-9]+)?$`, field.Raw(), "an exact decimal")
	return field.Raw()
}

func TestChatCompletion(t *testing.T) {
	t.Parallel()
	client := newClient()
	var response *http.Response
	answer, err := client.Chat.Completions.New(t.Context(), hello(model(t, client)), option.WithResponseInto(&response))
	require.NoError(t, err)
	require.NotEmpty(t, answer.Choices[0].Message.Content)
	require.Positive(t, answer.Usage.PromptTokens)
	require.Equal(t, answer.Usage.PromptTokens+answer.Usage.CompletionTokens, answer.Usage.TotalTokens)
	require.NotEqual(t, "0", cost(t, answer.Usage))
	require.Regexp(t, `^gen-[0-9a-f-]{36}$`, response.Header.Get("X-Generation-Id"))
}

func TestChatCompletionStream(t *testing.T) {
	t.Parallel()
	client := newClient()
	stream := client.Chat.Completions.NewStreaming(t.Context(), hello(model(t, client)))
	var text strings.Builder
	var usage openai.CompletionUsage
	for stream.Next() {
		chunk := stream.Current()
		for _, choice := range chunk.Choices {
			text.WriteString(choice.Delta.Content)
		}
		if chunk.Usage.TotalTokens > 0 {
			usage = chunk.Usage
		}
	}
	require.NoError(t, stream.Err())
	require.NotEmpty(t, text.String())
	require.Positive(t, usage.CompletionTokens)
	require.NotEqual(t, "0", cost(t, usage))
}

func TestTheClientSeesOurErrors(t *testing.T) {
	t.Parallel()
	good := newClient()
	name := model(t, good)
	for _, c := range []struct {
		name   string
		client openai.Client
		model  string
		status int
	}{
		{"wrong key", newClient(option.WithAPIKey("sk-wrong")), name, http.StatusUnauthorized},
		{"unknown model", good, "nobody/nothing", http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.client.Chat.Completions.New(t.Context(), hello(c.model))
			var refused *openai.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.status, refused.StatusCode)
			require.NotEmpty(t, refused.Message)
		})
	}
}

func TestTheSameIdempotencyKeyIsOneCharge(t *testing.T) {
	t.Parallel()
	client := newClient()
	name := model(t, client)
	ask := func() (*openai.ChatCompletion, string) {
		var response *http.Response
		answer, err := client.Chat.Completions.New(t.Context(), hello(name),
			option.WithHeader("Idempotency-Key", "sdk-test-1"), option.WithResponseInto(&response))
		require.NoError(t, err)
		return answer, response.Header.Get("X-Generation-Id")
	}
	first, id := ask()
	again, sameID := ask()
	require.Equal(t, id, sameID)
	require.Equal(t, first.RawJSON(), again.RawJSON())
}
