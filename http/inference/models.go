package inference

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/massrouter/massrouter/domain"
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
func (a *API) listCallable(r *http.Request) (any, error) {
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	list := openAIList{Object: "list", Data: []openAIModel{}}
	for _, c := range allOffered(s, time.Now()) {
		list.Data = append(list.Data, openAIOf(c))
	}
	return list, nil
}

// getCallable answers GET /v1/models/{author}/{slug}, also with the slash escaped.
func (a *API) getCallable(r *http.Request) (any, error) {
	c, err := a.find(r)
	if err != nil {
		return nil, err
	}
	return openAIOf(c), nil
}

// find is the callable model that the path names. Model ids are plain, so a part that had to be escaped is none.
func (a *API) find(r *http.Request) (callable, error) {
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
	c, ok := offered(s, id, time.Now())
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

// listModels answers GET /api/v1/models.
func (a *API) listModels(r *http.Request) (any, error) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return nil, err
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	found := f.apply(allOffered(s, time.Now()))
	list := routableList{Data: []routable{}, TotalCount: len(found)}
	first, last := f.window(len(found))
	for _, c := range found[first:last] {
		list.Data = append(list.Data, routableOf(c))
	}
	if last < len(found) {
		next := f.next(r.URL, last)
		list.Links.Next = &next
	}
	return list, nil
}

// listEndpoints answers GET /api/v1/models/{author}/{slug}/endpoints.
func (a *API) listEndpoints(r *http.Request) (any, error) {
	c, err := a.find(r)
	if err != nil {
		return nil, err
	}
	if c = inUSD(c); len(c.offers) == 0 {
		return nil, unknownModel()
	}
	return struct {
		Data routableEndpoints `json:"data"`
	}{endpointsOf(c)}, nil
}
