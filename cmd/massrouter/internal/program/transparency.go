package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore/translog"
)

const logShard = 0

// guardLog refuses a ledger that is not the one of the newest checkpoint outside the database, unless the operator has
// said that this very checkpoint is abandoned. Nothing is appended before it has passed.
func (p *Program) guardLog(ctx context.Context) error {
	c := p.o.Config.Proof
	if c.LogDir == "" {
		return nil
	}
	key, err := audit.NewVerifier(c.PublicKey())
	if err != nil {
		return fmt.Errorf("read the transparency log's public key: %w", err)
	}
	err = translog.Guard(ctx, p.ledger, p.store, logShard, audit.Folder(c.LogDir), key)
	var fork *audit.ForkError
	if !errors.As(err, &fork) {
		return err
	}
	if fork.Known.RootText() == c.AbandonedRoot {
		p.forked = true
		p.o.Log.Error().Err(err).Msg("the operator has abandoned the published checkpoint: no checkpoint is signed under its origin any more")
		return nil
	}
	return fmt.Errorf("refuse to start: %w. Was an old backup restored? Restore a newer one; or, to go on with this ledger, "+
		"set MASSROUTER_LOG_ABANDONED_ROOT=%s, and begin a new log with a new key and an empty folder", err, fork.Known.RootText())
}

// transparency is the maker of checkpoints; nothing without a signing key.
func (p *Program) transparency() (stage, error) {
	c := p.o.Config.Proof
	if !c.LogKey.IsSet() || p.forked {
		return nil, nil
	}
	signer, _, verifier, err := translog.ParseKey(c.LogKey.Reveal())
	if err != nil {
		return nil, fmt.Errorf("read the transparency log's key: %w", err)
	}
	size := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "massrouter_log_checkpoint_size", Help: "Events that the newest checkpoint of this process covers.",
	})
	failures := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "massrouter_log_failures_total", Help: "Times that the transparency log stopped and was tried again.",
	})
	if err := register(p.registry, size, failures); err != nil {
		return nil, err
	}
	log, err := translog.New(p.workers, p.store, translog.Options{
		Shard: logShard, Signer: signer, Verifier: verifier, Dir: c.LogDir, Every: c.CheckpointEvery,
		OnCheckpoint: func(c audit.Checkpoint) { size.Set(float64(c.Size)) },
		OnError: func(err error) {
			failures.Inc()
			p.o.Log.Error().Err(err).Msg("the transparency log stopped and is tried again")
		},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the transparency log: %w", err)
	}
	return stage{{"transparency log", log.Run}}, nil
}
