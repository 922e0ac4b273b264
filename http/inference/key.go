package inference

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/keys"
)

type currentKey struct {
	Data keyData `json:"data"`
}

// keyData is what OpenRouter's /key has. There is no free tier here.
type keyData struct {
	Label          string       `json:"label"`
	Limit          *json.Number `json:"limit"`
	LimitRemaining *json.Number `json:"limit_remaining"`
	LimitReset     *string      `json:"limit_reset"` // daily, weekly, monthly; null for a cap in total
	spentBy
	IncludeBYOK       bool       `json:"include_byok_in_limit"`
	IsFreeTier        bool       `json:"is_free_tier"`
	IsManagementKey   bool       `json:"is_management_key"`
	IsProvisioningKey bool       `json:"is_provisioning_key"`
	CreatorUserID     *string    `json:"creator_user_id"`
	ExpiresAt         *time.Time `json:"expires_at"`
	RateLimit         rateLimit  `json:"rate_limit"`
	// Newer than OpenRouter's published description; its clients insist on them.
	AllowedDataRegions []string  `json:"allowed_data_regions"`
	FreeModelRequests  freeQuota `json:"free_model_daily_requests"`
	OrganizationID     *string   `json:"organization_id"`
	WorkspaceID        uuid.UUID `json:"workspace_id"` // the wallet
}

// freeQuota bounds calls of free models. Here nothing does.
type freeQuota struct {
	Limit     int32 `json:"limit"`
	Remaining int32 `json:"remaining"`
	Used      int32 `json:"used"`
}

type rateLimit struct {
	Requests int    `json:"requests"` // -1: no such limit
	Interval string `json:"interval"`
	Note     string `json:"note"`
}

// currentKey answers GET /api/v1/key.
func (a *API) currentKey(r *http.Request, c caller) (any, error) {
	k, err := a.Keys.Key(r.Context(), c.key, 0)
	if err != nil {
		return nil, err
	}
	data := keyData{
		Label: k.Label, spentBy: spentOf(&k),
		IsManagementKey: c.scope == apikey.Management, IsProvisioningKey: c.scope == apikey.Management,
		AllowedDataRegions: []string{"global"}, FreeModelRequests: freeQuota{Limit: math.MaxInt32, Remaining: math.MaxInt32}, WorkspaceID: k.WalletID,
		RateLimit: rateLimit{Requests: -1, Interval: "10s", Note: "This field is deprecated and has no meaning."},
	}
	if !k.Limits.ExpiresAt.IsZero() {
		expires := k.Limits.ExpiresAt.UTC()
		data.ExpiresAt = &expires
	}
	if l, ok := tightest(&k); ok {
		limit, remaining := number(l.most), number(l.rest)
		data.Limit, data.LimitRemaining, data.LimitReset = &limit, &remaining, l.reset
	}
	return currentKey{data}, nil
}

type spendCap struct {
	most, rest money.Amount
	reset      *string
}

// tightest is the cap with the least remaining: OpenRouter's shape has room for one.
func tightest(k *keys.Key) (found spendCap, ok bool) {
	name := func(s string) *string { return &s }
	caps := k.Limits.Caps
	for _, c := range []struct {
		most  *money.Amount
		spent money.Amount
		reset *string
	}{
		{caps.Day, k.Spent.Day, name("daily")},
		{caps.Week, k.Spent.Week, name("weekly")},
		{caps.Month, k.Spent.Month, name("monthly")},
		{caps.Total, k.Spent.Total, nil},
	} {
		if c.most == nil {
			continue
		}
		rest := money.Max(c.most.Sub(c.spent), money.Zero())
		if !ok || rest.LessThan(found.rest) {
			found, ok = spendCap{most: *c.most, rest: rest, reset: c.reset}, true
		}
	}
	return found, ok
}
