package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/usage"
)

type activity struct {
	Data []activityItem `json:"data"`
}

// activityItem is what OpenRouter's /activity has: what an endpoint did for a model on a completed UTC day.
type activityItem struct {
	Date               string      `json:"date"`
	Model              string      `json:"model"`
	ModelPermaslug     string      `json:"model_permaslug"`
	EndpointID         string      `json:"endpoint_id"`
	ProviderName       string      `json:"provider_name"`
	Usage              json.Number `json:"usage"`
	BYOKUsageInference json.Number `json:"byok_usage_inference"`
	Requests           int64       `json:"requests"`
	PromptTokens       int64       `json:"prompt_tokens"`
	CompletionTokens   int64       `json:"completion_tokens"`
	ReasoningTokens    int64       `json:"reasoning_tokens"`
}

// activity answers GET /api/v1/activity for the wallet of the calling key.
func (a *API) activity(r *http.Request, c caller) (any, error) {
	given := r.URL.Query()
	for _, name := range []string{"user_id", "group_by", "workspace_id"} {
		if given.Has(name) {
			return nil, domain.Errorf(domain.CodeInvalid, "there are no workspaces and no members here").With(detailParam, name)
		}
	}
	w, err := a.Balance.Wallet(r.Context(), c.wallet, 0)
	if err != nil {
		return nil, err
	}
	ask := usage.ActivityRequest{WalletID: c.wallet, Date: given.Get("date"), Currency: w.Currency}
	if hash := given.Get("api_key_hash"); hash != "" {
		if ask.KeyID, err = a.keyOf(r.Context(), c.wallet, hash); err != nil {
			return nil, err
		}
	}
	found, err := a.Usage.Activity(r.Context(), ask, time.Now())
	if err != nil {
		return nil, blame(err)
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	answer := activity{Data: make([]activityItem, len(found.Rows))}
	for i := range found.Rows {
		answer.Data[i] = activityItemOf(&found.Rows[i], s)
	}
	return answer, nil
}

func activityItemOf(r *usage.ActivityRow, s *catalog.Snapshot) activityItem {
	item := activityItem{
		Date: r.Date, Model: r.Model, ModelPermaslug: r.ModelPermaslug, EndpointID: r.EndpointID, ProviderName: r.ProviderName,
		Usage: number(r.Usage), BYOKUsageInference: number(r.BYOKUsageInference), Requests: r.Requests, PromptTokens: r.PromptTokens,
		CompletionTokens: r.CompletionTokens, ReasoningTokens: r.ReasoningTokens,
	}
	if v, ok := s.Vendors[r.ProviderName]; ok {
		item.ProviderName = v.Name
	}
	return item
}

// keyPages bounds how many keys of a wallet are looked through for a hash.
const (
	keyPage  = 1000
	keyPages = 10
)

// keyOf is the key of a wallet whose secret has a hash.
func (a *API) keyOf(ctx context.Context, wallet uuid.UUID, hash string) (*uuid.UUID, error) {
	ask := keys.Request{Limit: keyPage}
	for range keyPages {
		page, err := a.Keys.ByWallet(ctx, wallet, ask)
		if err != nil {
			return nil, err
		}
		for i := range page.Keys {
			if strings.EqualFold(page.Keys[i].Hash.String(), hash) {
				return &page.Keys[i].ID, nil
			}
		}
		if ask.Cursor = page.NextCursor; ask.Cursor == "" {
			break
		}
	}
	return nil, domain.Errorf(domain.CodeInvalid, "the wallet has no key with this hash").With(detailParam, "api_key_hash")
}
