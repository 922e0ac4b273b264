package gateway

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/commands"
)

// state is what became of a settlement.
type state int

const (
	recorded  state = iota // by the ledger
	refused                // for good: the hold is gone, or somebody else has ended it
	journaled              // it will be recorded when the ledger is back
	stranded               // neither the ledger nor the disk would have it; it is in memory only
)

const (
	firstPause = 20 * time.Millisecond
	longPause  = time.Second
	// maxTakingBack bounds the holds that are taken back at the same time.
	maxTakingBack = 1000
)

// settle sends a settlement until the ledger has it, for as long as wait; after that the journal has it. It does not depend
// on the caller, and neither does ctx: a settlement always happens.
func (g *Gateway) settle(ctx context.Context, s settlement, wait time.Duration) (commands.Charged, state) {
	charged, err := g.persist(ctx, &s, wait)
	switch {
	case err == nil:
		return charged, recorded
	case !passing(err):
		g.alert(&s, err, "the ledger refuses a settlement for good")
		return commands.Charged{}, refused
	}
	if err := g.store(ctx, &s); err != nil {
		g.alert(&s, err, "a settlement is neither in the ledger nor in the journal")
		g.insist(ctx, s)
		return commands.Charged{}, stranded
	}
	return commands.Charged{}, journaled
}

// persist tries again, with longer and longer pauses, while the fault is one that passes.
func (g *Gateway) persist(ctx context.Context, s *settlement, wait time.Duration) (commands.Charged, error) {
	until := time.Now().Add(wait)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		charged, err := g.send(ctx, s)
		if err == nil || !passing(err) || time.Now().Add(pause).After(until) {
			return charged, err
		}
		if !g.pause(pause) {
			return charged, err
		}
	}
}

// pause waits; false when the process stops and there is no time left for waiting.
func (g *Gateway) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-g.stopping:
		return false
	}
}

func (g *Gateway) store(ctx context.Context, s *settlement) error {
	record, err := s.record()
	if err != nil {
		return err
	}
	if err := g.o.Journal.Append(ctx, record); err != nil {
		return err
	}
	g.wake()
	return nil
}

// insist is the last resort: without a disk the settlement stays in memory until the ledger is back, or the process has
// to go.
func (g *Gateway) insist(ctx context.Context, s settlement) {
	if !g.enter() {
		return
	}
	go func() {
		defer g.running.Done()
		for g.pause(longPause) && g.base.Err() == nil {
			if _, err := g.send(ctx, &s); err == nil || !passing(err) {
				return
			}
		}
		g.alert(&s, errStopping, "a settlement is lost: its hold will expire")
	}()
}

// takeBack releases a hold of which it is not known whether it was placed. It is not worth the journal's space: what does
// not succeed soon, or comes in too large a number, is left to the hold's expiry.
func (g *Gateway) takeBack(ctx context.Context, s settlement) {
	if !g.enter() {
		return
	}
	if g.takingBack.Add(1) > maxTakingBack {
		g.takingBack.Add(-1)
		g.running.Done()
		return
	}
	go func() {
		defer g.running.Done()
		defer g.takingBack.Add(-1)
		// A refusal says that there is no hold, which is as good.
		_, _ = g.persist(ctx, &s, g.o.SettleWait)
	}()
}

func (g *Gateway) alert(s *settlement, err error, message string) {
	g.o.Logger.Error().Err(err).Bool("alert", true).Str("hold", s.HoldID.String()).Str("wallet", s.WalletID.String()).
		Str("release", s.Release).Msg(message)
}
