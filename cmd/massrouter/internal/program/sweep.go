package program

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/generations"
)

const (
	sweeperActor = "system:sweeper"
	sweepLimit   = 1000 // holds of one wallet in one command
	// young holds are not looked at: nearly all calls have ended by then.
	young = 30 * time.Second
	// again is when a hold is looked at anew that was not due after all.
	again = 30 * time.Second
	lost  = time.Millisecond * 100
)

// sweeper finds holds past their expiry in the generations view and asks the ledger to act on them. The view only says
// where to look: what is due is decided under the ledger's lock, by the log's clock.
type sweeper struct {
	pool  *pgxpool.Pool
	app   *commands.App
	clock func(database time.Time) time.Time // the log's
	log   zerolog.Logger

	since time.Time // calls placed before this were looked at
	open  map[uuid.UUID]*openHold
}

// openHold is a hold that had not ended when it was looked at.
type openHold struct {
	wallet uuid.UUID
	due    time.Time // when to look again
}

// tick looks once. After an error it begins anew with all open holds.
func (s *sweeper) tick(ctx context.Context) error {
	err := s.look(ctx)
	if err != nil {
		s.since, s.open = time.Time{}, nil
	}
	return err
}

func (s *sweeper) look(ctx context.Context) error {
	now, err := s.find(ctx)
	if err != nil {
		return err
	}
	var due []uuid.UUID
	for id, hold := range s.open {
		if !hold.due.After(now) {
			due = append(due, id)
		}
	}
	if err := s.refresh(ctx, due, now); err != nil {
		return err
	}
	wallets := map[uuid.UUID][]*openHold{}
	for _, id := range due {
		if hold, still := s.open[id]; still && !hold.due.After(now) {
			wallets[hold.wallet] = append(wallets[hold.wallet], hold)
		}
	}
	for id, holds := range wallets {
		if err := s.sweep(ctx, id, holds, now); err != nil {
			return err
		}
	}
	return nil
}

// errRebuilding: the view is incomplete now.
var errRebuilding = errors.New("the generations view is being rebuilt")

// viewState says how far the view is.
const viewState = `SELECT now(), recorded_at, position < rebuild_to FROM views.checkpoints WHERE name = $1 AND version = $2`

// find remembers the calls that have become old enough to be looked at, and returns the time.
func (s *sweeper) find(ctx context.Context) (time.Time, error) {
	var now, complete time.Time
	var rebuilding bool
	err := s.pool.QueryRow(ctx, viewState, generations.Name, generations.Version).Scan(&now, &complete, &rebuilding)
	if errors.Is(err, pgx.ErrNoRows) {
		return now, nil // no event was ever projected
	}
	if err != nil {
		return now, fmt.Errorf("read how far the view is: %w", err)
	}
	if rebuilding {
		return now, errRebuilding
	}
	now = s.clock(now)
	until := now.Add(-young)
	if s.open == nil {
		s.open = map[uuid.UUID]*openHold{}
	}
	rows, err := s.pool.Query(ctx, `SELECT generation_id, wallet_id, expires_at, state FROM views.generations_v1
		WHERE placed_at >= $1 AND placed_at <= $2 AND state IN ('running', 'suspect')`, s.since, until)
	if err != nil {
		return now, fmt.Errorf("look for open holds: %w", err)
	}
	if err := s.scan(rows, now); err != nil {
		return now, err
	}
	// What the view has not seen yet is looked at next time.
	s.since = until
	if complete.Before(until) {
		s.since = complete
	}
	return now, nil
}

// refresh reads holds anew: those that have ended are forgotten, those that were extended have more time.
func (s *sweeper) refresh(ctx context.Context, ids []uuid.UUID, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		delete(s.open, id)
	}
	rows, err := s.pool.Query(ctx, `SELECT generation_id, wallet_id, expires_at, state FROM views.generations_v1
		WHERE generation_id = ANY($1) AND state IN ('running', 'suspect')`, ids)
	if err != nil {
		return fmt.Errorf("read open holds again: %w", err)
	}
	return s.scan(rows, now)
}

func (s *sweeper) scan(rows pgx.Rows, now time.Time) error {
	var id, walletID uuid.UUID
	var expires time.Time
	var state string
	_, err := pgx.ForEachRow(rows, []any{&id, &walletID, &expires, &state}, func() error {
		if _, known := s.open[id]; known {
			return nil
		}
		due := expires.Add(lost)
		if state == "suspect" {
			due = now
		}
		s.open[id] = &openHold{wallet: walletID, due: due}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read open holds: %w", err)
	}
	return nil
}

// sweep asks the ledger to act on one wallet.
func (s *sweeper) sweep(ctx context.Context, walletID uuid.UUID, holds []*openHold, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw a command id: %w", err)
	}
	meta := commands.Meta{CommandID: id, Actor: sweeperActor, CorrelationID: id, CausationID: id}
	done, _, err := s.app.SweepHolds(ctx, meta, commands.SweepHolds{WalletID: walletID, Limit: sweepLimit})
	next := now.Add(again)
	switch {
	case domain.CodeOf(err) == domain.CodeHoldActive:
	case err != nil:
		return fmt.Errorf("sweep the holds of wallet %s: %w", walletID, err)
	default:
		s.log.Warn().Stringer("wallet", walletID).Int("suspected", done.Suspected).Int("expired", done.Expired).
			Msg("holds were left open past their expiry")
		if done.Expired == 0 && done.Suspected < sweepLimit {
			next = now.Add(wallet.SuspectGrace).Add(lost)
		}
	}
	for _, hold := range holds {
		hold.due = next
	}
	return nil
}
