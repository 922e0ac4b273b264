package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/content"
)

// Contents has what calls asked and were answered; see content.Store for the errors. Safe for concurrent use.
type Contents interface {
	Get(ctx context.Context, generation uuid.UUID, wallets []uuid.UUID) (content.Content, error)
}

// contentData is what OpenRouter's /generation/content has.
type contentData struct {
	Input  map[string]any `json:"input"` // "messages" or "prompt"
	Output contentOutput  `json:"output"`
	Error  *contentError  `json:"error"`
}

type contentOutput struct {
	Completion *string `json:"completion"`
	Reasoning  *string `json:"reasoning"`
}

// contentError is how the call failed; which vendors did is in no stored content.
type contentError struct {
	Status         int        `json:"status"`
	Message        string     `json:"message"`
	ProviderName   *string    `json:"provider_name"`
	Raw            *string    `json:"raw"`
	PreviousErrors []struct{} `json:"previous_errors"`
}

// content answers GET /api/v1/generation/content?id=.
func (a *API) content(r *http.Request, c caller) (any, error) {
	given := r.URL.Query().Get("id")
	if given == "" {
		return nil, domain.Errorf(domain.CodeInvalid, "the parameter id is required").With(detailParam, "id")
	}
	id, err := domain.ParseGenerationID(given)
	if err != nil || a.Contents == nil {
		return nil, domain.Errorf(domain.CodeNotFound, "nothing is stored of such a call")
	}
	found, err := a.Contents.Get(r.Context(), id, []uuid.UUID{c.wallet})
	if err != nil {
		return nil, err
	}
	if found.State != content.Stored {
		return nil, domain.Errorf(domain.CodeNotFound, "nothing is stored of such a call")
	}
	said := said{dialect: chat.Dialect(found.Dialect)}
	if found.Streamed {
		said.events(found.Response.Bytes)
	} else {
		said.take(found.Response.Bytes)
	}
	data := contentData{Input: inputOf(&found), Output: contentOutput{Completion: orNull(said.text.String()), Reasoning: orNull(said.reasoning.String())}}
	if found.Error != "" {
		failure, _ := shown(domain.Errorf(domain.Code(found.Error), "the call failed: %s", found.Error))
		data.Error = &contentError{Status: failure.Code, Message: failure.Message, PreviousErrors: []struct{}{}}
	}
	return struct {
		Data contentData `json:"data"`
	}{data}, nil
}

// inputOf is what was asked: the messages as they were sent, or else a text. A body that was cut is one.
func inputOf(c *content.Content) map[string]any {
	var body map[string]json.RawMessage
	if json.Unmarshal(c.Request.Bytes, &body) != nil {
		return map[string]any{"prompt": strings.ToValidUTF8(string(c.Request.Bytes), "\uFFFD")}
	}
	for _, name := range []string{"messages", "contents", "input", "prompt", "query"} {
		value, ok := body[name]
		if !ok {
			continue
		}
		var list []json.RawMessage
		var text string
		switch {
		case json.Unmarshal(value, &list) == nil:
			return map[string]any{"messages": list}
		case json.Unmarshal(value, &text) == nil:
			return map[string]any{"prompt": text}
		}
	}
	return map[string]any{"prompt": string(c.Request.Bytes)}
}
