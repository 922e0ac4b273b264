package sdktest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared/constant"
)

type openAIClient struct {
	openai.Client
	wire *wire
}

func newOpenAI(key string, w *wire) (client, error) {
	return openAIClient{newClient(option.WithAPIKey(key), option.WithHTTPClient(&http.Client{Transport: w})), w}, nil
}

func (c openAIClient) params(q question) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: q.model}
	if q.system != "" {
		p.Messages = append(p.Messages, openai.SystemMessage(q.system))
	}
	parts := []openai.ChatCompletionContentPartUnionParam{openai.TextContentPart(q.text)}
	if q.image != nil {
		url := "data:image/png;base64," + base64.StdEncoding.EncodeToString(q.image)
		parts = append(parts, openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: url}))
	}
	p.Messages = append(p.Messages, openai.UserMessage(parts))
	for _, name := range q.tools {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: name, Description: openai.String("A function."), Parameters: schemaOf("text"),
		}))
		p.ToolChoice.OfAuto = openai.String("required")
	}
	if q.think {
		p.ReasoningEffort = openai.ReasoningEffortLow
	}
	if q.several > 0 {
		p.N = openai.Int(q.several)
	}
	if q.schema != "" {
		p.ResponseFormat.OfJSONSchema = &openai.ResponseFormatJSONSchemaParam{
			JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "answer", Strict: openai.Bool(true), Schema: schemaOf(q.schema)},
			Type:       constant.ValueOf[constant.JSONSchema](),
		}
	}
	return p
}

func (c openAIClient) whole(ctx context.Context, q question) (*answer, error) {
	return c.ask(ctx, c.params(q))
}

func (c openAIClient) ask(ctx context.Context, p openai.ChatCompletionNewParams) (*answer, error) {
	r, err := c.Chat.Completions.New(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.answer(p, r, r.Usage), nil
}

func (c openAIClient) answer(p openai.ChatCompletionNewParams, r *openai.ChatCompletion, used openai.CompletionUsage) *answer {
	m := r.Choices[0].Message
	a := &answer{
		id: r.ID, text: m.Content, reasoning: used.CompletionTokensDetails.ReasoningTokens, prompt: used.PromptTokens, completion: used.CompletionTokens, cost: used.JSON.ExtraFields["cost"].Raw(),
	}
	for _, c := range r.Choices {
		if c.Message.Content != "" {
			a.texts++
		}
	}
	for _, t := range m.ToolCalls {
		a.calls = append(a.calls, call{t.ID, t.Function.Name, t.Function.Arguments})
	}
	a.resume = func(ctx context.Context, result string) (*answer, error) {
		p.Messages = append(slices.Clone(p.Messages), m.ToParam())
		for _, t := range m.ToolCalls {
			p.Messages = append(p.Messages, openai.ToolMessage(result, t.ID))
		}
		p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{}
		return c.ask(ctx, p)
	}
	return a
}

func (c openAIClient) stream(ctx context.Context, q question, piece func()) (*answer, error) {
	p := c.params(q)
	stream := c.Chat.Completions.NewStreaming(ctx, p)
	defer func() { _ = stream.Close() }()
	var all openai.ChatCompletionAccumulator
	var used openai.CompletionUsage
	pieces := 0
	for stream.Next() {
		chunk := stream.Current()
		if !all.AddChunk(chunk) {
			return nil, errors.New("the accumulator refused a chunk: " + chunk.RawJSON())
		}
		if chunk.JSON.Usage.Valid() {
			used = chunk.Usage
		}
		if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			pieces++
			piece()
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if len(all.Choices) == 0 {
		return nil, errors.New("the stream had no choice")
	}
	a := c.answer(p, &all.ChatCompletion, used)
	a.pieces = pieces
	return a, nil
}

// embed asks for the numbers as such, which is the client's own way, and as base64.
func (c openAIClient) embed(ctx context.Context, model string, texts []string, length int) ([]*vectors, error) {
	p := openai.EmbeddingNewParams{Model: model}
	p.Input.OfArrayOfStrings = texts
	if length > 0 {
		p.Dimensions = openai.Int(int64(length))
	}
	var all []*vectors
	for _, format := range []openai.EmbeddingNewParamsEncodingFormat{"", openai.EmbeddingNewParamsEncodingFormatBase64} {
		p.EncodingFormat = format
		r, err := c.Embeddings.New(ctx, p)
		if err != nil {
			return nil, err
		}
		v := &vectors{prompt: r.Usage.PromptTokens, total: r.Usage.TotalTokens, cost: r.Usage.JSON.ExtraFields["cost"].Raw()}
		if err := json.Unmarshal([]byte(r.JSON.ExtraFields["id"].Raw()), &v.id); err != nil {
			return nil, fmt.Errorf("id of the answer: %w", err)
		}
		for i, d := range r.Data {
			if d.Index != int64(i) {
				return nil, fmt.Errorf("vector %d is in the place of %d", d.Index, i)
			}
			numbers := make([]float32, len(d.Embedding))
			for i, x := range d.Embedding {
				numbers[i] = float32(x)
			}
			v.numbers = append(v.numbers, numbers)
		}
		all = append(all, v)
	}
	return all, nil
}

func (openAIClient) refused(err error) (int, string) {
	var e *openai.Error
	if errors.As(err, &e) {
		return e.StatusCode, e.Message
	}
	return 0, ""
}
