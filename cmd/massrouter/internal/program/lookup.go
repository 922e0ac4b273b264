package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/reviews"
)

const (
	lookupActor = "system:lookup"
	// lookupEvery is how often the list of suspect charges is looked through.
	lookupEvery = 2 * time.Second
	// lookupFor is how long after a charge its vendor is asked; what is not known by then is left to an operator.
	lookupFor = 24 * time.Hour
	// A vendor is asked again after the first pause, and then each time after twice the one before, at most the longest.
	lookupPause    = 2 * time.Second
	longestPause   = 30 * time.Minute
	lookupsAtOnce  = 50   // a tick
	reviewsAtOnce  = 200  // a page
	reviewsAtLeast = 1000 // what is remembered is thrown away above this, and begun anew
)

// looker asks vendors what estimated calls used in truth, and corrects their charges. The read models only say where to look.
type looker struct {
	reviews     *reviews.Query
	generations *generations.Query
	gateway     *gateway.Gateway
	catalog     gateway.Catalog
	app         *commands.App
	log         zerolog.Logger
	now         func() time.Time
	tries       map[uuid.UUID]*try
}

// try is what is remembered of a charge that is looked up.
type try struct {
	pause time.Duration
	next  time.Time
}

// tick looks through the open reviews once, and asks for at most lookupsAtOnce of them.
func (l *looker) tick(ctx context.Context) error {
	picture, err := l.catalog.Get(ctx)
	if domain.CodeOf(err) == domain.CodeUnavailable {
		return nil // the read model is not there yet
	}
	if err != nil {
		return fmt.Errorf("get the catalogue: %w", err)
	}
	vendors := map[string]bool{}
	for id, e := range picture.Endpoints {
		if l.gateway.LooksUp(picture, id) {
			vendors[e.Vendor] = true
		}
	}
	now, left := l.now(), lookupsAtOnce
	for vendor := range vendors {
		request := reviews.Request{State: reviews.Open, Vendor: vendor, From: now.Add(-lookupFor), Limit: reviewsAtOnce}
		for more := true; more && left > 0; more = request.Cursor != "" {
			page, err := l.reviews.List(ctx, request)
			if domain.CodeOf(err) == domain.CodeUnavailable {
				return nil // the read model is not there yet
			}
			if err != nil {
				return fmt.Errorf("list suspect charges: %w", err)
			}
			for i := range page.Reviews {
				if left > 0 && l.due(&page.Reviews[i], now) {
					left--
					l.look(ctx, &page.Reviews[i])
				}
			}
			request.Cursor = page.NextCursor
		}
	}
	return ctx.Err()
}

// due says whether a charge is to be looked up now.
func (l *looker) due(r *reviews.Review, now time.Time) bool {
	if r.Provenance != usage.Estimated {
		return false
	}
	known, ok := l.tries[r.GenerationID]
	return !ok || !known.next.After(now)
}

// look asks for one call. What does not come to anything is tried again later.
func (l *looker) look(ctx context.Context, r *reviews.Review) {
	err := l.correct(ctx, r)
	switch code := domain.CodeOf(err); {
	case err == nil:
		l.log.Info().Stringer("generation", r.GenerationID).Str("vendor", r.Vendor).Msg("a charge was corrected by its vendor's look-up")
	case errors.Is(err, gateway.ErrNoLookup), code == domain.CodeEvidenceUsed, code == domain.CodeChargeFinal, code == domain.CodeIdempotencyConflict:
		l.wait(r.GenerationID, lookupFor) // it is for an operator, or was corrected already
		return
	case !errors.Is(err, gateway.ErrNotReady):
		l.log.Warn().Err(err).Stringer("generation", r.GenerationID).Str("vendor", r.Vendor).Msg("a usage could not be looked up; it is tried again")
	}
	l.wait(r.GenerationID, 0)
}

// wait remembers when a call is looked up again: after a pause, or one that is longer each time.
func (l *looker) wait(id uuid.UUID, pause time.Duration) {
	if len(l.tries) > reviewsAtLeast*lookupsAtOnce {
		l.tries = nil
	}
	if l.tries == nil {
		l.tries = map[uuid.UUID]*try{}
	}
	t, ok := l.tries[id]
	if !ok {
		t = &try{}
		l.tries[id] = t
	}
	if t.pause = max(min(2*t.pause, longestPause), lookupPause); pause > 0 {
		t.pause = pause
	}
	t.next = l.now().Add(t.pause)
}

// correct looks a call up and records what it used.
func (l *looker) correct(ctx context.Context, r *reviews.Review) error {
	g, err := l.generations.Generation(ctx, r.GenerationID, nil, 0)
	if err != nil {
		return err
	}
	used, err := l.gateway.LookUp(ctx, gateway.Lookup{
		Endpoint: g.Endpoint, UpstreamID: g.Call.UpstreamID, Credential: g.Call.Credential, Completion: g.MaxCompletionTokens,
	})
	if err != nil {
		return err
	}
	id := domain.DeriveID(g.ID, "lookup")
	_, _, err = l.app.CorrectCharge(ctx, commands.Meta{CommandID: id, Actor: lookupActor, CorrelationID: g.ID, CausationID: g.ID}, commands.CorrectCharge{
		ChargeRef:  commands.ChargeRef{GenerationID: g.ID, WalletID: g.WalletID, HoldPosition: g.HoldPosition, ChargePosition: g.ChargePosition},
		Usage:      used,
		Provenance: usage.LookedUp, Evidence: "vendor " + g.Vendor + ": " + evidenceOf(g.Call.UpstreamID), Reason: "the vendor was asked what the call used",
	})
	return err
}

// evidenceOf is a vendor's id of a call, as much of it as evidence has room for.
func evidenceOf(id string) string {
	const most = 140
	return id[:min(len(id), most)]
}
