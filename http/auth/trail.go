package auth

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/trail"
)

// learn tells the request's scope of the audit trail who acts as what on whose things; also of a request that is refused right after. The wallet of
// something that a role on the platform changes is looked up, so that its owner finds the entry; one that cannot be found leaves none.
func learn(r *http.Request, owners Owners, a Actor, acting Acting, o Operation) {
	scope := trail.From(r.Context())
	if scope == nil {
		return
	}
	var wallet, organised uuid.UUID
	rule := o.Rule()
	switch {
	case len(acting.Wallets) > 0:
		wallet, organised = acting.Wallets[0], acting.Organisation
	case rule.Reach != ReachTenant || rule.Query:
	case rule.Kind == OfWallet:
		wallet, _ = uuid.Parse(chi.URLParam(r, string(OfWallet))) // what is no id names no wallet
	case rule.Kind == OfOrganisation:
		organised, _ = uuid.Parse(chi.URLParam(r, string(OfOrganisation))) // as well
	case acting.Role != "":
		if found, err := owners.WalletOf(r.Context(), rule.Kind, chi.URLParam(r, string(rule.Kind)), 0); err == nil {
			wallet = found
		}
	}
	scope.Learn(func(w *trail.Who) {
		w.Actor, w.Person, w.Session, w.Role, w.Operation = a.ID, a.User, a.Session, acting.Role, o.ID
		w.Wallet, w.Organisation, w.Target = wallet, organised, targetOf(r)
	})
}

// targetOf names what a path names last: "/keys/{key_id}/rotate" is of "key:<id>".
func targetOf(r *http.Request) string {
	params := chi.RouteContext(r.Context()).URLParams
	for i := len(params.Keys) - 1; i >= 0; i-- {
		if params.Keys[i] != "*" && params.Values[i] != "" {
			return strings.TrimSuffix(params.Keys[i], "_id") + ":" + params.Values[i]
		}
	}
	return ""
}
