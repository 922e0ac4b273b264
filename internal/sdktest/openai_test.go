package sdktest

import (
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"
)

// The first model of the demo catalogue that the client lists.
func model(t *testing.T, client openai.Client) string {
	t.Helper()
	page, err := client.Models.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Data, 6, "the demo catalogue has six models")
	return page.Data[0].ID
}

func newClient(options ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithUnsafeAllowHTTP(), option.WithBaseURL(shared.BaseURL + "/v1"), option.WithAPIKey(shared.APIKey),
	}, options...)...)
}

func question(model string) openai.ChatCompletionNewParams {
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
	answer, err := client.Chat.Completions.New(t.Context(), question(model(t, client)), option.WithResponseInto(&response))
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
	stream := client.Chat.Completions.NewStreaming(t.Context(), question(model(t, client)))
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
			_, err := c.client.Chat.Completions.New(t.Context(), question(c.model))
			var refused *openai.Error
			require.True(t, errors.As(err, &refused), "%v", err)
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
		answer, err := client.Chat.Completions.New(t.Context(), question(name),
			option.WithHeader("Idempotency-Key", "sdk-test-1"), option.WithResponseInto(&response))
		require.NoError(t, err)
		return answer, response.Header.Get("X-Generation-Id")
	}
	first, id := ask()
	again, sameID := ask()
	require.Equal(t, id, sameID)
	require.Equal(t, first.RawJSON(), again.RawJSON())
}

// The npm client runs its own tests in node, against the same server.
func TestNodeClient(t *testing.T) {
	t.Parallel()
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = "node"
	out, err := install.CombinedOutput()
	require.NoError(t, err, "npm ci: %s", out)
	node := exec.CommandContext(t.Context(), "node", "--test", "openai.test.mjs")
	node.Dir = "node"
	node.Env = append(node.Environ(), "BASE_URL="+shared.BaseURL, "API_KEY="+shared.APIKey)
	out, err = node.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "# pass 3", filepath.Join("node", "openai.test.mjs"))
}
