package auth

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
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

// targetOf names what a path names last: "/keys/{key_id}/rotate" is of "key:<id>". A path is what somebody has typed, and targets are never erased: of what does not
// look as such a thing is called only the kind is kept.
func targetOf(r *http.Request) string {
	params := chi.RouteContext(r.Context()).URLParams
	for i := len(params.Keys) - 1; i >= 0; i-- {
		name, value := params.Keys[i], params.Values[i]
		if name == "*" || value == "" {
			continue
		}
		kind, is := strings.CutSuffix(name, "_id")
		if is && !isID(value) || !is && !isName(value) {
			return kind
		}
		return kind + ":" + value
	}
	return ""
}

// isID says whether a text is a UUID as we write them, or the public id of a call.
func isID(text string) bool {
	id, err := uuid.Parse(text)
	if err != nil {
		id, err = domain.ParseGenerationID(text)
		return err == nil && text == domain.GenerationID(id)
	}
	return text == id.String()
}

// maxName is how long a name of the catalogue or a domain is at most.
const maxName = 253

// isName says whether a text may be a name of the catalogue, a domain, a month or a number.
func isName(text string) bool {
	return len(text) <= maxName && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:", c)
	})
}
