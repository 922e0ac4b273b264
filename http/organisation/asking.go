package organisation

import (
	"context"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/access"
)

// asking is the action of the entry that a request leaves which waits for a second person.
const asking = "approval.asked"

// noted notes such a request. Nothing is done yet, and its entry does not say so: that one comes with the approval.
func (a *API) noted(ctx context.Context, asked access.Approval) (access.Approval, error) {
	scope := trail.From(ctx)
	scope.Learn(func(w *trail.Who) { w.Operation = asking })
	defer scope.Learn(func(w *trail.Who) { w.Operation = asked.Operation })
	return a.Access.Ask(ctx, asked)
}
