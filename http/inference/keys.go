package inference

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/http/audited"
	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/projections/keys"
)

const (
	keysBody   = 64 << 10 // bytes: far more than any of these bodies needs
	keysRead   = 15 * time.Second
	keysOnPage = 100
	maxSkipped = 1 << 31
)

// mountKeys adds what management keys do.
func (a *API) mountKeys(r chi.Router) {
	r.Use(middleware.Body(keysBody, keysRead))
	r.Get("/api/v1/keys", a.managing("list_keys", a.listKeys))
	r.Post("/api/v1/keys", a.managing("issue_key", a.createKey))
	r.Get("/api/v1/keys/{hash}", a.managing("get_key", a.getKey))
	r.Patch("/api/v1/keys/{hash}", a.managing("change_key", a.updateKey))
	r.Delete("/api/v1/keys/{hash}", a.managing("revoke_key", a.deleteKey))
}

// readContent is the one read of keys that manage that leaves an entry of the audit trail.
const readContent = "read_content"

// managing is for management keys. Others are answered as if they had sent none: that is what OpenRouter's clients expect of these routes.
// What is done, and what a known key is refused, is in the audit trail as operation.
func (a *API) managing(operation string, answer func(r *http.Request, c caller) (any, error)) http.HandlerFunc {
	return audited.ByKey(a.Trail, operation, operation == readContent, WriteError, a.owned(func(r *http.Request, c caller) (any, error) {
		if c.scope != apikey.Management {
			return nil, domain.Errorf(domain.CodeUnauthenticated, "this needs a management key")
		}
		return answer(r, c)
	}))
}

// learn tells the scope of the audit trail, if the request has one, whose key it carries.
func learn(r *http.Request, key *auth.Key) {
	trail.From(r.Context()).Learn(func(w *trail.Who) {
		w.Actor, w.Wallet, w.Target = trail.Of("key", key.ID), key.WalletID, trail.Of("wallet", key.WalletID)
		if key.Scope == apikey.Management {
			w.Role = audited.RoleManagement
		}
	})
}

// listKeys answers GET /api/v1/keys.
func (a *API) listKeys(r *http.Request, c caller) (any, error) {
	p := newParameters(r.URL.Query())
	ask := keys.ManagedRequest{
		WalletID: c.wallet, Disabled: p.oneOf("include_disabled", "true", "false") == "true",
		Offset: p.whole("offset", 0, 0, maxSkipped), Limit: keysOnPage,
	}
	if workspace := p.text("workspace_id"); p.has("workspace_id") && workspace != c.wallet.String() {
		p.refuse("workspace_id")
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	var err error
	if ask.MinPosition, err = a.Head.Position(r.Context()); err != nil {
		return nil, err
	}
	page, err := a.Keys.Managed(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	list := envelope[[]managedKey]{make([]managedKey, len(page.Keys))}
	for i := range page.Keys {
		list.Data[i] = managedKeyOf(&page.Keys[i])
	}
	return list, nil
}

// getKey answers GET /api/v1/keys/{hash}.
func (a *API) getKey(r *http.Request, c caller) (any, error) {
	k, err := a.managed(r, c)
	if err != nil {
		return nil, err
	}
	return envelope[managedKey]{managedKeyOf(&k)}, nil
}

// managed is the key that the path names, as of the end of the log: whoever has just changed it sees that.
func (a *API) managed(r *http.Request, c caller) (keys.Key, error) {
	if err := newParameters(r.URL.Query()).done(); err != nil {
		return keys.Key{}, err
	}
	var hash apikey.Hash
	if err := hash.UnmarshalText([]byte(chi.URLParam(r, "hash"))); err != nil {
		return keys.Key{}, noKey()
	}
	end, err := a.Head.Position(r.Context())
	if err != nil {
		return keys.Key{}, err
	}
	k, err := a.Keys.ManagedByHash(r.Context(), c.wallet, hash, end)
	if domain.CodeOf(err) == domain.CodeKeyNotFound {
		return k, noKey()
	}
	return k, err
}

// noKey has a code of its own: that of keys means the caller's own key on this surface.
func noKey() error { return domain.Errorf(domain.CodeNotFound, "there is no such key") }

// createKey answers POST /api/v1/keys. With an Idempotency-Key a repeated request makes no second key; its secret was shown once.
func (a *API) createKey(r *http.Request, c caller) (any, error) {
	if err := newParameters(r.URL.Query()).done(); err != nil {
		return nil, err
	}
	limits, err := readCreate(r.Body, c.wallet)
	if err != nil {
		return nil, err
	}
	limits.MemberID = c.limits.MemberID // whose key manages, that one's caps hold, and with that one it ends
	m, err := a.meta(r, c, "create_key")
	if err != nil {
		return nil, err
	}
	id := domain.DeriveID(m.CommandID, "key")
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("draw a secret: %w", err)
	}
	secret := apikey.Secret(id, random)
	k := keys.Key{WalletID: c.wallet, Hash: apikey.HashSecret(secret), Label: apikey.Label(secret), Limits: limits}
	_, done, err := a.Keyring.IssueKey(r.Context(), m, commands.IssueKey{
		KeyID: id, WalletID: c.wallet, Hash: k.Hash, Label: k.Label, Limits: limits,
	})
	if errors.Is(err, &domain.Error{Code: domain.CodeIdempotencyConflict}) || (err == nil && done.Replayed) {
		return nil, domain.Errorf(domain.CodeIdempotencyConflict, "this Idempotency-Key was used before: a secret is shown once, in the first answer")
	}
	if err != nil {
		return nil, err
	}
	k.IssuedAt, k.UpdatedAt = done.RecordedAt.UTC(), done.RecordedAt.UTC()
	// The key works from here on. Where that cannot be waited for it does within moments; its secret has to be told now or never.
	if found, err := a.Keys.Key(r.Context(), id, done.Position); err == nil {
		k = found
	}
	return created{struct {
		Data managedKey `json:"data"`
		Key  string     `json:"key"`
	}{managedKeyOf(&k), secret}}, nil
}

// updateKey answers PATCH /api/v1/keys/{hash}.
func (a *API) updateKey(r *http.Request, c caller) (any, error) {
	change, err := readChange(r.Body)
	if err != nil {
		return nil, err
	}
	k, err := a.managed(r, c)
	if err != nil {
		return nil, err
	}
	m, err := a.meta(r, c, "update_key "+k.ID.String())
	if err != nil {
		return nil, err
	}
	_, done, err := a.Keyring.ChangeKey(r.Context(), m, commands.ChangeKey{KeyID: k.ID, WalletID: c.wallet, Change: change})
	if err != nil {
		return nil, gone(err)
	}
	if k, err = a.Keys.ManagedByHash(r.Context(), c.wallet, k.Hash, done.Position); err != nil {
		return nil, gone(err)
	}
	return envelope[managedKey]{managedKeyOf(&k)}, nil
}

// deleteKey answers DELETE /api/v1/keys/{hash}.
func (a *API) deleteKey(r *http.Request, c caller) (any, error) {
	k, err := a.managed(r, c)
	if err != nil {
		return nil, err
	}
	m, err := a.meta(r, c, "delete_key "+k.ID.String())
	if err != nil {
		return nil, err
	}
	if _, _, err := a.Keyring.RevokeKey(r.Context(), m, commands.RevokeKey{KeyID: k.ID, Reason: "deleted by a management key"}); err != nil {
		return nil, gone(err)
	}
	return struct {
		Deleted bool `json:"deleted"`
	}{true}, nil
}

// gone turns what somebody else has just done to the key into what the caller would have been told a moment later.
func gone(err error) error {
	switch domain.CodeOf(err) {
	case domain.CodeKeyNotFound, domain.CodeKeyRevoked:
		return noKey()
	default:
		return err
	}
}

// meta identifies a command: by the caller's Idempotency-Key, within operation and key, or else by a fresh id.
func (a *API) meta(r *http.Request, c caller, operation string) (commands.Meta, error) {
	id := request.ID(r.Context())
	m := commands.Meta{Actor: "key:" + c.key.String(), CorrelationID: id, CausationID: id}
	token, err := idempotencyKey(r.Header)
	if err != nil {
		return m, err
	}
	if token == "" {
		m.CommandID, err = uuid.NewV7()
		if err != nil {
			return m, fmt.Errorf("draw a command id: %w", err)
		}
		return m, nil
	}
	if !tokenPattern.MatchString(token) {
		return m, domain.Errorf(domain.CodeInvalid, "an Idempotency-Key has 1 to 200 printable ASCII characters without spaces").
			With(detailParam, "Idempotency-Key")
	}
	m.CommandID = domain.IDFromKey(operation+" "+m.Actor, token)
	return m, nil
}

var tokenPattern = regexp.MustCompile(`^[!-~]{1,200}$`)
