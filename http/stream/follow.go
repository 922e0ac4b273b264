package stream

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/projections/live"
)

const (
	batchSize = 2000                  // events of the log that are read before their updates are sent
	pollEvery = 20 * time.Millisecond // while the log is ahead of the read models
	retryWait = time.Second
)

// follower is the state of the one reader.
type follower struct {
	h        *Hub
	from, to int64 // claimed and not sent yet
	lag      live.State
	lagAt    time.Time
}

// follow reads the log for all connections, while there are any.
func (h *Hub) follow(ctx context.Context) {
	f := &follower{h: h}
	for ctx.Err() == nil {
		if !h.busy() {
			f.from, f.to, f.lag = 0, 0, live.State{}
			select {
			case <-ctx.Done():
			case <-h.joined:
			}
			continue
		}
		if err := f.step(ctx); err != nil && ctx.Err() == nil {
			h.o.Logger.Warn().Err(err).Msg("live updates stopped and are tried again")
			pause(ctx, retryWait)
		}
	}
}

func (h *Hub) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all) > 0
}

// step sends everything that the read models have reached, and waits until there is more.
func (f *follower) step(ctx context.Context) error {
	state, err := f.h.source.State(ctx)
	if err != nil {
		return err
	}
	for f.to > f.from || f.claim(state.Reached) {
		if err := f.sendChanges(ctx); err != nil {
			return err
		}
	}
	pending, err := f.sendLag(&state)
	if err != nil {
		return err
	}
	switch {
	case state.Head > state.Reached:
		pause(ctx, pollEvery)
		return nil
	case pending:
		return f.wait(ctx, state.Head, f.h.o.LagEvery)
	default:
		return f.wait(ctx, state.Head, 0)
	}
}

// wait returns when the log goes on, when somebody has joined, or after a time, if it is given.
func (f *follower) wait(ctx context.Context, after int64, most time.Duration) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	if most > 0 {
		defer time.AfterFunc(most, cancel).Stop()
	}
	woken := make(chan error, 1)
	go func() { woken <- f.h.source.Wait(waiting, after) }()
	var err error
	select {
	case err = <-woken:
	case <-f.h.joined:
		cancel()
		err = <-woken
	}
	if waiting.Err() != nil {
		return nil
	}
	return err
}

// claim takes the next part of the log. Who joins from now on reads up to its end by itself: nobody has to be watched for in the
// middle of it.
func (f *follower) claim(reached int64) bool {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	if f.h.cursor >= reached {
		return false
	}
	f.from, f.to = f.h.cursor, min(f.h.cursor+batchSize, reached)
	f.h.cursor = f.to
	return true
}

// sendChanges sends what was claimed. When it cannot be read it stays claimed.
func (f *follower) sendChanges(ctx context.Context) error {
	changes, err := f.h.source.Changes(ctx, f.from, f.to, f.h.watched())
	if err != nil {
		return err
	}
	updates, err := updatesOf(changes)
	if err != nil {
		return err
	}
	f.h.send(updates...)
	f.from = f.to
	return nil
}

// watched is a picture of the wallets that somebody watches.
func (h *Hub) watched() func(uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	wallets := make(map[uuid.UUID]struct{}, len(h.wallets))
	for id := range h.wallets {
		wallets[id] = struct{}{}
	}
	return func(id uuid.UUID) bool {
		_, ok := wallets[id]
		return ok
	}
}

// updatesOf has every charge, and of each wallet the last balance. At one position the charge comes last and carries the id: a
// stream that is cut between them gives the balance twice, never the charge.
func updatesOf(changes []live.Change) ([]*update, error) {
	last := map[uuid.UUID]int{}
	for i := range changes {
		last[changes[i].Balance.WalletID] = i
	}
	var updates []*update
	for i := range changes {
		c := &changes[i]
		if last[c.Balance.WalletID] == i {
			u, err := encode(kindBalance, c.Balance.WalletID, c.Balance.Position, balanceOf(&c.Balance))
			if err != nil {
				return nil, err
			}
			u.paired = c.Charge != nil
			updates = append(updates, &u)
		}
		if c.Charge != nil {
			u, err := encode(kindCharge, c.Charge.WalletID, c.Charge.Position, chargeOf(c.Charge))
			if err != nil {
				return nil, err
			}
			updates = append(updates, &u)
		}
	}
	return updates, nil
}

// sendLag sends the lag when it has changed, not too often. It says whether to look again although the log is silent.
func (f *follower) sendLag(state *live.State) (pending bool, err error) {
	f.h.mu.Lock()
	wanted := f.h.lagging > 0
	f.h.mu.Unlock()
	if !wanted {
		return false, nil
	}
	behind := slices.ContainsFunc(state.Models, func(m live.Model) bool { return m.Position < state.Head })
	if f.lag.Head == state.Head && f.lag.Reached == state.Reached && slices.Equal(f.lag.Models, state.Models) {
		return behind, nil
	}
	if time.Since(f.lagAt) < f.h.o.LagEvery {
		return true, nil
	}
	u, err := encode(kindLag, uuid.Nil, state.Reached, lagOf(state))
	if err != nil {
		return false, err
	}
	f.h.send(&u)
	f.lag, f.lagAt = *state, time.Now()
	return behind, nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
