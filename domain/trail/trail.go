// Package trail is what an entry of the audit trail says: who did what to what, why, and with what result. It is told in the transaction of
// the change itself; identity/auditlog keeps and proves the entries.
//
//	scope.go  who acts in a request; it travels in the context
//	entry.go  a change as an entry
//	redact.go what no entry shows
//
// Entries name people by ids. What is personal beside that (addresses, user agents, what somebody was called) is kept apart, so that it can be erased
// with the person while the entry stays proved.
package trail

import "github.com/google/uuid"

// Result is how it ended.
type Result string

// The results.
const (
	Done      Result = "done"      // it was changed, in the same transaction
	Unchanged Result = "unchanged" // nothing was to be changed: asked before, or so already
	Read      Result = "read"      // it was shown
	Refused   Result = "refused"   // the caller was refused; nothing was changed
	Failed    Result = "failed"    // the service failed; the ledger and the tables know whether something was changed
)

// Change is what happened to one thing. Before and After are what encoding/json takes, usually structs or maps of the members that differ, and never
// hold what is personal; they are redacted, but what is secret has no business there anyway.
type Change struct {
	Action       string    // "" is the operation of the request; anything else is for what no operation is called: "session.reused"
	Actor        string    // "" is the request's; for a change that says only itself who acts: a sign-in, a worker
	Person       uuid.UUID // with whom the personal part is erased, and whose it is; the nil UUID is the person of the request
	Target       string    // kind and id of what was changed: "key:0198…", "user:0198…"
	Wallet       uuid.UUID // of the tenant that it belongs to; the nil UUID is the request's
	Organisation uuid.UUID // as well
	Before       any
	After        any
	Personal     map[string]string // what is personal of Before and After; erased with Person
	Reason       string            // "" is the request's
	Result       Result            // "" is Done
	Code         string            // of a refusal or a failure
	Command      uuid.UUID         // of the ledger
	Position     int64             // of its last event; 0 for none
	Events       []string          // their types
}

// Of names a thing.
func Of(kind string, id uuid.UUID) string { return kind + ":" + id.String() }
