package translog

import (
	"context"
	"errors"
	"fmt"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// ErrNotCovered says that no checkpoint covers a position yet.
var ErrNotCovered = errors.New("no checkpoint covers the position yet")

// Prover makes receipts. It needs no key.
type Prover struct {
	*Reader
	events eventstore.Reader
}

// NewProver makes one over a reader; the events must be those of the same database.
func NewProver(r *Reader, events eventstore.Reader) *Prover {
	return &Prover{Reader: r, events: events}
}

// Prove makes the receipt of the event at a position: the event, its inclusion proof in the newest checkpoint, and that
// checkpoint. Every hash of the proof was checked against the signed root. The error has the code not_found for a position
// beyond the log, and wraps ErrNotCovered (ledger_unavailable) for one beyond the newest checkpoint, which follows within
// about a second.
func (p *Prover) Prove(ctx context.Context, position int64) (audit.Receipt, error) {
	if position < 1 {
		return audit.Receipt{}, domain.Errorf(domain.CodeInvalid, "positions begin at 1")
	}
	events, err := eventstore.ReadDense(ctx, p.events, position-1, 1)
	if err != nil {
		return audit.Receipt{}, fmt.Errorf("read the event: %w", err)
	}
	if len(events) == 0 {
		return audit.Receipt{}, domain.Errorf(domain.CodeNotFound, "the log has no event at position %d", position)
	}
	newest, err := p.Newest(ctx)
	if err != nil {
		return audit.Receipt{}, err
	}
	if newest == nil || newest.Size < position {
		return audit.Receipt{}, domain.Errorf(domain.CodeUnavailable, "no checkpoint covers position %d yet: try again in a second", position).Wrap(ErrNotCovered)
	}
	e := &events[0]
	proof, err := audit.ProveInclusion(ctx, p.Reader, newest.Checkpoint, position-1, e.LeafHash)
	if err != nil {
		return audit.Receipt{}, err
	}
	return audit.NewReceipt(e, proof, newest.Note), nil
}
