package gateway

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/massrouter/massrouter/gateway/journal"
)

const (
	// sweepWidth is how many settlements go to the ledger at the same time: they share its commits.
	sweepWidth = 64
	sweepStep  = 256
)

// Run sends to the ledger what calls could not send themselves: the settlements in the journal, also those of an earlier
// process, and the charges of kept answers whose run died. It works until ctx ends; what is left then waits for the next start.
func (g *Gateway) Run(ctx context.Context) error {
	ticker := time.NewTicker(g.o.Sweep)
	defer ticker.Stop()
	for {
		g.sweepJournal(ctx)
		g.sweepAnswers(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-g.swept:
		}
	}
}

// wake lets Run look now.
func (g *Gateway) wake() {
	select {
	case g.swept <- struct{}{}:
	default:
	}
}

// sweepJournal sends the oldest records first, and stops at the first sign that the ledger is still away.
func (g *Gateway) sweepJournal(ctx context.Context) {
	for rest := g.o.Journal.Pending(math.MaxInt32); len(rest) > 0 && ctx.Err() == nil; {
		batch := rest[:min(sweepWidth, len(rest))]
		rest = rest[len(batch):]
		var (
			wg   sync.WaitGroup
			away atomic.Bool
		)
		for _, record := range batch {
			wg.Go(func() {
				if err := g.sweepRecord(ctx, record); absent(err) {
					away.Store(true)
				}
			})
		}
		wg.Wait()
		if away.Load() {
			return
		}
	}
}

// sweepRecord brings one record to its end, or returns why it stays.
func (g *Gateway) sweepRecord(ctx context.Context, record journal.Record) error {
	s, err := decodeSettlement(record.Body)
	if err != nil {
		g.o.Logger.Error().Err(err).Bool("alert", true).Str("command", record.ID.String()).
			Msg("a record of the journal cannot be read; it is left there")
		return nil
	}
	switch _, err := g.send(ctx, s); {
	case absent(err):
		return err
	case passing(err):
		g.alert(s, err, "the ledger cannot record a settlement of the journal; it is tried again")
		return err
	case err != nil:
		g.alert(s, err, "the ledger refuses a settlement of the journal for good")
	}
	if err := g.o.Journal.Remove(record.ID); err != nil {
		g.o.Logger.Error().Err(err).Str("command", record.ID.String()).Msg("a record cannot be removed from the journal")
	}
	return nil
}

// sweepAnswers charges kept answers whose charge was perhaps never sent.
func (g *Gateway) sweepAnswers(ctx context.Context) {
	if g.o.Answers == nil {
		return
	}
	list, err := g.o.Answers.Unsettled(ctx, sweepStep)
	if err != nil {
		return // the database is away, which others say louder
	}
	for _, u := range list {
		s, err := decodeSettlement(u.Settlement)
		if err != nil {
			g.o.Logger.Error().Err(err).Str("generation", u.Claim.Generation.String()).Msg("the settlement of a kept answer cannot be read")
			continue
		}
		if _, err := g.send(ctx, s); passing(err) {
			return
		} else if err != nil {
			g.alert(s, err, "the ledger refuses the settlement of a kept answer for good")
		}
		if err := g.o.Answers.Settled(ctx, u.Claim); err != nil {
			return
		}
	}
}
