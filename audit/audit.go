// Package audit verifies a ledger from its events alone. It knows no database: it takes the log as a stream of rows and
// computes everything anew, with code of its own where the ledger has code (leaf hashes, prices, balances from the legs
// of entries), so that a mistake in either shows as a difference. One pass, in memory that grows with wallets, keys,
// streams and open calls, never with events.
//
// What it checks of each event:
//
//	the log      positions are dense from 1, one shard, recorded_at never goes back, the leaf hash is that of the row,
//	             the event id carries the recorded time, stream versions are dense, type, schema version and stream agree,
//	             the body decodes;
//	money        the legs of an entry sum to zero, and are exactly those that the event calls for; the balances that the
//	             event states are the sums of all legs so far; no wallet is below zero; the trial balance is zero;
//	holds        placed once, at the price in force, for its worst case, within the key's caps, by a key that may; ended
//	             once; suspected, expired and extended when the clock says so;
//	charges      each line is quantity × the rate of the pinned price version for that call; the charge is the sum of the
//	             lines; the vendor's cost and the uncollectible part follow from the same;
//	keys, prices changed only as their rules say.
package audit

import (
	"context"
	"iter"
	"runtime"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Batches is the log in its order, from the position after Options.After, cut anywhere. After an error nothing follows.
// Events belong to the auditor once they were handed over.
type Batches = iter.Seq2[[]eventstore.Event, error]

// Observer compares something else with the log while the log is verified.
type Observer interface {
	// Observe is called once an event, in order, after it was verified and folded. It does not keep the step.
	Observe(ctx context.Context, step *Step) error
	// End is called once, after the last event.
	End(ctx context.Context, state *State) error
}

// Options of a run.
type Options struct {
	Registry  *domain.Registry
	Findings  *Findings // where to put what is wrong; nil makes a list of its own
	Workers   int       // goroutines that hash and decode; 0 means one a processor
	Observers []Observer
	Documents bool // whether observers want Step.Documents
	// After is the position that the log is handed over after, 0 for a whole log. What events before it amount to is then
	// unknown: balances, holds, keys and prices are not followed, only what each event says by itself and the order of all.
	After int64
	// Done, when given, gets each batch back once nothing needs its events or their bodies any more, to be used again.
	Done func([]eventstore.Event)
}

// Verify reads the log to its end. The error says that the log could not be read, or an observer could not compare;
// what is wrong with the log itself is in the report.
func Verify(ctx context.Context, log Batches, o Options) (*Report, error) {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Findings == nil {
		o.Findings = NewFindings(0)
	}
	v := newVerifier(o.Findings, o.After)
	for batch, err := range inspectAll(ctx, log, &o) {
		if err != nil {
			return nil, err
		}
		for i := range batch.events {
			step := v.step(&batch.events[i])
			for _, observer := range o.Observers {
				if err := observer.Observe(ctx, step); err != nil {
					return nil, err
				}
			}
		}
		if o.Done != nil {
			o.Done(batch.rows)
		}
	}
	v.unnoted()
	for _, observer := range o.Observers {
		if err := observer.End(ctx, &v.state); err != nil {
			return nil, err
		}
	}
	return v.report(), nil
}
