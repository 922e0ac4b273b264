package kafkatest_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// write appends one record and says how long it may take.
func write(t *testing.T, b *kafkatest.Broker, topic, value string, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.Address()), Transport: transport}
	_, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte(value))}),
	})
	return err
}

func values(t *testing.T, b *kafkatest.Broker, topic string) []string {
	t.Helper()
	var all []string
	for _, m := range b.Records(t, topic)[0] {
		all = append(all, string(m.Value))
	}
	return all
}

func TestSharedBrokerIsOneForAll(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	require.Same(t, broker, kafkatest.Shared(t))
	topic := broker.Topic(t, 3)
	require.NoError(t, write(t, broker, topic, "a", time.Minute))
	require.Equal(t, []string{"a"}, values(t, broker, topic))
	require.Len(t, broker.Records(t, topic), 3)
	require.NotEqual(t, topic, broker.Topic(t, 1))
}

func TestKilledBrokerComesBackWithItsRecords(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Start(t, kafkatest.Options{})
	address, topic := broker.Address(), broker.Topic(t, 1)
	var want []string
	for round := range 2 {
		want = append(want, strconv.Itoa(round))
		require.NoError(t, write(t, broker, topic, want[round], time.Minute))
		broker.Kill(t)
		require.Error(t, write(t, broker, topic, "lost", time.Second))
		broker.Kill(t) // a second kill does nothing
		broker.Restart(t)
		require.Equal(t, address, broker.Address())
		require.Equal(t, want, values(t, broker, topic))
	}
	broker.Freeze(t)
	require.ErrorIs(t, write(t, broker, topic, "late", time.Second), context.DeadlineExceeded)
	broker.Thaw(t)
	require.NoError(t, write(t, broker, topic, "on time", time.Minute))
}
