package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/eventstore"
	hs "github.com/massrouter/massrouter/http"
	"github.com/massrouter/massrouter/projections/export"
	"github.com/massrouter/massrouter/projections/export/topic"
)

const exportKafkaLong = `Writes every event as a record into a Kafka topic: the key is the wallet, the value the event as 'export events' writes it as
NDJSON, the headers have shard, position, type, schema version, time and leaf hash. Any number of consumers can follow, in the order
of the log for each wallet.

The export goes on where the topic ends, so the same command can be run again at any time. With --follow it then stays and
sends each new event as it is recorded, until it is stopped. Delivery is at least once: a consumer keeps, for each partition and
shard, the highest position it has seen, and drops what is not above it. docs/exports.md has the whole contract.

Kafka may be slow, restarted or away: the export says so, waits and goes on; the ledger never waits for it. A topic that holds
anything else than this ledger's events is refused.

Brokers, TLS and SASL are settings (MASSROUTER_KAFKA_…, see docs/configuration.md); --brokers wins over the setting.`

// kafkaFlags are what the command line gives.
type kafkaFlags struct {
	brokers, topic, from, to, compression, ops, data string
	create, follow                                   bool
	partitions, replication                          int
}

func newExportKafkaCommand(sh shell) *cobra.Command {
	var o kafkaFlags
	c := &cobra.Command{
		Use: "kafka", Short: "Events into a Kafka topic, once or as they come", Args: exactly(0), Long: exportKafkaLong,
		Example: "  massrouter export kafka --brokers kafka:9092 --topic ledger --create-topic --partitions 12 --follow --ops-listen 127.0.0.1:9091\n" +
			"  massrouter export kafka --brokers 127.0.0.1:9092 --topic march --from 2026-03-01 --to 2026-04-01 --data .data",
		RunE: func(c *cobra.Command, _ []string) error { return runExportKafka(c, sh, &o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.brokers, "brokers", "", "HOST:PORT of the brokers, with commas between them (default: MASSROUTER_KAFKA_BROKERS)")
	flags.StringVar(&o.topic, "topic", "", "name of the topic")
	flags.BoolVar(&o.create, "create-topic", false, "make the topic when it is missing, keeping its records for ever; needs --partitions")
	flags.IntVar(&o.partitions, "partitions", 0, "partitions of a new topic; they cannot be changed later. Of one that exists: what it has to have")
	flags.IntVar(&o.replication, "replication", 0, "copies of a new topic (default: the broker's)")
	flags.StringVar(&o.from, "from", "", "first position, or time from which on, of an empty topic (default: the beginning)")
	flags.StringVar(&o.to, "to", "", "last position, or time before which (default: the end of the log)")
	flags.BoolVar(&o.follow, "follow", false, "go on with every new event until stopped")
	flags.StringVar(&o.compression, "compression", string(topic.Zstd), "of batches: none, gzip, snappy, lz4 or zstd")
	flags.StringVar(&o.ops, "ops-listen", "", "HOST:PORT for /healthz, /readyz and /metrics (default: none)")
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev'")
	return c
}

func runExportKafka(c *cobra.Command, sh shell, o *kafkaFlags) error {
	options, from, to, err := o.options()
	if err != nil {
		return err
	}
	cfg, err := databaseSettings(c, sh, o.data)
	if err != nil {
		return err
	}
	options.Connection = cfg.Kafka.Connection()
	if o.brokers != "" {
		options.Connection.Brokers = topic.ParseBrokers(o.brokers)
	}
	if len(options.Connection.Brokers) == 0 {
		return usagef("--brokers or MASSROUTER_KAFKA_BROKERS is needed: HOST:PORT")
	}
	log, closeLog, err := openLog(c, sh, o.data)
	if err != nil {
		return err
	}
	defer closeLog()
	span, err := export.Resolve(c.Context(), log, from, to, time.Now())
	if err != nil {
		return err
	}
	options.First = span.First
	if !o.follow {
		options.Last = span.Last
	}
	began := time.Now()
	result, err := (&kafkaRun{out: printer(c), options: options, began: began}).run(c.Context(), log, cfg, o.ops)
	if o.follow && c.Context().Err() != nil {
		err = nil // that is how it ends
	}
	if result == nil || err != nil && c.Context().Err() != nil {
		return kafkaFailure(c, err)
	}
	return errors.Join(printer(c).Value(result, func(w io.Writer) { writeKafkaResult(w, result, time.Since(began)) }), err)
}

// options checks what the flags say by themselves.
func (o *kafkaFlags) options() (options topic.Options, from, to export.Bound, err error) {
	switch {
	case o.topic == "":
		err = usagef("--topic is needed")
	case o.follow && o.to != "":
		err = usagef("--follow has no end, and --to is one")
	case o.create && o.partitions == 0:
		err = usagef("--create-topic needs --partitions: their number cannot be changed later")
	}
	if err != nil {
		return options, from, to, err
	}
	if from, err = export.ParseBound(o.from); err != nil {
		return options, from, to, usageError{fmt.Errorf("--from: %w", err)}
	}
	if to, err = export.ParseBound(o.to); err != nil {
		return options, from, to, usageError{fmt.Errorf("--to: %w", err)}
	}
	return topic.Options{
		Topic: o.topic, Create: o.create, Partitions: o.partitions, Replication: o.replication,
		Compression: topic.Compression(o.compression), Follow: o.follow,
	}, from, to, nil
}

func kafkaFailure(c *cobra.Command, err error) error {
	if err == nil || c.Context().Err() != nil {
		return errors.New("interrupted; the same command goes on where the topic ends")
	}
	return err
}

// kafkaRun tells a person how an export goes, and a monitor on its own listener.
type kafkaRun struct {
	out     *output.Printer
	options topic.Options
	began   time.Time
	told    time.Time
	said    string
	reached atomic.Int64
	failing atomic.Bool
}

func (k *kafkaRun) run(ctx context.Context, log eventstore.Reader, cfg config.Config, ops string) (result *topic.Result, err error) {
	k.options.Note = func(text string) { k.out.Progress("%s", text) }
	k.options.Trouble = k.trouble
	k.options.Progress = k.progress
	if ops == "" {
		return topic.Run(ctx, log, k.options)
	}
	registry := prometheus.NewRegistry()
	if k.options.Metrics, err = topic.NewMetrics(registry); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", ops)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (--ops-listen): %w", ops, err)
	}
	k.out.Progress("operations on http://%s", listener.Addr())
	logger := newLogger(k.out.Err, cfg.Log)
	server := hs.Server{
		Name: "operations", Listener: listener, Logger: logger,
		Handler: hs.Operations{
			Ready: k.ready, Gatherer: registry, Logger: logger,
			Details: map[string]func(context.Context) (any, error){"kafka": k.detail},
		}.Handler(),
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(inner) })
	group.Go(func() (err error) {
		defer stop()
		result, err = topic.Run(inner, log, k.options)
		return err
	})
	err = group.Wait()
	return result, err
}

var errKafkaAway = errors.New("kafka does not take the export at present")

func (k *kafkaRun) ready(context.Context) error {
	if k.failing.Load() {
		return errKafkaAway
	}
	return nil
}

func (k *kafkaRun) detail(context.Context) (any, error) {
	return map[string]any{"topic": k.options.Topic, "position": k.reached.Load(), "failing": k.failing.Load()}, nil
}

func (k *kafkaRun) progress(p topic.Progress) {
	if k.failing.Swap(false) {
		k.said = ""
		k.out.Progress("kafka takes the export again")
	}
	k.reached.Store(p.Position)
	if now := time.Now(); !k.options.Follow && now.Sub(k.told) >= time.Second {
		k.told = now
		k.out.Progress("exported to position %d of %d", p.Position, p.Head)
	}
}

// trouble says what is new, and what is not every few seconds.
func (k *kafkaRun) trouble(err error, wait time.Duration) {
	const again = 5 * time.Second
	k.failing.Store(true)
	if now := time.Now(); err.Error() != k.said || now.Sub(k.told) >= again {
		k.told, k.said = now, err.Error()
		k.out.Progress("%v; trying again in %s", err, wait.Round(time.Millisecond))
	}
}

func writeKafkaResult(w io.Writer, r *topic.Result, took time.Duration) {
	output.Fields(w,
		"topic", r.Topic+" ("+strconv.Itoa(r.Partitions)+" partitions)",
		"complete before", "to position "+strconv.FormatInt(r.Resumed, 10),
		"complete now", "to position "+strconv.FormatInt(r.Position, 10),
		"events sent", strconv.FormatInt(r.Sent, 10)+" ("+strconv.FormatInt(r.Skipped, 10)+" were there)",
		"requests sent again", strconv.FormatInt(r.Retries, 10),
		"took", took.Round(time.Millisecond).String())
}
