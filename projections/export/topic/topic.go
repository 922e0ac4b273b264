// Package topic exports the log into a Kafka topic: a record for each event, and, when it is asked to, every new event as it
// is recorded. It only reads the ledger: however slow or dead Kafka is, nothing waits for it but this export.
//
// What a record is stands in record.go, how an export continues where the topic ends in tail.go, and both, for those who
// consume the topic, in docs/exports.md.
//
// What holds in every partition, whatever is killed and however often: an event is there only after all earlier events of
// the same partition. So a consumer that drops every record whose position is not above the highest it has seen in that
// partition, of that shard, sees each event once and in the order of the log.
package topic

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Options of an export.
type Options struct {
	Connection Connection
	Topic      string
	// Create makes the topic when it is missing, with Partitions and Replication (0: the broker's default), keeping records
	// for ever. Without Create, Partitions, when set, must be what the topic has.
	Create                  bool
	Partitions, Replication int
	// Compression of record batches.
	Compression Compression
	// First is the position with which an empty topic begins; 0 means 1. A topic that is not empty goes on where it ends,
	// and First must not leave a gap then.
	First int64
	// Last is the position after which the export ends. With Follow there is none: it goes on until ctx ends.
	Last   int64
	Follow bool
	// Round is how many events are under way at most; 0 means DefaultRound.
	Round int
	// RequestTimeout is how long one request may take before it is sent again; 0 means DefaultRequestTimeout.
	RequestTimeout time.Duration
	// Progress, when set, is called after each round. Trouble, when set, is called each time that Kafka (or, with Follow, the
	// log) has failed and will be asked again after the wait. Note, when set, gets what the operator should know about the
	// topic. None of them is called twice at a time.
	Progress func(Progress)
	Trouble  func(err error, wait time.Duration)
	Note     func(text string)
	// Metrics, when set, are kept up to date.
	Metrics *Metrics
}

// The defaults.
const (
	DefaultRound          = 2000
	DefaultRequestTimeout = 20 * time.Second
)

// Progress is how far an export has come.
type Progress struct {
	Position int64 // every event up to it is in the topic
	Head     int64 // the last position to export; with Follow the end of the log as last seen
	Sent     int64 // events sent and acknowledged by this run
}

// Result is what a run has done.
type Result struct {
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"`
	// Resumed is the position up to which the topic was complete before; 0 for an empty topic.
	Resumed  int64 `json:"resumed"`
	Position int64 `json:"position"` // every event up to it is in the topic
	Sent     int64 `json:"sent"`
	Skipped  int64 `json:"skipped"` // events after Resumed that their partition had already
	Retries  int64 `json:"retries"` // requests that were sent again
}

func (o *Options) check() error {
	switch {
	case o.Topic == "":
		return domain.Errorf(domain.CodeInvalid, "the topic is missing")
	case !validName(o.Topic):
		return domain.Errorf(domain.CodeInvalid, "%q is no name of a topic: 1 to 249 letters, digits, dots, hyphens and underscores", o.Topic)
	case o.First < 0 || o.Last < 0 || o.Round < 0 || o.RequestTimeout < 0:
		return domain.Errorf(domain.CodeInvalid, "positions, the round and the timeout are not negative")
	case o.Follow && o.Last != 0:
		return domain.Errorf(domain.CodeInvalid, "an export that follows has no end")
	case o.Partitions < 0 || o.Partitions > maxPartitions:
		return domain.Errorf(domain.CodeInvalid, "a topic has 1 to %d partitions", maxPartitions)
	case o.Create && o.Partitions == 0:
		return domain.Errorf(domain.CodeInvalid, "a topic to create needs its number of partitions: it cannot be changed later")
	case o.Replication < 0 || o.Replication > maxReplication:
		return domain.Errorf(domain.CodeInvalid, "there are 1 to %d copies of a topic", maxReplication)
	}
	if _, ok := codecs[o.Compression]; !ok {
		return domain.Errorf(domain.CodeInvalid, "%q is no compression: none, gzip, snappy, lz4 or zstd", o.Compression)
	}
	o.First = max(o.First, 1)
	if o.Round == 0 {
		o.Round = DefaultRound
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	return o.Connection.check()
}

const (
	maxPartitions  = 10_000
	maxReplication = 100
	maxName        = 249
)

func validName(name string) bool {
	if len(name) > maxName || name == "." || name == ".." {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// Run exports, beginning where the topic ends. What Kafka refuses for a reason that may pass is tried again until ctx ends,
// with growing waits. When ctx ends, requests under way get a moment to be answered, and the error is ctx's.
//
// Errors: invalid_request for options; conflict for a topic that holds something else, has changed its partitions, or would
// get a gap; ErrRefused for what Kafka refuses for good; ErrWentBack; eventstore.ErrGap for a damaged log; else those of
// the log. The result is what was done until then; nil when nothing could be begun.
func Run(ctx context.Context, log eventstore.Reader, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	k, err := open(&o)
	if err != nil {
		return nil, err
	}
	defer k.close()
	e := &exporter{options: &o, log: log, kafka: k}
	return e.run(ctx)
}

// exporter is one run.
type exporter struct {
	options *Options
	log     eventstore.Reader
	kafka   *cluster
	tail    tail
	result  Result
}

func (e *exporter) run(ctx context.Context) (*Result, error) {
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	o, r := e.options, &e.result
	o.Metrics.at(r.Position)
	for next, err := range eventstore.InOrder(ctx, e.batches(ctx), max(1, runtime.GOMAXPROCS(0)/2), e.newWork) {
		if err != nil {
			return r, err
		}
		if err := e.kafka.sendAll(ctx, next.parts); err != nil {
			r.Retries = e.kafka.retries.Load()
			return r, err
		}
		r.Position, r.Sent, r.Skipped = next.last, r.Sent+next.sent, r.Skipped+next.skipped
		r.Retries = e.kafka.retries.Load()
		o.Metrics.sent(next.sent, next.last, next.recorded)
		e.kafka.progress(Progress{Position: r.Position, Head: max(o.Last, r.Position), Sent: r.Sent})
	}
	return r, ctx.Err()
}

// begin looks at the topic until Kafka answers, and finds out where to go on.
func (e *exporter) begin(ctx context.Context) error {
	o := e.options
	err := e.kafka.insist(ctx, func(ctx context.Context) error { return e.kafka.prepare(ctx) })
	if err != nil {
		return err
	}
	var found []window
	err = e.kafka.insist(ctx, func(ctx context.Context) (err error) {
		found, err = e.kafka.windows(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := recognize(ctx, e.log, found); err != nil {
		return err
	}
	if e.tail, err = resume(found, o.First); err != nil {
		return err
	}
	if err := e.tail.verifyEnd(ctx, e.log); err != nil {
		return err
	}
	e.kafka.next = e.tail.next
	e.result = Result{Topic: o.Topic, Partitions: len(found), Position: e.tail.complete}
	if !e.tail.empty {
		e.result.Resumed = e.tail.complete
	}
	return nil
}

// batches reads the log from where the topic ends.
func (e *exporter) batches(ctx context.Context) func(yield func([]eventstore.Event, error) bool) {
	o := e.options
	return func(yield func([]eventstore.Event, error) bool) {
		for after := e.tail.complete; o.Follow || after < o.Last; {
			limit := o.Round
			if !o.Follow {
				limit = int(min(int64(limit), o.Last-after))
			}
			events, err := e.read(ctx, after, limit)
			if err == nil && len(events) == 0 {
				err = fmt.Errorf("%w: the log ends after position %d", eventstore.ErrGap, after)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			after = events[len(events)-1].Position
			if !yield(events, nil) {
				return
			}
		}
	}
}

// read returns the next events. An export that follows waits for them, and for a database that is away.
func (e *exporter) read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	for b := newBackoff(); ; {
		events, err := eventstore.ReadDense(ctx, e.log, after, limit)
		if err == nil && len(events) == 0 && e.options.Follow {
			err = e.log.Wait(ctx, after)
			if err == nil {
				continue
			}
		}
		if err == nil || !e.options.Follow || !errors.Is(err, eventstore.ErrUnavailable) {
			return events, err
		}
		wait := b.next()
		e.kafka.trouble(fmt.Errorf("read the ledger: %w", err), wait)
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}
