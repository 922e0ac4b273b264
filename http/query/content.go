package query

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
)

// Contents has what calls asked and were answered; see content.Store for the errors. Safe for concurrent use.
type Contents interface {
	Get(ctx context.Context, generation uuid.UUID, wallets []uuid.UUID) (content.Content, error)
}

// GetContent shows what a call asked and was answered.
func (a *API) GetContent(ctx context.Context, r GetContentRequestObject) (GetContentResponseObject, error) {
	if a.views.Contents == nil {
		return nil, domain.Errorf(problem.CodeNotConfigured, "this service stores nothing of calls: it needs a keyset to seal it")
	}
	id, err := domain.ParseGenerationID(r.GenerationID)
	if err != nil {
		return nil, err
	}
	c, err := a.views.Contents.Get(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	answer := GetContent200JSONResponse{
		GenerationID: r.GenerationID, WalletID: c.Wallet, KeyID: c.Key, State: ContentAnswerState(c.State), Dialect: c.Dialect, Operation: c.Operation,
		Model: present(c.Model), Streamed: c.Streamed, Error: present(c.Error), StartedAt: c.StartedAt, ExpiresAt: c.ExpiresAt,
	}
	if c.State == content.Stored {
		answer.Request, answer.Response = contentBody(&c.Request), contentBody(&c.Response)
	}
	return answer, nil
}

func contentBody(b *content.Body) *ContentBody {
	shown := &ContentBody{MediaType: b.Media, Bytes: openapi.Count(b.Length), Truncated: b.Truncated(), Encoding: Text}
	bytes := b.Bytes
	if b.Truncated() {
		bytes = wholeRunes(bytes)
	}
	if !utf8.Valid(bytes) {
		shown.Encoding, shown.Body = Base64, base64.StdEncoding.EncodeToString(b.Bytes)
		return shown
	}
	shown.Body = string(bytes)
	return shown
}

// wholeRunes leaves a character out that was cut.
func wholeRunes(text []byte) []byte {
	for cut := 1; cut < utf8.UTFMax && cut <= len(text); cut++ {
		if at := len(text) - cut; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return text[:at]
			}
			break
		}
	}
	return text
}
