package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
)

// generation answers GET /api/v1/generation?id=.
func (a *API) generation(r *http.Request, c caller) (any, error) {
	given := r.URL.Query().Get("id")
	if given == "" {
		return nil, domain.Errorf(domain.CodeInvalid, "the parameter id is required").With(detailParam, "id")
	}
	id, err := domain.ParseGenerationID(given)
	if err != nil {
		return nil, noGeneration()
	}
	hit, err := a.hit(r.Context(), id, c.wallet)
	if err != nil {
		return nil, err
	}
	paid := id
	if hit != nil {
		paid = hit.Source
	}
	g, err := a.ended(r.Context(), paid, c.wallet)
	if err != nil {
		return nil, err
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	if hit != nil {
		return metadata{hitOf(hit, &g, s)}, nil
	}
	return metadata{metadataOf(&g, s)}, nil
}

func noGeneration() error {
	return domain.Errorf(domain.CodeNotFound, "no such generation, or it still runs")
}

// ended finds a call that has ended. A caller who has just had the last byte asks for what is in the log already but
// maybe not in the read model yet: what is not found is looked up again at the end of the log.
func (a *API) ended(ctx context.Context, id, wallet uuid.UUID) (generations.Generation, error) {
	g, err := a.Generations.Generation(ctx, id, &wallet, 0)
	if found(&g, err) || (err != nil && domain.CodeOf(err) != domain.CodeNotFound) {
		return g, err
	}
	end, err := a.Head.Position(ctx)
	if err != nil {
		return generations.Generation{}, err
	}
	if g, err = a.Generations.Generation(ctx, id, &wallet, end); err != nil || found(&g, err) {
		return g, err
	}
	return generations.Generation{}, noGeneration()
}

func found(g *generations.Generation, err error) bool {
	return err == nil && g.State != generations.Running && g.State != generations.Suspect
}

type metadata struct {
	Data generationData `json:"data"`
}

// generationData is what OpenRouter's /generation has. Members without a value here stay null: there are no apps,
// sessions, searches, media or moderation, and neither origin nor user agent of callers is kept.
type generationData struct {
	ID                    string             `json:"id"`
	RequestID             *string            `json:"request_id"`
	UpstreamID            *string            `json:"upstream_id"`
	SessionID             *string            `json:"session_id"`
	ExternalUser          *string            `json:"external_user"`
	AppID                 *int               `json:"app_id"`
	WorkspaceID           *string            `json:"workspace_id"`
	PresetID              *string            `json:"preset_id"`
	Model                 string             `json:"model"`
	ProviderName          *string            `json:"provider_name"`
	APIType               string             `json:"api_type"`
	Router                *string            `json:"router"`
	ServiceTier           *string            `json:"service_tier"`
	DataRegion            string             `json:"data_region"`
	Streamed              bool               `json:"streamed"`
	Cancelled             bool               `json:"cancelled"`
	FinishReason          *string            `json:"finish_reason"`
	NativeFinishReason    *string            `json:"native_finish_reason"`
	ProviderResponses     []providerResponse `json:"provider_responses"`
	Latency               *int64             `json:"latency"` // ms
	GenerationTime        *int64             `json:"generation_time"`
	ModerationLatency     *int64             `json:"moderation_latency"`
	TokensPrompt          int64              `json:"tokens_prompt"`
	TokensCompletion      int64              `json:"tokens_completion"`
	NativePrompt          int64              `json:"native_tokens_prompt"`
	NativeCompletion      int64              `json:"native_tokens_completion"`
	NativeReasoning       int64              `json:"native_tokens_reasoning"`
	NativeCached          int64              `json:"native_tokens_cached"`
	NativeImages          *int64             `json:"native_tokens_completion_images"`
	NumMediaPrompt        *int64             `json:"num_media_prompt"`
	NumAudioPrompt        *int64             `json:"num_input_audio_prompt"`
	NumMediaCompletion    *int64             `json:"num_media_completion"`
	NumSearchResults      *int64             `json:"num_search_results"`
	NumFetches            *int64             `json:"num_fetches"`
	WebSearchEngine       *string            `json:"web_search_engine"`
	Usage                 json.Number        `json:"usage"`
	TotalCost             json.Number        `json:"total_cost"`
	CacheDiscount         *json.Number       `json:"cache_discount"`
	UpstreamInferenceCost *json.Number       `json:"upstream_inference_cost"` // of a caller's own vendor key only
	IsBYOK                bool               `json:"is_byok"`
	ResponseCacheSourceID *string            `json:"response_cache_source_id"`
	Origin                string             `json:"origin"`
	HTTPReferer           *string            `json:"http_referer"`
	UserAgent             *string            `json:"user_agent"`
	CreatedAt             string             `json:"created_at"`
}

type providerResponse struct {
	ID             string `json:"id,omitempty"`
	EndpointID     string `json:"endpoint_id"`
	ModelPermaslug string `json:"model_permaslug"`
	ProviderName   string `json:"provider_name,omitempty"`
	Status         *int   `json:"status"` // null when the vendor did not answer
	Latency        int64  `json:"latency,omitempty"`
	IsBYOK         bool   `json:"is_byok"`
}

func metadataOf(g *generations.Generation, s *catalog.Snapshot) generationData {
	prompt, completion := g.Usage.Prompt(), g.Usage.Completion()
	data := generationData{
		ID: domain.GenerationID(g.ID), UpstreamID: orNull(g.Call.UpstreamID), Model: g.Model,
		ProviderName: orNull(vendorName(g, s)), APIType: apiType(g.Call.Operation), DataRegion: "global",
		Streamed: g.Call.Streamed, Cancelled: g.Call.Cancelled, FinishReason: orNull(g.Call.FinishReason),
		NativeFinishReason: orNull(g.Call.NativeFinishReason), ProviderResponses: attemptsOf(g, s),
		TokensPrompt: prompt, TokensCompletion: completion, NativePrompt: prompt, NativeCompletion: completion,
		NativeReasoning: g.Usage[usage.Reasoning], NativeCached: g.Usage[usage.CacheRead] + g.Usage[usage.AudioCacheRead],
		ServiceTier: orNull(g.Call.ServiceTier),
		Usage:       number(g.Debited), TotalCost: number(g.Charge), CacheDiscount: cacheDiscount(g, s),
		CreatedAt: g.PlacedAt.UTC().Format(time.RFC3339Nano),
	}
	if g.Call.PresetID != uuid.Nil {
		preset := g.Call.PresetID.String()
		data.PresetID = &preset
	}
	if g.Call.OwnKey != nil {
		upstream := number(g.Call.UpstreamCost)
		data.IsBYOK, data.UpstreamInferenceCost = true, &upstream
	}
	if n := g.Usage[usage.ImageOutput]; n > 0 {
		data.NativeImages = &n
	}
	if g.Call.DurationMS > 0 {
		data.Latency = &g.Call.DurationMS
		writing := max(g.Call.DurationMS-g.Call.FirstTokenMS, 0)
		data.GenerationTime = &writing
	}
	return data
}

// apiType is OpenRouter's word for what was asked; conversations are "completions".
func apiType(operation string) string {
	switch operation {
	case "embeddings", "rerank", "image":
		return operation
	case "speech":
		return "tts"
	case "transcription":
		return "stt"
	}
	return "completions"
}

// responses is the one attempt that decided the call.
func attemptsOf(g *generations.Generation, s *catalog.Snapshot) []providerResponse {
	if g.Call.Attempts == 0 {
		return []providerResponse{}
	}
	last := providerResponse{
		ID: g.Call.UpstreamID, EndpointID: g.Endpoint, ModelPermaslug: g.Model, ProviderName: vendorName(g, s),
		Latency: g.Call.DurationMS, IsBYOK: g.Call.OwnKey != nil,
	}
	if g.Call.Error == "" {
		ok := http.StatusOK
		last.Status = &ok
	}
	return []providerResponse{last}
}

// vendorName is the name of the vendor that served the call; its id when it is no longer published.
func vendorName(g *generations.Generation, s *catalog.Snapshot) string {
	id := g.Vendor
	if id == "" {
		id = s.Endpoints[g.Endpoint].Vendor
	}
	if v, ok := s.Vendors[id]; ok {
		return v.Name
	}
	return id
}

// cacheDiscount is what the prompt would have cost more (or, for written tokens, less) without the vendor's cache, at the
// call's own price version; null when no token came from or went to it.
func cacheDiscount(g *generations.Generation, s *catalog.Snapshot) *json.Number {
	v, ok := s.Price(g.Endpoint, g.PriceVersion)
	if !ok {
		return nil
	}
	price := v.Price
	if g.Call.OwnKey != nil {
		price = price.Part(g.Call.OwnKey.Rate)
	}
	price = price.For(g.Call.ServiceTier)
	saved, cached := money.Zero(), false
	for _, item := range g.LineItems {
		if !slices.Contains([]usage.Class{usage.CacheRead, usage.CacheWrite, usage.CacheWrite1h, usage.AudioCacheRead}, item.Class) {
			continue
		}
		uncached := usage.Input
		if item.Class == usage.AudioCacheRead {
			uncached = usage.AudioInput
		}
		plain := price.Rate(uncached, g.Usage.Prompt(), g.PlacedAt)
		saved, cached = saved.Add(plain.Times(item.Quantity)).Sub(item.Amount), true
	}
	if !cached {
		return nil
	}
	n := number(saved)
	return &n
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
