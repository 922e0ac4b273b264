package contract

import (
	"context"
	"fmt"
	"regexp"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/request"
)

var keyPattern = regexp.MustCompile(`^[!-~]{1,200}$`)

// Meta identifies a command of the console: by the caller's Idempotency-Key, within operation and actor, or else by a fresh id. Errors: invalid_request.
func Meta(ctx context.Context, key *string) (commands.Meta, error) {
	actor, id := auth.From(ctx).ID, request.ID(ctx)
	m := commands.Meta{Actor: actor, CorrelationID: id, CausationID: id}
	if key != nil {
		if !keyPattern.MatchString(*key) {
			return m, domain.Errorf(domain.CodeInvalid,
				"an Idempotency-Key has 1 to 200 printable ASCII characters without spaces").With("parameter", "Idempotency-Key")
		}
		m.CommandID = domain.IDFromKey(auth.OperationOf(ctx)+" "+actor, *key)
		return m, nil
	}
	fresh, err := uuid.NewV7()
	if err != nil {
		return m, fmt.Errorf("draw a command id: %w", err)
	}
	m.CommandID = fresh
	return m, nil
}
