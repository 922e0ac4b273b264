package generations

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
)

// scan reads a row of selectGenerations. The driver takes plain types as they come, where it would turn named ones into text and back.
func scan(row checkpoint.Row) (Generation, error) {
	var g Generation
	var used, items, call, correctedUsed, correctedItems []byte
	var ended, corrected *time.Time
	var c Correction
	var bill wallet.Bill
	var provenance usage.Provenance
	err := row((*[16]byte)(&g.ID), (*[16]byte)(&g.WalletID), (*[16]byte)(&g.KeyID), &g.Model, &g.Endpoint, &g.Vendor, (*string)(&g.State),
		(*[16]byte)(&g.PriceVersion), (*string)(&g.Currency), column.Amount(&g.HoldAmount), &g.MaxPromptTokens, &g.MaxCompletionTokens,
		column.Amount(&g.Charge), column.Amount(&g.Uncollectible), column.Amount(&g.VendorCost), &used, (*string)(&g.Provenance),
		&items, &call, &g.ReleaseReason, &g.PlacedAt, &g.ExpiresAt, &ended, &g.HoldPosition, &g.EndPosition, &g.Late,
		&c.Number, &c.Position, &corrected, &c.Evidence, &c.Reason, &c.Insured, (*string)(&provenance), column.Amount(&bill.Charge),
		column.Amount(&bill.Uncollectible), column.Amount(&bill.VendorCost), column.Amount(&bill.UpstreamCost), &correctedUsed, &correctedItems)
	if err != nil {
		return Generation{}, err
	}
	if err := g.read(used, items, call); err != nil {
		return Generation{}, fmt.Errorf("decode generation %s: %w", g.ID, err)
	}
	if corrected != nil {
		c.CorrectedAt = *corrected
		if err := g.correct(&c, bill, provenance, correctedUsed, correctedItems); err != nil {
			return Generation{}, fmt.Errorf("decode the correction of generation %s: %w", g.ID, err)
		}
	}
	g.Debited = g.Charge.Sub(g.Uncollectible)
	g.PlacedAt, g.ExpiresAt = g.PlacedAt.UTC(), g.ExpiresAt.UTC()
	if ended != nil {
		g.EndedAt = ended.UTC()
	}
	if g.State == Charged {
		g.ChargePosition = g.EndPosition
	}
	return g, nil
}

// read takes the documents of a charge or release, which are as the event has them; nil when there are none.
func (g *Generation) read(used, items, call []byte) error {
	if err := document(used, &g.Usage, g.Usage.ReadJSON); err != nil {
		return err
	}
	readItems := func(b []byte) (rest []byte, ok bool) {
		g.LineItems, rest, ok = usage.ReadJSON(b)
		return rest, ok
	}
	if err := document(items, &g.LineItems, readItems); err != nil {
		return err
	}
	return document(call, &g.Call, g.Call.ReadJSON)
}

// document reads JSON: quickly as it is usually written, else by the standard library.
func document[T any](text []byte, to *T, quick func([]byte) (rest []byte, ok bool)) error {
	if text == nil {
		return nil
	}
	if rest, ok := quick(text); ok && len(rest) == 0 {
		return nil
	}
	*to = *new(T)
	return json.Unmarshal(text, to)
}
