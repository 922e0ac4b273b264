package auth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/access"
	"github.com/massrouter/massrouter/identity/organisation"
)

// Reach is on whose things an operation acts, and so whose permission counts.
type Reach string

// The reaches.
const (
	ReachOpen     Reach = "open"     // nobody has to be signed in
	ReachSelf     Reach = "self"     // on the own account, of whoever is signed in
	ReachAnywhere Reach = "anywhere" // on nobody's things: the permission on the platform, or in any organisation
	ReachTenant   Reach = "tenant"   // on the things of one wallet or organisation: the permission there, or on the platform
	ReachPlatform Reach = "platform" // on everything
)

// Kind is what an id in an operation's path or query is of, and the name of the parameter.
type Kind string

// The kinds of things that belong to somebody.
const (
	OfWallet       Kind = "wallet_id"
	OfKey          Kind = "key_id"
	OfApp          Kind = "app_id"
	OfPreset       Kind = "preset_id"
	OfWebhook      Kind = "webhook_id"
	OfGeneration   Kind = "generation_id"
	OfOrganisation Kind = "organisation_id"
)

// kinds are all of them. What a path has first decides: what comes after it is looked for within.
func kinds() []Kind {
	return []Kind{OfWallet, OfKey, OfApp, OfPreset, OfWebhook, OfGeneration, OfOrganisation}
}

// Rule is on whose things an operation acts. Kind and Query are for the reach tenant: which parameter says whose, and whether it is one of the query.
type Rule struct {
	Reach Reach
	Kind  Kind
	Query bool
}

// Rule follows from the path of an operation, so that a new one cannot be forgotten: one with an id of something that belongs to somebody acts on that, and
// one without acts on everything, unless it is named here.
func (o Operation) Rule() Rule {
	switch {
	case o.Permission == Anybody:
		return Rule{Reach: ReachOpen}
	case o.Permission == Oneself:
		return Rule{Reach: ReachSelf}
	case slices.Contains(anywhere(), o.ID):
		return Rule{Reach: ReachAnywhere}
	case slices.Contains(narrowed(), o.ID):
		return Rule{Reach: ReachTenant, Kind: OfWallet, Query: true}
	}
	for _, kind := range kinds() {
		if strings.Contains(o.Pattern, "{"+string(kind)+"}") {
			return Rule{Reach: ReachTenant, Kind: kind}
		}
	}
	return Rule{Reach: ReachPlatform}
}

// anywhere are the operations on what belongs to nobody and customers may see: the catalogue, and rankings, which name no wallet.
func anywhere() []string {
	return []string{"ListVendors", "ListModels", "GetModel", "GetRanking", "GetDailyRanking"}
}

// narrowed are the lists that are of everybody's things unless wallet_id is given.
func narrowed() []string {
	return []string{"ListGenerations", "AggregateUsage", "SeriesUsage", "ListUsageGroups", "ListUsageCalls", "StreamUpdates", "ListAuditEntries", "ExportAuditEntries"}
}

// Owners finds out to whom things belong.
type Owners interface {
	// WalletOf is the wallet that something belongs to, as the read models know it at minPosition or later. Errors: not_found when there is no
	// such thing, invalid_request when the id cannot be one.
	WalletOf(ctx context.Context, kind Kind, id string, minPosition int64) (uuid.UUID, error)

	// MemberOf is whose key a key is at the end of the log; the nil id for one of nobody in particular. Errors: not_found.
	MemberOf(ctx context.Context, key string) (uuid.UUID, error)
}

// Acting is as what an actor does something.
type Acting struct {
	Role         string      // "operator" for the token; of the platform: "platform:" and the roles; in an organisation: the role there; "" for oneself
	Wallets      []uuid.UUID // of the organisations on whose things it acts with a role there; none on the platform
	Organisation uuid.UUID   // of the first of them
}

// decide says as what an actor may do what a request asks. Who may not see that something is there gets not_found, as for an unknown id; who may see it, but may
// not do this, forbidden.
func decide(r *http.Request, owners Owners, a Actor, o Operation) (Acting, error) {
	rule := o.Rule()
	switch {
	case rule.Reach == ReachOpen:
		return Acting{}, nil
	case rule.Reach == ReachSelf:
		if a.User == uuid.Nil {
			return Acting{}, domain.Errorf(domain.CodeForbidden, "this is about somebody who is signed in")
		}
		return Acting{}, nil
	case a.Platform.Has(o.Permission):
		return Acting{Role: a.role()}, shown(r.Context(), owners, a, o, chi.URLParam(r, string(rule.Kind)))
	case rule.Reach == ReachAnywhere:
		for _, t := range a.Tenants {
			if t.Permissions.Has(o.Permission) {
				return Acting{Role: string(t.Role)}, nil
			}
		}
	case rule.Reach == ReachTenant:
		return forTenant(r, owners, a, o, rule)
	}
	return Acting{}, Authorize(a, o.Permission)
}

func forTenant(r *http.Request, owners Owners, a Actor, o Operation, rule Rule) (acting Acting, err error) {
	if len(a.Tenants) == 0 {
		return acting, hidden(a, o, rule.Kind)
	}
	ids := []string{chi.URLParam(r, string(rule.Kind))}
	if rule.Query {
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return acting, domain.Errorf(domain.CodeInvalid, "the query string is malformed").Wrap(err)
		}
		if ids = values[string(rule.Kind)]; len(ids) == 0 {
			if !a.Platform.Empty() {
				return acting, Authorize(a, o.Permission)
			}
			return acting, domain.Errorf(domain.CodeInvalid, "say whose with %s", rule.Kind).With("parameter", string(rule.Kind))
		}
	}
	for _, id := range ids {
		wallet, err := walletOf(r, owners, a, rule.Kind, id)
		if domain.CodeOf(err) == domain.CodeNotFound {
			return acting, hidden(a, o, rule.Kind)
		}
		if err != nil {
			return acting, err
		}
		tenant, mine := a.Tenants[wallet]
		switch {
		case !mine:
			return acting, hidden(a, o, rule.Kind)
		case !tenant.Permissions.Has(o.Permission):
			acting.Role = string(tenant.Role)
			return acting, domain.Errorf(domain.CodeForbidden, "this needs the permission %s, which the role %s does not have", o.Permission, tenant.Role).
				With("permission", string(o.Permission))
		}
		if rule.Kind == OfKey && o.Permission == KeysWrite {
			if err := changeable(r.Context(), owners, a, tenant, o, id); err != nil {
				acting.Role = string(tenant.Role)
				return acting, err
			}
		}
		if len(acting.Wallets) == 0 {
			acting.Role, acting.Organisation = string(tenant.Role), tenant.Organisation
		}
		acting.Wallets = append(acting.Wallets, wallet)
	}
	return acting, nil
}

// walletOf is the wallet that an id leads to; of those of the actor's own organisations no read model is asked.
func walletOf(r *http.Request, owners Owners, a Actor, kind Kind, id string) (uuid.UUID, error) {
	if kind != OfWallet && kind != OfOrganisation {
		return owners.WalletOf(r.Context(), kind, id, minPosition(r))
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed", kind).With("parameter", string(kind))
	}
	if kind == OfWallet {
		return parsed, nil
	}
	for wallet, tenant := range a.Tenants {
		if tenant.Organisation == parsed {
			return wallet, nil
		}
	}
	return uuid.Nil, domain.Errorf(domain.CodeNotFound, "there is no such organisation")
}

// hidden is what is answered about things of which the actor may not know that they exist. Who has a role on the platform may, but may not do this.
func hidden(a Actor, o Operation, kind Kind) error {
	if !a.Platform.Empty() {
		return Authorize(a, o.Permission)
	}
	return domain.Errorf(domain.CodeNotFound, "there is no such %s", strings.TrimSuffix(string(kind), "_id"))
}

// minPosition is what a query waits for before it answers; its owner is looked for no earlier. What is malformed is refused by the operation itself.
func minPosition(r *http.Request) int64 {
	var n int64
	for _, digit := range r.URL.Query().Get("min_position") {
		if digit < '0' || digit > '9' || n > 1<<58 {
			return 0
		}
		n = n*10 + int64(digit-'0')
	}
	return n
}

// InRole says whether a role of an organisation is enough for the operation, on what is the organisation's own.
func (o Operation) InRole(role organisation.Role) bool {
	switch o.Rule().Reach {
	case ReachOpen, ReachSelf:
		return true
	case ReachAnywhere, ReachTenant:
		return access.In(role).Has(o.Permission)
	case ReachPlatform:
	}
	return false
}

// OnPlatform says whether a role on the platform is enough for the operation.
func (o Operation) OnPlatform(role PlatformRole) bool {
	reach := o.Rule().Reach
	return reach == ReachOpen || reach == ReachSelf || access.On(role).Has(o.Permission)
}
