package audited

import (
	"context"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/request"
)

// RoleManagement is as what a key acts that manages the keys of its wallet.
const RoleManagement = "management"

// ByKey is Requests for one operation of keys that manage, on the surface for callers of models. It tells the scope nothing of who acts: whoever authenticates the
// key does. refuse answers in the place of a read that could not be recorded. A nil recorder keeps nothing.
func ByKey(recorder Recorder, operation string, sensitive bool, refuse func(http.ResponseWriter, *http.Request, error), next http.HandlerFunc) http.HandlerFunc {
	if recorder == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		who := trail.Who{Request: request.ID(r.Context()), UserAgent: r.UserAgent(), Operation: operation}
		if a := request.Address(r.Context()); a.IsValid() {
			who.Address = a.String()
		}
		scope := trail.NewScope(who)
		r = r.WithContext(trail.With(r.Context(), scope))
		a := &answer{ResponseWriter: w}
		a.before = func(status int) error { return keepByKey(r, recorder, sensitive, scope, status) }
		a.instead = func(err error) { refuse(w, r, err) }
		defer a.end()
		next(a, r)
		a.returned = true
	}
}

func keepByKey(r *http.Request, recorder Recorder, sensitive bool, scope *trail.Scope, status int) error {
	mutates := r.Method != http.MethodGet && r.Method != http.MethodHead
	result, ok := resultByKey(scope.Who(), mutates, sensitive, status)
	if !ok {
		return nil
	}
	return keepResult(r, recorder, scope, result, status)
}

// resultByKey says whether a request of a key leaves an entry. One whose key nobody knows leaves none; what a known key is refused for its rate does not either.
func resultByKey(who trail.Who, mutates, sensitive bool, status int) (trail.Result, bool) {
	switch {
	case who.Actor == "", status == http.StatusTooManyRequests:
		return "", false
	case status >= http.StatusInternalServerError:
		return trail.Failed, mutates || sensitive
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return trail.Refused, true
	case status >= http.StatusBadRequest:
		return trail.Refused, mutates
	case mutates:
		return trail.Unchanged, true
	default:
		return trail.Read, sensitive
	}
}

// keepResult writes the entry of a request that leaves one, if it is not there yet.
func keepResult(r *http.Request, recorder Recorder, scope *trail.Scope, result trail.Result, status int) error {
	if scope.Noted(result) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	c := trail.Change{Result: result}
	if status >= http.StatusBadRequest {
		c.Code = scope.Code()
	}
	err := recorder.Record(ctx, c)
	if err == nil {
		return nil
	}
	if result == trail.Read {
		return unrecorded(err)
	}
	zerolog.Ctx(r.Context()).Error().Err(err).Str("operation", scope.Who().Operation).Str("result", string(result)).Msg("no entry of the audit trail")
	return nil
}
