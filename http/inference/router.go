// Package inference is the surface for callers of models: OpenAI's chat completions, and what callers may know of models,
// prices and their own account in the shapes of OpenAI and OpenRouter.
//
//	call.go, sse.go              calls of models; dialect.go, what differs between their wire formats
//	models.go                    GET …/models; offer.go what can be called now, filter.go the filters
//	credits.go, key.go           GET /api/v1/credits, /api/v1/key
//	generation.go                GET /api/v1/generation
//	activity.go                  GET /api/v1/activity
package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/usage"
)

const metadataTime = 15 * time.Second

// Head tells where the log ends.
type Head interface {
	// Position is the last committed position; 0 before the first event.
	Position(ctx context.Context) (int64, error)
}

// API is the inference API: calls of models, and what callers may know of models, prices and their own account.
type API struct {
	Calls       *Calls
	Callers     Authenticator
	Catalog     *catalog.Cache
	Balance     *balance.Query
	Keys        *keys.Query
	Generations *generations.Query
	Usage       *usage.Query
	Head        Head
}

// Mount adds the routes to a router.
func (a *API) Mount(r chi.Router) {
	a.Calls.Mount(r)
	r.Group(func(r chi.Router) {
		r.Use(middleware.Timeout(metadataTime))
		r.Get("/v1/models", a.open(a.listCallable))
		r.Get("/v1/models/{author}/{slug}", a.open(a.getCallable))
		r.Get("/v1/models/{model}", a.open(a.getCallable))
		r.Get("/api/v1/models", a.open(a.listModels))
		r.Get("/api/v1/models/{author}/{slug}/endpoints", a.open(a.listEndpoints))
		r.Get("/api/v1/credits", a.owned(a.credits))
		r.Get("/api/v1/key", a.owned(a.currentKey))
		r.Get("/api/v1/generation", a.owned(a.generation))
		r.Get("/api/v1/activity", a.owned(a.activity))
	})
}

// open is for what everybody may know. A key is not needed, but one that is sent has to be valid: a client that believes
// that its key works must not be left to believe it.
func (a *API) open(answer func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			if _, _, err := authenticate(a.Callers, r); err != nil {
				WriteError(w, r, err)
				return
			}
		}
		reply(w, r, answer)
	}
}

// caller is whose key a request carries.
type caller struct{ key, wallet uuid.UUID }

// owned is for what a key's owner may know.
func (a *API) owned(answer func(r *http.Request, c caller) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, _, err := authenticate(a.Callers, r)
		if err != nil {
			WriteError(w, r, err)
			return
		}
		reply(w, r, func(r *http.Request) (any, error) { return answer(r, caller{key: key.ID, wallet: key.WalletID}) })
	}
}

func reply(w http.ResponseWriter, r *http.Request, answer func(r *http.Request) (any, error)) {
	value, err := answer(r)
	if err != nil {
		WriteError(w, r, problem.Safe(err))
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		WriteError(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that went away needs no answer
}
