package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"google.golang.org/genai"
)

type genaiClient struct{ *genai.Client }

func newGenAI(key string, w *wire) (client, error) {
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{Transport: w},
		HTTPOptions: genai.HTTPOptions{BaseURL: shared.BaseURL},
	})
	return genaiClient{c}, err
}

func (c genaiClient) params(q question) ([]*genai.Content, *genai.GenerateContentConfig) {
	config := &genai.GenerateContentConfig{CandidateCount: int32(q.several)}
	if q.system != "" {
		config.SystemInstruction = genai.NewContentFromText(q.system, genai.RoleUser)
	}
	parts := []*genai.Part{genai.NewPartFromText(q.text)}
	if q.image != nil {
		parts = append(parts, genai.NewPartFromBytes(q.image, "image/png"))
	}
	if len(q.tools) > 0 {
		tool := &genai.Tool{}
		for _, name := range q.tools {
			tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{
				Name: name, Description: "A function.", Parameters: &genai.Schema{
					Type: genai.TypeObject, Properties: map[string]*genai.Schema{"text": {Type: genai.TypeString}}, Required: []string{"text"},
				},
			})
		}
		config.Tools = []*genai.Tool{tool}
		config.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: genai.FunctionCallingConfigModeAny}}
	}
	if q.think {
		config.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true, ThinkingBudget: genai.Ptr[int32](thinkTokens)}
	}
	if q.schema != "" {
		config.ResponseMIMEType, config.ResponseJsonSchema = "application/json", schemaOf(q.schema)
	}
	return []*genai.Content{genai.NewContentFromParts(parts, genai.RoleUser)}, config
}

func (c genaiClient) whole(ctx context.Context, q question) (*answer, error) {
	contents, config := c.params(q)
	return c.ask(ctx, q.model, contents, config)
}

func (c genaiClient) ask(ctx context.Context, model string, contents []*genai.Content, config *genai.GenerateContentConfig) (*answer, error) {
	r, err := c.Models.GenerateContent(ctx, model, contents, config)
	if err != nil {
		return nil, err
	}
	var a answer
	turn, err := a.add(r)
	if err != nil {
		return nil, err
	}
	c.resumable(&a, model, append(slices.Clone(contents), turn...), config)
	return &a, nil
}

// add takes in an answer or a piece of one, and returns what belongs into the history.
func (a *answer) add(r *genai.GenerateContentResponse) ([]*genai.Content, error) {
	a.id = r.ResponseID
	if used := r.UsageMetadata; used != nil {
		a.reasoning = int64(used.ThoughtsTokenCount)
		a.prompt, a.completion = int64(used.PromptTokenCount), int64(used.CandidatesTokenCount+used.ThoughtsTokenCount)
	}
	if len(r.Candidates) == 0 || r.Candidates[0].Content == nil {
		return nil, nil
	}
	for _, c := range r.Candidates {
		if c.Content != nil && len(c.Content.Parts) > 0 && c.Content.Parts[0].Text != "" {
			a.texts++
		}
	}
	content := r.Candidates[0].Content
	for _, p := range content.Parts {
		if p.Thought {
			a.thought += p.Text
		} else {
			a.text += p.Text
		}
		if p.FunctionCall == nil {
			continue
		}
		arguments, err := json.Marshal(p.FunctionCall.Args)
		if err != nil {
			return nil, err
		}
		a.calls = append(a.calls, call{p.FunctionCall.ID, p.FunctionCall.Name, string(arguments)})
	}
	return []*genai.Content{content}, nil
}

// resumable goes on with the client's chats, which leave out the empty pieces at the end of streams.
func (c genaiClient) resumable(a *answer, model string, history []*genai.Content, config *genai.GenerateContentConfig) {
	a.resume = func(ctx context.Context, result string) (*answer, error) {
		var results []*genai.Part
		for _, t := range a.calls {
			results = append(results, &genai.Part{FunctionResponse: &genai.FunctionResponse{
				ID: t.id, Name: t.name, Response: map[string]any{"output": result},
			}})
		}
		next := *config
		next.ToolConfig = nil
		chat, err := c.Chats.Create(ctx, model, &next, history)
		if err != nil {
			return nil, err
		}
		r, err := chat.Send(ctx, results...)
		if err != nil {
			return nil, err
		}
		var after answer
		_, err = after.add(r)
		return &after, err
	}
}

func (c genaiClient) stream(ctx context.Context, q question, piece func()) (*answer, error) {
	contents, config := c.params(q)
	var a answer
	history := slices.Clone(contents)
	for r, err := range c.Models.GenerateContentStream(ctx, q.model, contents, config) {
		if err != nil {
			return nil, err
		}
		before := a.text
		turn, err := a.add(r)
		if err != nil {
			return nil, err
		}
		history = append(history, turn...)
		if a.text != before {
			a.pieces++
			piece()
		}
	}
	c.resumable(&a, q.model, history, config)
	return &a, nil
}

// embed: of an answer with vectors the client keeps the vectors, and the headers.
func (c genaiClient) embed(ctx context.Context, model string, texts []string, length int) ([]*vectors, error) {
	var contents []*genai.Content
	for _, text := range texts {
		contents = append(contents, genai.NewContentFromText(text, genai.RoleUser))
	}
	config := &genai.EmbedContentConfig{}
	if length > 0 {
		config.OutputDimensionality = genai.Ptr(int32(length))
	}
	r, err := c.Models.EmbedContent(ctx, model, contents, config)
	if err != nil {
		return nil, err
	}
	v := &vectors{id: r.SDKHTTPResponse.Headers.Get("X-Generation-Id")}
	for _, e := range r.Embeddings {
		v.numbers = append(v.numbers, e.Values)
	}
	return []*vectors{v}, nil
}

func (genaiClient) refused(err error) (int, string) {
	var e genai.APIError
	if errors.As(err, &e) {
		return e.Code, e.Message
	}
	return 0, ""
}
