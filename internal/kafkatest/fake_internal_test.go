package kafkatest

import (
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
)

// TestLastResort: what stands in where no Kafka can be had keeps its records over a kill too.
func TestLastResort(t *testing.T) {
	t.Parallel()
	b, err := newFake(t.Context(), Options{})
	require.NoError(t, err)
	require.Equal(t, Fake, b.Kind())
	t.Cleanup(func() { require.NoError(t, b.remove()) })
	require.NoError(t, b.start(t.Context()))
	topic := b.Topic(t, 1)
	client, done := b.client()
	defer done()
	_, err = client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("kept"))}),
	})
	require.NoError(t, err)
	b.Kill(t)
	b.Restart(t)
	records := b.Records(t, topic)
	require.Len(t, records[0], 1)
	require.Equal(t, "kept", string(records[0][0].Value))
}

// TestOnlyTheRightJarsRun: a jar with another byte, one that is missing and one too many are found.
func TestOnlyTheRightJarsRun(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, check(t.TempDir()), "not as in jars.sum")
}
