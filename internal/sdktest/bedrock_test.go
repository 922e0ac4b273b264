package sdktest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	smithy "github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/stretchr/testify/require"
)

// simAccessKey is the id of the access key that the simulator takes, with its API key as the secret.
const simAccessKey = "AKIASIMULATEDVENDOR0"

// bedrockClient is Amazon's own client, at the simulator itself: so the simulator is held to what somebody else believes of the vendor.
func bedrockClient(secret string) *bedrockruntime.Client {
	return bedrockruntime.New(bedrockruntime.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(shared.SimURL), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: simAccessKey, SecretAccessKey: secret}, nil
		}),
	})
}

// asked are all parts of a request that the gateway writes, as Amazon's client writes them.
func asked() (*smithy.Interface, []types.Message, *types.ToolConfiguration) {
	extra := smithy.NewLazyDocument(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
	messages := []types.Message{{Role: types.ConversationRoleUser, Content: []types.ContentBlock{
		&types.ContentBlockMemberText{Value: "Find the book in this."},
		&types.ContentBlockMemberImage{Value: types.ImageBlock{Format: types.ImageFormatPng, Source: &types.ImageSourceMemberBytes{Value: []byte("png")}}},
		&types.ContentBlockMemberDocument{Value: types.DocumentBlock{
			Format: types.DocumentFormatPdf, Name: aws.String("shelf"), Source: &types.DocumentSourceMemberBytes{Value: []byte("pdf")},
		}},
		&types.ContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault, Ttl: types.CacheTTLOneHour}},
	}}}
	tools := &types.ToolConfiguration{Tools: []types.Tool{
		&types.ToolMemberToolSpec{Value: types.ToolSpecification{
			Name: aws.String("find"), Description: aws.String("Finds a book."),
			InputSchema: &types.ToolInputSchemaMemberJson{Value: smithy.NewLazyDocument(map[string]any{"type": "object"})},
		}},
		&types.ToolMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}},
	}}
	return &extra, messages, tools
}

// TestAmazonsClientAndTheSimulator: signatures, bodies and frames are what Amazon's client makes and takes, also of names with colons and slashes.
func TestAmazonsClientAndTheSimulator(t *testing.T) {
	t.Parallel()
	c := bedrockClient(shared.VendorKey)
	for _, name := range []string{
		"anthropic.claude-v1:0", "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-v1:0",
	} {
		model := name + "?tokens=9&reasoning=4&cached=2&cache_write=5&cache_write_1h=3&tools=2&words=2"
		extra, messages, tools := asked()
		whole, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{
			ModelId: aws.String(model), Messages: messages, ToolConfig: tools, AdditionalModelRequestFields: *extra,
			System:          []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be brief."}},
			InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(2000), Temperature: aws.Float32(0.5), StopSequences: []string{"END"}},
			ServiceTier:     &types.ServiceTier{Type: types.ServiceTierTypeFlex},
		})
		require.NoError(t, err)
		require.Equal(t, types.StopReasonToolUse, whole.StopReason)
		u := whole.Usage
		require.Equal(t, []int32{2, 5, *u.InputTokens + 7 + *u.OutputTokens}, []int32{*u.CacheReadInputTokens, *u.CacheWriteInputTokens, *u.TotalTokens})
		require.Equal(t, int32(3), *u.CacheDetails[0].InputTokens)
		said := whole.Output.(*types.ConverseOutputMemberMessage).Value
		require.Len(t, said.Content, 4)

		streamed := heardOf(t, c, &bedrockruntime.ConverseStreamInput{
			ModelId: aws.String(model), Messages: messages, ToolConfig: tools, AdditionalModelRequestFields: *extra,
			System: []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be brief."}},
		})
		thought := said.Content[0].(*types.ContentBlockMemberReasoningContent).Value.(*types.ReasoningContentBlockMemberReasoningText).Value
		require.Equal(t, *thought.Text+"|"+*thought.Signature, streamed.thought)
		require.Equal(t, said.Content[1].(*types.ContentBlockMemberText).Value, streamed.text)
		require.Equal(t, types.StopReasonToolUse, streamed.stop)
		require.Equal(t, *u.OutputTokens, *streamed.usage.OutputTokens)
		results := types.Message{Role: types.ConversationRoleUser}
		for i, arguments := range streamed.arguments {
			call := said.Content[2+i].(*types.ContentBlockMemberToolUse).Value
			var input any
			require.NoError(t, call.Input.UnmarshalSmithyDocument(&input))
			raw, err := json.Marshal(input)
			require.NoError(t, err)
			require.JSONEq(t, string(raw), arguments)
			results.Content = append(results.Content, &types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{
				ToolUseId: call.ToolUseId, Status: types.ToolResultStatusError,
				Content: []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: "no such book"}},
			}})
		}
		again, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{
			ModelId: aws.String(name + "?tokens=3"), Messages: append(messages, said, results), ToolConfig: tools, AdditionalModelRequestFields: *extra,
		})
		require.NoError(t, err, "what came is taken back as it came")
		require.Equal(t, types.StopReasonEndTurn, again.StopReason)
	}
}

// heardStream is what Amazon's client made of a stream.
type heardStream struct {
	text, thought string
	arguments     []string
	stop          types.StopReason
	usage         *types.TokenUsage
}

func heardOf(t *testing.T, c *bedrockruntime.Client, in *bedrockruntime.ConverseStreamInput) (h heardStream) {
	t.Helper()
	out, err := c.ConverseStream(t.Context(), in)
	require.NoError(t, err)
	stream := out.GetStream()
	for event := range stream.Events() {
		switch e := event.(type) {
		case *types.ConverseStreamOutputMemberContentBlockStart:
			h.arguments = append(h.arguments, "")
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			switch d := e.Value.Delta.(type) {
			case *types.ContentBlockDeltaMemberText:
				h.text += d.Value
			case *types.ContentBlockDeltaMemberToolUse:
				h.arguments[len(h.arguments)-1] += *d.Value.Input
			case *types.ContentBlockDeltaMemberReasoningContent:
				switch r := d.Value.(type) {
				case *types.ReasoningContentBlockDeltaMemberText:
					h.thought += r.Value
				case *types.ReasoningContentBlockDeltaMemberSignature:
					h.thought += "|" + r.Value
				}
			}
		case *types.ConverseStreamOutputMemberMessageStop:
			h.stop = e.Value.StopReason
		case *types.ConverseStreamOutputMemberMetadata:
			h.usage = e.Value.Usage
		}
	}
	require.NoError(t, stream.Err())
	require.NoError(t, stream.Close())
	return h
}

// TestAmazonsClientReadsTheSimulatorsErrors, before a stream and within one, as its own classes.
func TestAmazonsClientReadsTheSimulatorsErrors(t *testing.T) {
	t.Parallel()
	_, messages, _ := asked()
	whole := func(secret, model string) error {
		_, err := bedrockClient(secret).Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(model), Messages: messages})
		return err
	}
	var throttled *types.ThrottlingException
	require.ErrorAs(t, whole(shared.VendorKey, "m?fault=429"), &throttled)
	require.NotEmpty(t, throttled.ErrorMessage())
	var notReady *types.ModelNotReadyException
	require.ErrorAs(t, whole(shared.VendorKey, "m?fault=429&variant=slow_down"), &notReady)
	var invalid *types.ValidationException
	require.ErrorAs(t, whole(shared.VendorKey, "m?fault=400"), &invalid)
	var denied *types.AccessDeniedException
	require.ErrorAs(t, whole(shared.VendorKey, "m?fault=403"), &denied)
	var unavailable *types.ServiceUnavailableException
	require.ErrorAs(t, whole(shared.VendorKey, "m?fault=503"), &unavailable)
	require.ErrorContains(t, whole("another-secret", "m"), "InvalidSignatureException")

	for variant, target := range map[string]any{
		"server_error": new(*types.InternalServerException), "overloaded": new(*types.ServiceUnavailableException), "rate_limit": new(*types.ThrottlingException),
	} {
		out, err := bedrockClient(shared.VendorKey).ConverseStream(t.Context(), &bedrockruntime.ConverseStreamInput{
			ModelId: aws.String("m?fault=error_in_stream&variant=" + variant), Messages: messages,
		})
		if err == nil { // else the exception came with the first events, and the client saw it before it gave the stream
			stream := out.GetStream()
			for range stream.Events() { //nolint:revive // to the end
			}
			err = stream.Err()
			_ = stream.Close() // it says the same
		}
		require.ErrorAs(t, err, target, variant)
	}
}
