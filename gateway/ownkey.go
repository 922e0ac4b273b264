package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/routing"
)

// keysFor are the keys that a model's vendors may be called with.
type keysFor struct {
	own      map[string][]*ownkey.Usable // the customer's, by vendor
	platform bool                        // the platform's may be, too
}

// at are those of a vendor, one after the other: the customer's, then nil for the platform's.
func (k *keysFor) at(vendor string) []*ownkey.Usable {
	own := k.own[vendor]
	if !k.platform {
		return own
	}
	return append(own[:len(own):len(own)], nil)
}

// ownKeys finds the keys for a model. One that is to be the only one keeps the platform's from all vendors of the model: the call is not to be
// charged at its whole price.
func (r *run) ownKeys(picture *Picture, model string) (keysFor, error) {
	k := keysFor{platform: true}
	if r.g.o.OwnKeys == nil {
		return k, nil
	}
	usable, err := r.g.o.OwnKeys.ByVendor(r.call.WalletID, model, r.call.KeyID)
	if err != nil || len(usable) == 0 {
		return k, err
	}
	k.own = make(map[string][]*ownkey.Usable, len(usable))
	for _, id := range picture.ByModel[model] {
		vendor := picture.Endpoints[id].Vendor
		if _, done := k.own[vendor]; done || picture.Endpoints[id].Status != catalog.Active {
			continue
		}
		all := usable[vendor]
		for i := range all {
			k.platform = k.platform && !all[i].Only
			k.own[vendor] = append(k.own[vendor], &all[i])
		}
	}
	return k, nil
}

// foundOwnKey is a key of a customer's by its id; nil when it is not there any more.
func (g *Gateway) foundOwnKey(id uuid.UUID) *ownkey.Usable {
	if g.o.OwnKeys == nil {
		return nil
	}
	k, ok := g.o.OwnKeys.Find(id)
	if !ok {
		return nil
	}
	return &k
}

// maxOwnTargets bounds the prepared calls with keys of customers.
const maxOwnTargets = 1024

// targetOf prepares the calls to a vendor with a key of the customer's, or with the platform's. Either way they go to the vendor's address.
func (g *Gateway) targetOf(v catalog.Vendor, own *ownkey.Usable) (*target, error) {
	if own == nil {
		return g.target(v)
	}
	if v.Wire != nil && v.Wire.Auth == catalog.AuthNone {
		return nil, errNoCredential
	}
	keys := []credential.Credential{own.Credential}
	name := v.ID + "/" + own.Credential.ID
	g.targetsMu.RLock()
	t, ok := g.ownTargets[name]
	g.targetsMu.RUnlock()
	if ok && t.serves(&v, keys) {
		return t, nil
	}
	g.targetsMu.Lock()
	defer g.targetsMu.Unlock()
	if t, ok := g.ownTargets[name]; ok && t.serves(&v, keys) {
		return t, nil
	}
	t, err := g.newTarget(v, keys)
	if err != nil {
		return nil, err
	}
	if len(g.ownTargets) >= maxOwnTargets {
		clear(g.ownTargets)
	}
	g.ownTargets[name] = t
	return t, nil
}

// ownMark stands between an endpoint and a customer's key. No endpoint's id has it.
const ownMark = "#"

// measuredAs is the name by which routing knows a route.
func (r *route) measuredAs() string {
	if r.own == nil {
		return r.endpoint.ID
	}
	return r.endpoint.ID + ownMark + r.own.ID.String()
}

// ownKey is what the hold says of the key.
func (r *run) ownKey() *wallet.OwnKey {
	if r.route.own == nil {
		return nil
	}
	return &wallet.OwnKey{ID: r.route.own.ID, Rate: r.g.o.OwnKeyRate}
}

// ownKeyRefused tells the caller that a vendor does not take the caller's key.
func ownKeyRefused(vendor string, cause error) *domain.Error {
	return domain.Errorf(CodeOwnKeyRefused, "the vendor %s does not take your own key: look at it there, or replace, disable or delete it here", vendor).
		With("vendor", vendor).Wrap(cause)
}

// explained makes it clear that a call cannot be served because the only keys that may serve it are the caller's, and were refused a short time ago.
func (r *run) explained(refusal *domain.Error) *domain.Error {
	if refusal.Code != routing.CodeVendorUnavailable || len(r.offers) == 0 {
		return refusal
	}
	now := r.g.o.Now()
	var wait time.Duration
	for i := range r.offers {
		o := &r.offers[i]
		if o.own == nil {
			return refusal
		}
		ready, retry := r.g.health.own.Ready(o.target.credentials, "", now)
		if ready {
			return refusal
		}
		wait = max(wait, retry)
	}
	e := ownKeyRefused(r.offers[0].vendor.ID, errors.New("it was set aside"))
	if wait > 0 {
		e = e.With("retry_after", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	return e
}

// Takes implements ownkey.Vendors.
func (g *Gateway) Takes(ctx context.Context, vendor, secret string) error {
	picture, err := g.o.Catalog.Get(ctx)
	if err != nil {
		return domain.Errorf(domain.CodeUnavailable, "the catalogue cannot be read now; try again").Wrap(err)
	}
	v, ok := picture.Vendors[vendor]
	if !ok || v.Status != catalog.Active {
		// It may have been published just now.
		if renewed, failed := g.o.Catalog.Renew(ctx); failed == nil {
			v, ok = renewed.Vendors[vendor]
		}
	}
	if !ok || v.Status != catalog.Active {
		return domain.Errorf(domain.CodeVendorNotFound, "there is no vendor %q", clip(vendor)).With("member", "/vendor")
	}
	if v.Wire != nil && v.Wire.Auth == catalog.AuthNone {
		return domain.Errorf(domain.CodeInvalid, "the vendor %q wants no key", vendor).With("member", "/vendor")
	}
	if _, err := g.newTarget(v, []credential.Credential{{ID: "own", Secret: secret}}); err != nil {
		return domain.Errorf(domain.CodeInvalid, "this is no key of the form that the vendor %q has", vendor).With("member", "/secret")
	}
	return nil
}
