package sdktest

import (
	"context"
	"errors"
	"slices"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

// responder is a client that has OpenAI's Responses API beside its chat completions.
type responder interface{ responses() client }

// responsesClient is the same client, asking by the Responses API. Of a question it says the model, the text and the tools.
type responsesClient struct{ openAIClient }

func (c openAIClient) responses() client { return responsesClient{c} }

func (c responsesClient) params(q question) responses.ResponseNewParams {
	p := responses.ResponseNewParams{Model: q.model}
	p.Input.OfInputItemList = responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage(q.text, responses.EasyInputMessageRoleUser)}
	for _, name := range q.tools {
		p.Tools = append(p.Tools, responses.ToolParamOfFunction(name, schemaOf("text"), true))
		p.ToolChoice.OfToolChoiceMode = openai.Opt(responses.ToolChoiceOptionsRequired)
	}
	return p
}

func (c responsesClient) whole(ctx context.Context, q question) (*answer, error) {
	return c.ask(ctx, c.params(q))
}

func (c responsesClient) ask(ctx context.Context, p responses.ResponseNewParams) (*answer, error) {
	r, err := c.Responses.New(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.answer(p, r), nil
}

func (c responsesClient) answer(p responses.ResponseNewParams, r *responses.Response) *answer {
	a := &answer{
		id: r.ID, text: r.OutputText(), prompt: r.Usage.InputTokens, completion: r.Usage.OutputTokens,
		reasoning: r.Usage.OutputTokensDetails.ReasoningTokens, cost: r.Usage.JSON.ExtraFields["cost"].Raw(),
	}
	var turn []responses.ResponseInputItemUnionParam
	for _, o := range r.Output {
		if o.Type == "function_call" {
			asked := o.AsFunctionCall()
			a.calls = append(a.calls, call{asked.CallID, asked.Name, asked.Arguments})
			said := asked.ToParam()
			turn = append(turn, responses.ResponseInputItemUnionParam{OfFunctionCall: &said})
		}
	}
	a.resume = func(ctx context.Context, result string) (*answer, error) {
		for _, t := range a.calls {
			output := responses.ResponseInputItemParamOfFunctionCallOutput(result)
			output.OfFunctionCallOutput.CallID = openai.String(t.id)
			turn = append(turn, output)
		}
		p.Input.OfInputItemList = append(slices.Clone(p.Input.OfInputItemList), turn...)
		p.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{}
		return c.ask(ctx, p)
	}
	return a
}

// stream takes the answer from the event at the end, which has all of it, and holds the pieces against that.
func (c responsesClient) stream(ctx context.Context, q question, piece func()) (*answer, error) {
	p := c.params(q)
	stream := c.Responses.NewStreaming(ctx, p)
	defer func() { _ = stream.Close() }()
	var all *responses.Response
	var text, arguments, last string
	pieces := 0
	for stream.Next() {
		event := stream.Current()
		last = event.Type
		switch event.Type {
		case "response.output_text.delta":
			text += event.Delta
			pieces++
			piece()
		case "response.function_call_arguments.delta":
			arguments += event.Delta
		case "response.completed":
			all = &event.Response
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if all == nil || last != "response.completed" {
		return nil, errors.New("the stream ended with " + last)
	}
	a := c.answer(p, all)
	for _, t := range a.calls {
		if t.arguments != arguments {
			return nil, errors.New("the stream had other arguments than its end: " + arguments)
		}
	}
	if a.text != text {
		return nil, errors.New("the stream had other words than its end: " + text)
	}
	a.pieces = pieces
	return a, nil
}
