package topic_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

// TestBrokerGoesAwayDuringTheExport: it is killed and restarted, then it stops answering while the connections stay open, and
// then its disk is full. The ledger goes on writing, the export says what is wrong and goes on by itself, and the topic,
// de-duplicated, is the log.
func TestBrokerGoesAwayDuringTheExport(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Start(t, kafkatest.Options{})
	log := inMemory(t, 40)
	reached, failed := make(chan int64, 1<<16), make(chan error, 1<<16)
	o := options(t, broker, broker.Topic(t, 3), log)
	o.Last, o.Follow, o.RequestTimeout = 0, true, 2*time.Second
	o.Progress = func(p topic.Progress) { reached <- p.Position }
	o.Trouble = func(err error, _ time.Duration) { failed <- err }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := topic.Run(ctx, log, o)
		ended <- err
	}()
	// grow writes to the ledger beside the fault, and waits until all of it is in the topic afterwards.
	faults := 0
	through := func(fault, repair func()) {
		faults++
		for <-reached < int64(100*faults) {
		}
		fault()
		log.call(t, 20)
		select {
		case err := <-ended:
			require.NoError(t, err)
		case err := <-failed:
			t.Log("as it should be:", err)
		}
		repair()
		for want := head(t, log); ; {
			select {
			case err := <-ended:
				require.NoError(t, err)
			case position := <-reached:
				if position >= want {
					drain(failed)
					return
				}
			}
		}
	}
	through(func() { broker.Kill(t) }, func() { broker.Restart(t) })
	log.call(t, 20)
	through(func() { broker.Freeze(t) }, func() { broker.Thaw(t) })
	if broker.Kind() == kafkatest.Jars {
		log.call(t, 20)
		through(func() { broker.Fill(t) }, func() { broker.Restart(t) })
	}
	// It can be stopped while nothing answers; the next run sends what is left.
	drain(failed)
	broker.Freeze(t)
	log.call(t, 3)
	require.Error(t, <-failed)
	stopped := time.Now()
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Less(t, time.Since(stopped), 30*time.Second)
	broker.Thaw(t)
	rest := options(t, broker, o.Topic, log)
	require.Equal(t, rest.Last, run(t.Context(), t, log, rest).Position)
	t.Log("repetitions:", requireLog(t, log, broker.Records(t, o.Topic)))
}

func drain(c chan error) {
	for len(c) > 0 {
		<-c //nolint:errcheck // what was said during the fault
	}
}

// TestAcknowledgementsAreLost: the broker takes requests and cannot answer in time, so that they are sent again: the
// repetitions are there, and the rule drops them.
func TestAcknowledgementsAreLost(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Start(t, kafkatest.Options{})
	log := inMemory(t, 20)
	o := options(t, broker, broker.Topic(t, 2), log)
	o.RequestTimeout = 300 * time.Millisecond
	rounds, retries := 0, atomic.Int64{}
	frozen := make(chan struct{}, 1)
	o.Progress = func(topic.Progress) {
		if rounds++; rounds%3 == 0 {
			broker.Freeze(t)
			frozen <- struct{}{}
		}
	}
	o.Trouble = func(error, time.Duration) {
		retries.Add(1)
		select {
		case <-frozen: // requests lie in its sockets
			broker.Thaw(t)
		default:
		}
	}
	run(t.Context(), t, log, o)
	select {
	case <-frozen:
		broker.Thaw(t)
	default:
	}
	require.Positive(t, retries.Load())
	t.Log("retries:", retries.Load(), "repetitions:", requireLog(t, log, broker.Records(t, o.Topic)))
}

// childTopic makes the test binary a program that exports to this topic until it is killed.
const (
	childTopic    = "TOPIC_TEST_CHILD_TOPIC"
	childBroker   = "TOPIC_TEST_CHILD_BROKER"
	childDatabase = "TOPIC_TEST_CHILD_DATABASE"
	childLast     = "TOPIC_TEST_CHILD_LAST"
)

func runChild() int {
	pool, err := pgxpool.New(context.Background(), os.Getenv(childDatabase))
	if err == nil {
		var store *postgres.Store
		if store, err = postgres.Open(context.Background(), pool, postgres.Options{}); err == nil {
			last, _ := strconv.ParseInt(os.Getenv(childLast), 10, 64)
			_, err = topic.Run(context.Background(), store, topic.Options{
				Connection: topic.Connection{Brokers: []string{os.Getenv(childBroker)}}, Topic: os.Getenv(childTopic), Last: last, Round: 20,
				Progress: func(p topic.Progress) {
					fmt.Println(p.Position)
					_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent lets it go on
				},
			})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestExporterIsKilled with SIGKILL at many places, until one comes to the end.
func TestExporterIsKilled(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	address, clock := pgtest.URL(t), ledgertest.NewClock()
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store, err := postgres.Open(t.Context(), pool, postgres.Options{Clock: clock.At})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	log := story(t, store, clock, 30)
	name := broker.Topic(t, 3)
	self, err := os.Executable()
	require.NoError(t, err)
	kills := 0
	for after := 1; !exportOnce(t, self, after, childTopic+"="+name, childBroker+"="+broker.Address(), childDatabase+"="+address,
		childLast+"="+strconv.FormatInt(head(t, log), 10)); after++ {
		kills++
	}
	require.GreaterOrEqual(t, kills, 4)
	t.Log("kills:", kills, "repetitions:", requireLog(t, log, broker.Records(t, name)))
}

// exportOnce runs the export in a process of its own and kills it after so many rounds: between two rounds, or, every other
// time, wherever it is in the next one. It says whether the export came to its end before.
func exportOnce(t *testing.T, self string, rounds int, environ ...string) (ended bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), environ...)
	var messages strings.Builder
	child.Stderr = &messages
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	in, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	goOn := func() { _, _ = in.Write([]byte{'\n'}) } // it may have come to its end
	for n := 0; n < rounds && lines.Scan(); n++ {
		if n+1 < rounds || rounds%2 == 0 {
			goOn()
		}
	}
	_ = child.Process.Kill() // as above
	_, _ = io.Copy(io.Discard, out)
	err = child.Wait()
	require.Empty(t, messages.String())
	return err == nil
}

// TestTopicIsMadeAnewDuringTheExport: going on would leave out what it held before.
func TestTopicIsMadeAnewDuringTheExport(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 5)
	o := options(t, broker, broker.Topic(t, 1), log)
	rounds := 0
	o.Progress = func(topic.Progress) {
		if rounds++; rounds != 2 {
			return
		}
		c, done := client(broker)
		defer done()
		deleted, err := c.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{o.Topic}})
		require.NoError(t, err)
		require.NoError(t, deleted.Errors[o.Topic])
		require.Eventually(t, func() bool {
			made, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
				Topics: []kafka.TopicConfig{{Topic: o.Topic, NumPartitions: 1, ReplicationFactor: 1}},
			})
			return err == nil && made.Errors[o.Topic] == nil
		}, time.Minute, 50*time.Millisecond)
	}
	r, err := topic.Run(t.Context(), log, o)
	require.ErrorIs(t, err, topic.ErrWentBack)
	require.EqualValues(t, 80, r.Position)
}

// TestTooLargeForTheTopic: what the topic never takes is not tried for ever, and what it takes alone is sent alone.
func TestTooLargeForTheTopic(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 1)
	for bytes, want := range map[string]error{"600": topic.ErrRefused, "6000": nil} {
		name := broker.Topic(t, 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: bytes})
		_, err := topic.Run(t.Context(), log, options(t, broker, name, log))
		require.ErrorIs(t, err, want)
		if want == nil {
			require.Zero(t, requireLog(t, log, broker.Records(t, name)))
		} else {
			require.ErrorContains(t, err, "max.message.bytes")
		}
	}
}

// TestLostEndIsFound: a partition ends before what was acknowledged in it, as after an election of a leader that was behind.
func TestLostEndIsFound(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 5)
	whole := options(t, broker, broker.Topic(t, 3), log)
	run(t.Context(), t, log, whole)
	records := broker.Records(t, whole.Topic)
	for lost := range 3 {
		watermark := int64(0)
		o := options(t, broker, broker.Topic(t, 3), log)
		for p := range records {
			kept := records[p]
			if p == lost {
				kept = kept[:len(kept)-3]
			}
			copies := make([]kafka.Record, len(kept))
			for i, m := range kept {
				watermark = max(watermark, number(t, &m, "watermark"))
				copies[i] = kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers, Time: m.Time}
			}
			c, done := client(broker)
			answer, err := c.Produce(t.Context(), &kafka.ProduceRequest{
				Topic: o.Topic, Partition: p, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(copies...),
			})
			done()
			require.NoError(t, err)
			require.NoError(t, answer.Error)
		}
		before := number(t, &records[lost][len(records[lost])-3], "position")
		_, err := topic.Run(t.Context(), log, o)
		if before <= watermark {
			require.ErrorIs(t, err, topic.ErrWentBack)
			continue
		}
		require.NoError(t, err, "nothing said that these were acknowledged, so they are sent again")
		requireLog(t, log, broker.Records(t, o.Topic))
	}
}
