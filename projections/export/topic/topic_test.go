package topic_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

func TestTopicEqualsTheLog(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 30)
	for _, compression := range []topic.Compression{topic.NoCompression, topic.Gzip, topic.Snappy, topic.LZ4, topic.Zstd} {
		name := broker.Topic(t, 3)
		o := options(t, broker, name, log)
		o.Compression = compression
		r := run(t.Context(), t, log, o)
		r.Retries = 0 // leaders of a new topic may be looking for their seats
		require.Equal(t, topic.Result{Topic: name, Partitions: 3, Position: o.Last, Sent: o.Last}, *r)
		records := broker.Records(t, name)
		require.Zero(t, requireLog(t, log, records))
		for p := range records {
			require.NotEmpty(t, records[p], "partition %d", p)
		}
	}
}

// TestContinues: each run goes on where the one before ended, and repeats nothing; so does one that was cut off anywhere.
func TestContinues(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 10)
	o := options(t, broker, broker.Topic(t, 4), log)
	whole := o.Last
	var sent int64
	for o.Last = 100; o.Last < whole; o.Last += 37 {
		r := run(t.Context(), t, log, o)
		require.Less(t, r.Resumed, o.Last)
		require.Equal(t, o.Last, r.Position)
		sent += r.Sent
	}
	for cut := 1; ; cut++ {
		ctx, cancel := context.WithCancel(t.Context())
		o.Last, o.Round = whole, 10
		rounds := 0
		o.Progress = func(topic.Progress) {
			if rounds++; rounds == cut {
				cancel()
			}
		}
		r, err := topic.Run(ctx, log, o)
		cancel()
		require.NotNil(t, r)
		sent += r.Sent
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		log.call(t, 1) // and the log has grown
		whole = head(t, log)
	}
	require.Equal(t, whole, sent)
	require.Zero(t, requireLog(t, log, broker.Records(t, o.Topic)))
	r := run(t.Context(), t, log, o)
	require.Equal(t, topic.Result{Topic: o.Topic, Partitions: 4, Retries: r.Retries, Resumed: r.Resumed, Position: whole, Skipped: r.Skipped}, *r)
}

// away is a log whose database comes and goes.
type away struct {
	eventstore.Reader
	reads, failed atomic.Int64
}

func (a *away) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	if a.reads.Add(1)%3 == 0 {
		a.failed.Add(1)
		return nil, eventstore.ErrUnavailable
	}
	return a.Reader.Read(ctx, after, limit)
}

func TestFollows(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 5)
	registry := prometheus.NewRegistry()
	metrics, err := topic.NewMetrics(registry)
	require.NoError(t, err)
	name := broker.Name()
	reached := make(chan int64, 1<<10)
	o := options(t, broker, name, log)
	o.Create, o.Partitions, o.Last, o.Follow, o.Metrics = true, 2, 0, true, metrics
	o.Progress = func(p topic.Progress) { reached <- p.Position }
	var troubles atomic.Int64
	o.Trouble = func(error, time.Duration) { troubles.Add(1) }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	source := &away{Reader: log}
	go func() {
		_, err := topic.Run(ctx, source, o)
		ended <- err
	}()
	for range 4 {
		want := head(t, log)
		for <-reached < want {
		}
		log.call(t, 2)
	}
	want := head(t, log)
	for <-reached < want {
	}
	require.Positive(t, source.failed.Load())
	require.GreaterOrEqual(t, troubles.Load(), source.failed.Load())
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Zero(t, requireLog(t, log, broker.Records(t, name)))
	require.Equal(t, map[string]int64{
		"massrouter_export_kafka_up": 1, "massrouter_export_kafka_position": want, "massrouter_export_kafka_events_total": want,
		"massrouter_export_kafka_recorded_seconds": log.Clock.Now().Unix(), "massrouter_export_kafka_failures_total": troubles.Load(),
	}, gathered(t, registry))
}

func gathered(t *testing.T, registry *prometheus.Registry) map[string]int64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	values := map[string]int64{}
	for _, f := range families {
		values[f.GetName()] = int64(f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue())
	}
	return values
}

// TestRefusesOtherTopics: what is in a topic, and how it is set up, is looked at before anything is sent.
func TestRefusesOtherTopics(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log, other := inMemory(t, 1), inMemory(t, 1)
	exported := func(t *testing.T, log eventstore.Reader, partitions int) string {
		t.Helper()
		name := broker.Topic(t, partitions)
		run(t.Context(), t, log, options(t, broker, name, log))
		return name
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, o *topic.Options)
		want    string
	}{
		"another ledger": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = exported(t, other, 2)
		}, "of another ledger"},
		"foreign records": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = broker.Topic(t, 1)
			produce(t, broker, o.Topic, kafka.Record{Value: kafka.NewBytes([]byte("hello"))})
		}, "something else than an exported ledger"},
		"foreign records behind ours": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = exported(t, log, 1)
			produce(t, broker, o.Topic, kafka.Record{Value: kafka.NewBytes([]byte("hello"))})
		}, "something else than an exported ledger"},
		"partitions added": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = exported(t, log, 2)
			client, done := client(broker)
			defer done()
			answer, err := client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{
				Topics: []kafka.TopicPartitionsConfig{{Name: o.Topic, Count: 3}},
			})
			require.NoError(t, err)
			require.NoError(t, answer.Errors[o.Topic])
			require.Eventually(t, func() bool { return led(t, client, o.Topic) == 3 }, time.Minute, 50*time.Millisecond)
		}, "keys would move"},
		"compacted": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = broker.Topic(t, 1, kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
		}, "compacted"},
		"gap": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic = broker.Topic(t, 1)
			part := *o
			part.Last = 20
			run(t.Context(), t, log, part)
			o.First = 30
		}, "up to position 20"},
		"not that many partitions": {func(t *testing.T, o *topic.Options) {
			t.Helper()
			o.Topic, o.Partitions = broker.Topic(t, 2), 3
		}, "2 partitions, not 3"},
		"no topic": {func(_ *testing.T, o *topic.Options) { o.Topic = broker.Name() }, "--create-topic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, broker, "", log)
			c.prepare(t, &o)
			r, err := topic.Run(t.Context(), log, o)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, r)
			var known *domain.Error
			require.True(t, errors.As(err, &known) || errors.Is(err, topic.ErrRefused), "%v", err)
		})
	}
}

// TestOlderLedgerIsRefused: the ledger was restored from a backup, and the topic is ahead of it.
func TestOlderLedgerIsRefused(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 1)
	o := options(t, broker, broker.Topic(t, 2), log)
	run(t.Context(), t, log, o)
	_, err := topic.Run(t.Context(), shortened{log, o.Last - 5}, o)
	require.ErrorContains(t, err, "older backup")
}

// shortened is a log that ends earlier.
type shortened struct {
	eventstore.Reader
	last int64
}

func (s shortened) Head(ctx context.Context) (eventstore.Head, error) {
	h, err := s.Reader.Head(ctx)
	h.Position = s.last
	return h, err
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*topic.Options){
		"no topic":                  func(o *topic.Options) { o.Topic = "" },
		"bad topic":                 func(o *topic.Options) { o.Topic = "a/b" },
		"no brokers":                func(o *topic.Options) { o.Connection.Brokers = nil },
		"broker without port":       func(o *topic.Options) { o.Connection.Brokers = []string{"localhost"} },
		"end of what has none":      func(o *topic.Options) { o.Follow = true },
		"create without partitions": func(o *topic.Options) { o.Create = true },
		"negative":                  func(o *topic.Options) { o.First = -1 },
		"compression":               func(o *topic.Options) { o.Compression = "brotli" },
		"user without mechanism":    func(o *topic.Options) { o.Connection.User = "u" },
		"mechanism without user":    func(o *topic.Options) { o.Connection.SASL = topic.ScramSHA256 },
		"unknown mechanism":         func(o *topic.Options) { o.Connection.SASL = "gssapi" },
		"password in the clear": func(o *topic.Options) {
			o.Connection.SASL, o.Connection.User, o.Connection.Password = topic.Plain, "u", "p"
		},
		"certificates without TLS":    func(o *topic.Options) { o.Connection.CAFile = "ca.pem" },
		"certificate without its key": func(o *topic.Options) { o.Connection.TLS, o.Connection.CertFile = true, "cert.pem" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := topic.Options{Topic: "ledger", Last: 1, Connection: topic.Connection{Brokers: []string{"127.0.0.1:1"}}}
			change(&o)
			_, err := topic.Run(t.Context(), nil, o)
			var known *domain.Error
			require.ErrorAs(t, err, &known)
			require.Equal(t, domain.CodeInvalid, known.Code)
		})
	}
}

func client(b *kafkatest.Broker) (*kafka.Client, func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(b.Address()), Transport: transport, Timeout: 30 * time.Second}, transport.CloseIdleConnections
}

// led is how many partitions of a topic have a leader.
func led(t *testing.T, c *kafka.Client, name string) (n int) {
	t.Helper()
	answer, err := c.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{name}})
	require.NoError(t, err)
	for _, found := range answer.Topics {
		for _, p := range found.Partitions {
			if p.Error == nil && p.Leader.Host != "" {
				n++
			}
		}
	}
	return n
}

func produce(t *testing.T, b *kafkatest.Broker, name string, r kafka.Record) {
	t.Helper()
	c, done := client(b)
	defer done()
	answer, err := c.Produce(t.Context(), &kafka.ProduceRequest{Topic: name, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(r)})
	require.NoError(t, err)
	require.NoError(t, answer.Error)
}
