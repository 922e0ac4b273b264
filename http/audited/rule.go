package audited

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/http/auth"
)

// Mutates says whether an operation changes something. All of these leave an entry. Services of others send browsers back by GET, signed in or linked.
func Mutates(o auth.Operation) bool {
	return o.Method != http.MethodGet && o.Method != http.MethodHead || o.ID == "FinishOAuth"
}

// sensitive are the reads that leave an entry whoever asks.
func sensitive(operation string) bool {
	switch operation {
	case "ListAuditEntries", "ExportAuditEntries", "ListEvents", "GetContent", "ExportMe", "ListSessions":
		return true
	default:
		return false
	}
}

// Routine are operations that programs call for somebody who does nothing, as sessions go on by every few minutes, and those that only ask for something to
// be shown, here or at a service of others. What is unusual about one is recorded by itself.
func Routine(operation string) bool {
	switch operation {
	case "RefreshSession", "AskPasskey", "AskChallengePasskey", "AskNewPasskey", "BeginSSO", "LinkIdentity", "ConfirmIdentity":
		return true
	default:
		return false
	}
}

// staff says whether somebody acts with a role on the platform. The operator's token is not a person's: programs show things with it all day long.
func staff(who trail.Who) bool { return strings.HasPrefix(who.Role, "platform:") }

// resultOf says whether a request leaves an entry, and with which result. export says that it is for a whole file.
func resultOf(o auth.Operation, who trail.Who, export bool, status int) (trail.Result, bool) {
	known := who.Actor != "" || who.Person != uuid.Nil
	mutates, reads := Mutates(o), sensitive(o.ID) || export || staff(who) && o.Rule().Reach == auth.ReachTenant
	switch {
	case o.ID == "", Routine(o.ID): // nobody was let in, or there is no such operation
		return "", false
	case status == http.StatusTooManyRequests: // a flood of requests would be one of entries
		return "", false
	case status >= http.StatusInternalServerError:
		return trail.Failed, mutates || reads
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return trail.Refused, mutates || known && status == http.StatusForbidden
	case status >= http.StatusBadRequest: // what strangers send is refused all the time
		return trail.Refused, mutates && known
	case mutates:
		return trail.Unchanged, known
	default:
		return trail.Read, reads
	}
}
