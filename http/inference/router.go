// Package inference is the surface for callers of models: OpenAI's chat completions, and what callers may know of models,
// prices and their own account in the shapes of OpenAI and OpenRouter.
//
//	call.go, sse.go              calls of models; dialect.go, what differs between their wire formats and operations
//	models.go                    GET …/models; offer.go what can be called now, filter.go the filters, performance.go how it does
//	providers.go                 GET /api/v1/providers
//	credits.go, key.go           GET /api/v1/credits, /api/v1/key
//	keys.go, managed.go          /api/v1/keys
//	generation.go                GET /api/v1/generation
//	content.go, content_said.go  GET /api/v1/generation/content
//	activity.go                  GET /api/v1/activity
//	leak.go                      POST /api/v1/leaked-keys
//	appcode.go                   /api/v1/auth/keys
package inference

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/gateway/limit"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
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

// Keyring is where keys are issued, changed and ended. Commands are idempotent by the id in their Meta.
type Keyring interface {
	IssueKey(context.Context, commands.Meta, commands.IssueKey) (commands.Done, commands.Receipt, error)
	ChangeKey(context.Context, commands.Meta, commands.ChangeKey) (commands.Done, commands.Receipt, error)
	RevokeKey(context.Context, commands.Meta, commands.RevokeKey) (commands.Done, commands.Receipt, error)
	ReportLeak(context.Context, commands.Meta, commands.ReportLeak) (commands.Done, commands.Receipt, error)
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
	Health      Measurements
	Keyring     Keyring
	// Limiter bounds how often a minute a key asks for anything but calls; nil does not.
	Limiter interface {
		Share(scopes ...limit.Scope) error
	}
	PerKey   int64
	Trail    audited.Recorder // of what keys that manage do; nil keeps none
	Contents Contents         // nil for a service that stores none
	Hits     Hits             // nil for a service without a cache of answers

	Codes    AppCodes // by which apps get keys; nil for a service without people
	Granters Granters // with Codes

	seen statistics
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
		r.Get("/api/v1/models/count", a.open(a.countModels))
		r.Get("/api/v1/models/user", a.owned(a.listMine))
		r.Get("/api/v1/models/{author}/{slug}/endpoints", a.open(a.listEndpoints))
		r.Get("/api/v1/model/{author}/{slug}", a.open(a.getModel))
		r.Get("/api/v1/embeddings/models", a.open(a.listEmbeddings))
		r.Get("/api/v1/endpoints/zdr", a.open(a.listZDR))
		r.Get("/api/v1/providers", a.open(a.listProviders))
		r.Get("/api/v1/credits", a.owned(a.credits))
		r.Get("/api/v1/key", a.owned(a.currentKey))
		r.With(middleware.Body(leaksBody, keysRead)).Post("/api/v1/leaked-keys", a.reportLeaks)
		r.With(middleware.Body(keysBody, keysRead)).Post("/api/v1/auth/keys", a.exchangeCode)
		r.With(middleware.Body(keysBody, keysRead)).Post("/api/v1/auth/keys/code", a.managing("make_app_code", a.createCode))
		r.Get("/api/v1/generation", a.owned(a.generation))
		r.Get("/api/v1/generation/content", a.managing(readContent, a.content))
		r.Get("/api/v1/activity", a.owned(a.activity))
		r.Group(a.mountKeys)
	})
}

// open is for what everybody may know. A key is not needed, but one that is sent has to be valid: a client that believes
// that its key works must not be left to believe it. Who has a key sees the prices of its group, which is for nobody else.
func (a *API) open(answer func(r *http.Request, v visitor) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visitor{known: r.Header.Get("Authorization") != ""}
		if v.known {
			key, _, err := authenticate(a.Callers, r)
			if err != nil {
				WriteError(w, r, err)
				return
			}
			v.group = key.PriceGroup
		}
		reply(w, r, func(r *http.Request) (any, error) { return answer(r, v) })
	}
}

// visitor is who asks for what everybody may know.
type visitor struct {
	known bool   // with a key
	group string // whose prices are shown; "" for the list's
}

// caller is whose key a request carries.
type caller struct {
	key, wallet uuid.UUID
	scope       apikey.Scope
	limits      apikey.Limits
	group       string // whose prices it pays
}

// owned is for what a key's owner may know.
func (a *API) owned(answer func(r *http.Request, c caller) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, _, err := authenticate(a.Callers, r)
		if key.ID == uuid.Nil && err != nil {
			WriteError(w, r, err)
			return
		}
		learn(r, &key)
		reply(w, r, func(r *http.Request) (any, error) {
			if err := cmp.Or(a.pace(key.ID), err); err != nil { // also where it is refused: each time is an entry
				return nil, err
			}
			r = r.WithContext(checkpoint.ForTenants(r.Context(), []uuid.UUID{key.WalletID})) // the second wall
			return answer(r, caller{key: key.ID, wallet: key.WalletID, scope: key.Scope, limits: key.Limits, group: key.PriceGroup})
		})
	}
}

// scopeQueries is the kind of scope that bounds what a key asks beside calls, as callers see it.
const scopeQueries = "key_queries"

func (a *API) pace(key uuid.UUID) error {
	if a.Limiter == nil {
		return nil
	}
	return a.Limiter.Share(limit.Scope{Kind: scopeQueries, ID: key.String(), Limits: limit.Limits{Requests: a.PerKey}})
}

// answerer is an answer that is not JSON with status 200.
type answerer interface {
	answer() (status int, media string, body []byte, err error)
}

// created is an answer with status 201.
type created struct{ value any }

func (c created) answer() (status int, media string, body []byte, err error) {
	body, err = json.Marshal(c.value)
	return http.StatusCreated, mediaJSON, body, err
}

const mediaJSON = "application/json"

func reply(w http.ResponseWriter, r *http.Request, answer func(r *http.Request) (any, error)) {
	value, err := answer(r)
	if err != nil {
		WriteError(w, r, problem.Safe(err))
		return
	}
	status, media := http.StatusOK, mediaJSON
	var body []byte
	if special, ok := value.(answerer); ok {
		status, media, body, err = special.answer()
	} else {
		body, err = json.Marshal(value)
	}
	if err != nil {
		WriteError(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}
