package program

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
)

// actor is anything long-lived: run works until ctx ends, gives back what it holds, and returns.
type actor struct {
	name string
	run  func(ctx context.Context) error
}

// stage is actors that stop together.
type stage []actor

// errEndedEarly says that an actor returned although nobody asked it to.
var errEndedEarly = errors.New("ended early")

// runStages starts all stages, the last one first, and keeps them running until ctx ends or an actor does. Then it stops
// them stage by stage, the first one first, each only when the stage before it is gone: who serves callers stands in
// front of what they need. It returns why it stopped; nil when ctx ended and every actor stopped cleanly.
func runStages(ctx context.Context, log zerolog.Logger, stages ...stage) error {
	ended := make(chan error, countActors(stages))
	stops := make([]func(), len(stages))
	for i := len(stages) - 1; i >= 0; i-- {
		stops[i] = startStage(context.WithoutCancel(ctx), log, stages[i], ended)
	}
	var errs []error
	select {
	case <-ctx.Done():
		log.Info().Msg("shutting down")
	case err := <-ended:
		errs = append(errs, err)
		log.Error().Err(err).Msg("shutting down after a failure")
	}
	for _, stop := range stops {
		stop()
	}
	close(ended)
	for err := range ended {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// startStage runs the actors and returns a function that stops them and waits for them.
func startStage(ctx context.Context, log zerolog.Logger, actors stage, ended chan<- error) func() {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, a := range actors {
		running.Go(func() {
			err := a.run(ctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				err = fmt.Errorf("%s: %w", a.name, err)
			} else if err = nil; ctx.Err() == nil {
				err = fmt.Errorf("%s: %w", a.name, errEndedEarly)
			}
			log.Debug().Str("part", a.name).Msg("stopped")
			ended <- err
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func countActors(stages []stage) int {
	n := 0
	for _, s := range stages {
		n += len(s)
	}
	return n
}
