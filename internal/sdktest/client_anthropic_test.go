package sdktest

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

type anthropicClient struct{ anthropic.Client }

func newAnthropic(key string, w *wire) (client, error) {
	return anthropicClient{anthropic.NewClient(
		option.WithoutEnvironmentDefaults(), option.WithBaseURL(shared.BaseURL), option.WithAPIKey(key),
		option.WithHTTPClient(&http.Client{Transport: w}),
	)}, nil
}

func (c anthropicClient) params(q question) anthropic.MessageNewParams {
	p := anthropic.MessageNewParams{Model: anthropic.Model(q.model), MaxTokens: answerTokens}
	if q.system != "" {
		p.System = []anthropic.TextBlockParam{{Text: q.system}}
	}
	blocks := []anthropic.ContentBlockParamUnion{anthropic.NewTextBlock(q.text)}
	if q.image != nil {
		blocks = append(blocks, anthropic.NewImageBlockBase64("image/png", base64.StdEncoding.EncodeToString(q.image)))
	}
	p.Messages = []anthropic.MessageParam{anthropic.NewUserMessage(blocks...)}
	for _, name := range q.tools {
		schema := anthropic.ToolInputSchemaParam{Properties: schemaOf("text")["properties"], Required: []string{"text"}}
		p.Tools = append(p.Tools, anthropic.ToolUnionParamOfTool(schema, name))
		p.ToolChoice.OfAny = &anthropic.ToolChoiceAnyParam{}
	}
	if q.think {
		p.Thinking.OfEnabled = &anthropic.ThinkingConfigEnabledParam{
			BudgetTokens: thinkTokens, Display: anthropic.ThinkingConfigEnabledDisplaySummarized, // the default depends on the model
		}
	}
	if q.schema != "" {
		p.OutputConfig.Format = anthropic.JSONOutputFormatParam{Schema: schemaOf(q.schema)}
	}
	return p
}

func (c anthropicClient) whole(ctx context.Context, q question) (*answer, error) {
	return c.ask(ctx, c.params(q))
}

func (c anthropicClient) ask(ctx context.Context, p anthropic.MessageNewParams) (*answer, error) {
	m, err := c.Messages.New(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.answer(p, m, m.Usage.JSON.ExtraFields["cost"].Raw()), nil
}

func (c anthropicClient) answer(p anthropic.MessageNewParams, m *anthropic.Message, cost string) *answer {
	a := &answer{id: m.ID, prompt: m.Usage.InputTokens, completion: m.Usage.OutputTokens, reasoning: m.Usage.OutputTokensDetails.ThinkingTokens, cost: cost}
	for _, b := range m.Content {
		a.text += b.Text
		a.thought += b.Thinking
		if b.Type == "tool_use" {
			a.calls = append(a.calls, call{b.ID, b.Name, string(b.Input)})
		}
	}
	a.resume = func(ctx context.Context, result string) (*answer, error) {
		var results []anthropic.ContentBlockParamUnion
		for _, t := range a.calls {
			results = append(results, anthropic.NewToolResultBlock(t.id, result, false))
		}
		p.Messages = append(slices.Clone(p.Messages), m.ToParam(), anthropic.NewUserMessage(results...))
		p.ToolChoice = anthropic.ToolChoiceUnionParam{}
		return c.ask(ctx, p)
	}
	return a
}

func (c anthropicClient) stream(ctx context.Context, q question, piece func()) (*answer, error) {
	p := c.params(q)
	stream := c.Messages.NewStreaming(ctx, p)
	defer func() { _ = stream.Close() }()
	var all anthropic.Message
	var cost string
	pieces := 0
	for stream.Next() {
		event := stream.Current()
		if err := all.Accumulate(event); err != nil {
			return nil, err
		}
		switch event.Type {
		case "message_delta":
			cost = event.AsMessageDelta().Usage.JSON.ExtraFields["cost"].Raw()
		case "content_block_delta":
			if event.Delta.Text != "" {
				pieces++
				piece()
			}
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	a := c.answer(p, &all, cost)
	a.pieces = pieces
	return a, nil
}

func (anthropicClient) refused(err error) (int, string) {
	var e *anthropic.Error
	if errors.As(err, &e) {
		return e.StatusCode, e.RawJSON()
	}
	return 0, ""
}
