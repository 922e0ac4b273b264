package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/http/query"
)

// checkpointWait is how long a receipt waits for the checkpoint that it needs; one is made each second or two.
const checkpointWait = 5 * time.Second

// receipts gives the console proofs of the transparency log.
type receipts struct{ prover *translog.Prover }

// receipts is nil without the log's public key.
func (p *Program) receipts() (query.Receipts, error) {
	public := p.o.Config.Proof.PublicKey()
	if public == "" {
		return nil, nil //nolint:nilnil // the console says that there is no log
	}
	key, err := audit.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("read the transparency log's public key: %w", err)
	}
	return receipts{translog.NewProver(translog.NewReader(p.pool, logShard, key.Name()), p.store)}, nil
}

// Receipt implements query.Receipts.
func (r receipts) Receipt(ctx context.Context, position int64) ([]byte, error) {
	waited, cancel := context.WithTimeout(ctx, checkpointWait)
	defer cancel()
	receipt, err := r.prover.Prove(ctx, position)
	if errors.Is(err, translog.ErrNotCovered) {
		if _, err := r.prover.Await(waited, position, "", nil); err != nil {
			return nil, uncovered(ctx, err)
		}
		receipt, err = r.prover.Prove(ctx, position)
	}
	if err != nil {
		return nil, logError(err)
	}
	body, err := json.Marshal(receipt)
	if err != nil {
		return nil, fmt.Errorf("encode the receipt: %w", err)
	}
	return append(body, '\n'), nil
}

// uncovered keeps a checkpoint that did not come in time apart from a caller that went away.
func uncovered(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return domain.Errorf(domain.CodeUnavailable, "no checkpoint covers the charge yet; is 'massrouter work' running with the log's key?").Wrap(err)
	}
	return fmt.Errorf("wait for a checkpoint: %w", err)
}
