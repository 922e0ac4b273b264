// Package reviews is the read model of suspect charges: those whose usage failed a check, and what became of each. A charge is open until
// an operator has decided on it, or a correction says what it costs in truth.
package reviews

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "reviews"
	Version = 1
)

// Unknown is the reason of charges from before the failed check was recorded.
const Unknown = "unknown"

// Projection writes the reviews view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string { return []string{"views.reviews_v1"} }

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	var b batch
	for i := range events {
		at := &events[i]
		switch e := at.Data.(type) {
		case wallet.UsageCharged:
			if !e.Call.Suspect {
				continue
			}
			id, err := at.Entity()
			if err != nil {
				return err
			}
			b.suspects.add(&e, id, at)
		case wallet.ChargeCorrected:
			d := b.decision(e.HoldID, at)
			d.decision, d.because, d.corrected = charge.Correct, e.Reason, &e.After.Charge
		case charge.Reviewed:
			d := b.decision(e.GenerationID, at)
			d.decision, d.because = e.Decision, e.Reason
		}
	}
	b.write(w)
	return nil
}

// batch is what a batch of events says.
type batch struct {
	suspects  suspects
	decisions map[uuid.UUID]*decision
	order     []uuid.UUID
}

// decision is the last one on a charge.
type decision struct {
	decision  charge.Decision
	by        string
	because   string
	at        time.Time
	position  int64
	corrected *money.Amount // nil: as it was
}

func (b *batch) decision(id uuid.UUID, at *runner.Event) *decision {
	d, ok := b.decisions[id]
	if !ok {
		if b.decisions == nil {
			b.decisions = map[uuid.UUID]*decision{}
		}
		d = &decision{}
		b.decisions[id], b.order = d, append(b.order, id)
	}
	d.by, d.at, d.position = at.Actor, at.RecordedAt, at.Position
	return d
}

// suspects are the rows of charges.
type suspects struct {
	id, wallet, key                                     column.UUIDs
	model, endpoint, vendor, currency, reason, provided column.Texts
	at                                                  column.Times
	position, updated                                   column.Ints
	charge, corrected                                   column.Amounts
	state, decision, by, because                        column.Texts
}

func (s *suspects) add(e *wallet.UsageCharged, walletID uuid.UUID, at *runner.Event) {
	s.id.Add(e.HoldID)
	s.wallet.Add(walletID)
	s.key.Add(e.KeyID)
	s.model.Add(e.Model)
	s.endpoint.Add(e.Endpoint)
	s.vendor.Add(e.Vendor)
	s.currency.Add(string(e.Currency))
	s.reason.Add(Reason(e.Call.SuspectReason))
	s.provided.Add(string(e.Provenance))
	s.at.Add(at.RecordedAt)
	s.position.Add(at.Position)
	s.updated.Add(at.Position)
	s.charge.Add(e.Charge)
	s.corrected.Add(e.Charge)
	s.state.Add(string(Open))
	for _, none := range []*column.Texts{&s.decision, &s.by, &s.because} {
		none.Add("")
	}
}

// Reason is the check that a charge says it failed.
func Reason(said string) string {
	if said == "" {
		return Unknown
	}
	return said
}

// A charge that was corrected though nothing was suspect about it has no row.
const decide = `UPDATE views.reviews_v1 AS r SET state = 'resolved', decision = t.decision, decided_by = t.by, decided_because = t.because,
	decided_at = t.at, updated = t.position, corrected = coalesce(t.corrected, r.corrected)
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::numeric[])
	AS t(id, decision, by, because, at, position, corrected) WHERE r.generation_id = t.id`

func (b *batch) write(w *runner.Writes) {
	s := &b.suspects
	w.Insert("views.reviews_v1", "generation_id, wallet_id, key_id, model, endpoint, vendor, currency, reason, provenance, charged_at, position, "+
		"updated, charge, corrected, state, decision, decided_by, decided_because",
		&s.id, &s.wallet, &s.key, &s.model, &s.endpoint, &s.vendor, &s.currency, &s.reason, &s.provided, &s.at, &s.position,
		&s.updated, &s.charge, &s.corrected, &s.state, &s.decision, &s.by, &s.because)
	if len(b.order) == 0 {
		return
	}
	var id column.UUIDs
	var what, by, because column.Texts
	var at column.Times
	var position column.Ints
	var corrected column.Amounts
	for _, generation := range b.order {
		d := b.decisions[generation]
		id.Add(generation)
		what.Add(string(d.decision))
		by.Add(d.by)
		because.Add(d.because)
		at.Add(d.at)
		position.Add(d.position)
		corrected.Maybe(d.corrected)
	}
	w.AddAny(decide, &id, &what, &by, &because, &at, &position, &corrected)
}
