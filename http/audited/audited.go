// Package audited is the place that every request of the console passes so that none leaves no trace: it tells who acts to those who write entries of the
// audit trail in the transactions of their changes, and writes itself what has no transaction: refusals, failures, reads of what is sensitive, and requests
// that changed nothing.
//
//	audited.go  the middleware
//	answer.go   an answer of which nothing leaves before its entry is kept
//	rule.go     which requests leave an entry
//	bykey.go    the same for keys that manage, which are not of the console
package audited

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/http/request"
)

// ReasonHeader is where callers may say why they do something: at most 500 bytes of UTF-8 without control characters.
const ReasonHeader = "X-Audit-Reason"

const maxReason = 500 // bytes

// patience bounds how long an entry may take; the request may have ended by then.
const patience = 5 * time.Second

// Recorder writes entries of what has no transaction of its own. It is safe for concurrent use.
type Recorder interface {
	Record(ctx context.Context, c trail.Change) error
}

// Requests gives each request its scope and sees to its entry. It runs right before auth.Guard, which tells the scope who acts. A nil recorder keeps nothing.
func Requests(recorder Recorder) func(http.Handler) http.Handler {
	if recorder == nil {
		return func(next http.Handler) http.Handler { return next }
	}
	operations := map[string]auth.Operation{}
	for _, o := range auth.Operations() {
		operations[o.ID] = o
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reason, err := reasonOf(r)
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			who := trail.Who{Request: request.ID(r.Context()), Reason: reason, UserAgent: r.UserAgent()}
			if a := request.Address(r.Context()); a.IsValid() {
				who.Address = a.String()
			}
			scope := trail.NewScope(who)
			r = r.WithContext(trail.With(r.Context(), scope))
			a := &answer{ResponseWriter: w}
			a.before = func(status int) error { return keep(r, recorder, operations[scope.Who().Operation], scope, status) }
			a.instead = func(err error) { problem.Write(w, r, err) }
			defer a.end()
			next.ServeHTTP(a, r)
			a.returned = true
		})
	}
}

// keep writes the entry of a request, if it leaves one that is not there yet. Only an error of a read that must not go unseen keeps the answer back: what was
// changed or refused is so, whatever becomes of its entry.
func keep(r *http.Request, recorder Recorder, o auth.Operation, scope *trail.Scope, status int) error {
	who := scope.Who()
	result, ok := resultOf(o, who, query.Exports(r), status)
	if !ok {
		return nil
	}
	return keepResult(r, recorder, scope, result, status)
}

// unrecorded is answered in the place of a read that must not go unseen.
func unrecorded(err error) error {
	return domain.Errorf(domain.CodeUnavailable, "this is shown only when it is recorded who sees it, which is not possible now; try again").Wrap(err)
}

func reasonOf(r *http.Request) (string, error) {
	values := r.Header.Values(ReasonHeader)
	if len(values) == 0 {
		return "", nil
	}
	refused := domain.Errorf(domain.CodeInvalid, "%s is given once, with at most %d bytes of UTF-8 without control characters", ReasonHeader, maxReason).
		With("parameter", ReasonHeader)
	if len(values) > 1 || len(values[0]) > maxReason || !utf8.ValidString(values[0]) {
		return "", refused
	}
	reason := strings.TrimSpace(values[0])
	if err := domain.CheckText("reason", reason); err != nil {
		return "", refused.Wrap(err)
	}
	return reason, nil
}
