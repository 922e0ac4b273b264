package query

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/generations"
)

// Receipts proves events against the transparency log.
type Receipts interface {
	// Receipt is the receipt of the event at a position, as JSON to be kept byte for byte. It waits, bounded, for a checkpoint that
	// covers the position. Errors: not_found for a position beyond the log, ledger_unavailable while no checkpoint covers it. Safe for
	// concurrent use.
	Receipt(ctx context.Context, position int64) ([]byte, error)
}

// chargeReceipt is a receipt as the log's own package wrote it: the order of its names is a part of the format.
type chargeReceipt []byte

// VisitGetChargeReceiptResponse implements GetChargeReceiptResponseObject.
func (r chargeReceipt) VisitGetChargeReceiptResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(r) //nolint:gosec // JSON, and said to be; a client that went away needs no answer
	return nil
}

// GetChargeReceipt proves the charge of a call.
func (a *API) GetChargeReceipt(ctx context.Context, r GetChargeReceiptRequestObject) (GetChargeReceiptResponseObject, error) {
	if a.views.Receipts == nil {
		return nil, domain.Errorf(domain.CodeNotFound, "this service has no transparency log")
	}
	id, err := domain.ParseGenerationID(r.GenerationID)
	if err != nil {
		return nil, err
	}
	charge, err := a.charge(ctx, id)
	if err != nil {
		return nil, err
	}
	receipt, err := a.views.Receipts.Receipt(ctx, charge)
	if err != nil {
		return nil, err
	}
	return chargeReceipt(receipt), nil
}

// charge is the position of a call's charge. Somebody who has just had the last byte asks for what is in the log already but maybe
// not in the read model yet: what is not there is looked up again at the end of the log.
func (a *API) charge(ctx context.Context, id uuid.UUID) (int64, error) {
	g, err := a.views.Generations.Generation(ctx, id, nil, 0)
	if err == nil && g.ChargePosition == 0 || errors.Is(err, &domain.Error{Code: domain.CodeNotFound}) {
		head, headErr := a.views.Log.Head(ctx)
		if headErr != nil {
			return 0, headErr
		}
		g, err = a.views.Generations.Generation(ctx, id, nil, head.Position)
	}
	switch {
	case err != nil:
		return 0, err
	case g.ChargePosition != 0:
		return g.ChargePosition, nil
	case g.State == generations.Running || g.State == generations.Suspect:
		return 0, domain.Errorf(domain.CodeInProgress, "the call still runs: it has no charge yet")
	}
	return 0, domain.Errorf(domain.CodeNotFound, "the call has no charge").With("state", string(g.State))
}
