package inference

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// openAIModel is a model as OpenAI's clients know it.
type openAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix seconds
	OwnedBy string `json:"owned_by"`
}

type openAIList struct {
	Object string        `json:"object"`
	Data   []openAIModel `json:"data"`
}

func openAIOf(c callable) openAIModel {
	author, _, _ := strings.Cut(c.model.ID, "/")
	return openAIModel{ID: c.model.ID, Object: "model", Created: c.model.ReleasedAt.Unix(), OwnedBy: author}
}

// listCallable answers GET /v1/models.
func (a *API) listCallable(r *http.Request, v visitor) (any, error) {
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	list := openAIList{Object: "list", Data: []openAIModel{}}
	for _, c := range allOffered(s, v.group, time.Now()) {
		list.Data = append(list.Data, openAIOf(c))
	}
	return list, nil
}

// getCallable answers GET /v1/models/{author}/{slug}, also with the slash escaped.
func (a *API) getCallable(r *http.Request, v visitor) (any, error) {
	c, err := a.find(r, v.group)
	if err != nil {
		return nil, err
	}
	return openAIOf(c), nil
}

// find is the callable model that the path names, at the prices of a group. Model ids are plain, so a part that had to be escaped is none.
func (a *API) find(r *http.Request, group string) (callable, error) {
	id := chi.URLParam(r, "author") + "/" + chi.URLParam(r, "slug")
	if whole := chi.URLParam(r, "model"); whole != "" {
		id = whole
	}
	id, err := url.PathUnescape(id)
	if err != nil {
		return callable{}, unknownModel()
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return callable{}, err
	}
	c, ok := offered(s, id, group, time.Now())
	if !ok {
		return callable{}, unknownModel()
	}
	return c, nil
}

func unknownModel() error {
	return domain.Errorf(domain.CodeModelNotFound, "no such model, or none that can be called now")
}

// routableList is OpenRouter's list of models.
type routableList struct {
	Data       []routable `json:"data"`
	TotalCount int        `json:"total_count"`
	Links      pageLinks  `json:"links"`
}

type pageLinks struct {
	Next *string `json:"next"`
}

// listModels answers GET /api/v1/models, also as a feed.
func (a *API) listModels(r *http.Request, v visitor) (any, error) {
	f, err := parseFilter(r.URL.Query(), time.Now())
	if err != nil {
		return nil, err
	}
	list, err := a.list(r, f, v.group, nil)
	if err != nil || r.URL.Query().Get("use_rss") != "true" {
		return list, err
	}
	return feedOf(list), nil
}

// listEmbeddings answers GET /api/v1/embeddings/models.
func (a *API) listEmbeddings(r *http.Request, v visitor) (any, error) {
	f, err := parsePage(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f.wish(func(c callable) bool { return slices.Contains(c.model.OutputModalities, "embeddings") })
	return a.list(r, f, v.group, nil)
}

// listMine answers GET /api/v1/models/user: what the calling key may call.
func (a *API) listMine(r *http.Request, c caller) (any, error) {
	f, err := parsePage(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return a.list(r, f, c.group, func(m callable) bool { return c.scope == apikey.Inference && c.limits.Allows(m.model.ID) })
}

// list is a page of the models that pass a filter, at the prices of a group; allowed is nil for everybody.
func (a *API) list(r *http.Request, f filter, group string, allowed func(callable) bool) (*routableList, error) {
	if allowed != nil {
		f.wish(allowed)
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	found := f.apply(allOffered(s, group, time.Now()))
	standing, err := a.standing(r.Context(), f.sort, found)
	if err != nil {
		return nil, err
	}
	f.order(found, standing)
	list := routableList{Data: []routable{}, TotalCount: len(found)}
	first, last := f.window(len(found))
	for _, c := range found[first:last] {
		list.Data = append(list.Data, routableOf(c))
	}
	if last < len(found) {
		next := f.next(r.URL, last)
		list.Links.Next = &next
	}
	return &list, nil
}

// countModels answers GET /api/v1/models/count.
func (a *API) countModels(r *http.Request, v visitor) (any, error) {
	p := newParameters(r.URL.Query())
	var f filter
	f.writes(p)
	if err := p.done(); err != nil {
		return nil, err
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	type count struct {
		Count int `json:"count"`
	}
	return envelope[count]{count{len(f.apply(allOffered(s, v.group, time.Now())))}}, nil
}

// envelope is an answer in OpenRouter's envelope.
type envelope[T any] struct {
	Data T `json:"data"`
}

// getModel answers GET /api/v1/model/{author}/{slug}.
func (a *API) getModel(r *http.Request, v visitor) (any, error) {
	c, err := a.findInUSD(r, v.group)
	if err != nil {
		return nil, err
	}
	return envelope[routable]{routableOf(c)}, nil
}

// listEndpoints answers GET /api/v1/models/{author}/{slug}/endpoints; how fast they are is for those with a key.
func (a *API) listEndpoints(r *http.Request, v visitor) (any, error) {
	c, err := a.findInUSD(r, v.group)
	if err != nil {
		return nil, err
	}
	seen, err := a.performance(r.Context(), c.model.ID)
	if err != nil {
		return nil, err
	}
	return envelope[routableEndpoints]{endpointsOf(c, seen, v.known)}, nil
}

// listZDR answers GET /api/v1/endpoints/zdr: the endpoints that retain nothing. Of their uptimes only those of the last minutes are told
// here.
func (a *API) listZDR(r *http.Request, v visitor) (any, error) {
	if err := newParameters(r.URL.Query()).done(); err != nil {
		return nil, err
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	list := envelope[[]routableEndpoint]{[]routableEndpoint{}}
	for _, c := range allOffered(s, v.group, time.Now()) {
		for _, o := range inUSD(c).offers {
			if o.keepsNothing() {
				list.Data = append(list.Data, endpointOf(c, o, a.performanceNow(o.endpoint.ID), v.known))
			}
		}
	}
	return list, nil
}

func (a *API) findInUSD(r *http.Request, group string) (callable, error) {
	if err := newParameters(r.URL.Query()).done(); err != nil {
		return callable{}, err
	}
	c, err := a.find(r, group)
	if err != nil {
		return callable{}, err
	}
	if c = inUSD(c); len(c.offers) == 0 {
		return callable{}, unknownModel()
	}
	return c, nil
}
