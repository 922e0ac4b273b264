package topic_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/kafkatest"
	"github.com/massrouter/massrouter/projections/export/topic"
)

func TestKeyIsTheWalletElseTheStream(t *testing.T) {
	t.Parallel()
	require.Equal(t, "018f0000-0000-7000-8000-000000000000", topic.Key("wallet-018f0000-0000-7000-8000-000000000000"))
	require.Equal(t, "apikey-018f0000-0000-7000-8000-000000000000", topic.Key("apikey-018f0000-0000-7000-8000-000000000000"))
	require.Equal(t, "model-acme/large", topic.Key("model-acme/large"))
}

// TestPartitionsAreThoseOfKafkasOwnClients: the hashes are the vectors of the tests of Kafka's Java client (murmur2).
func TestPartitionsAreThoseOfKafkasOwnClients(t *testing.T) {
	t.Parallel()
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		for _, partitions := range []int{1, 2, 3, 12, 1000} {
			require.Equal(t, int(hash&0x7fffffff)%partitions, topic.PartitionOf([]byte(key), partitions), key)
		}
	}
}

// TestRecordForm is a golden record: what consumers rely on, byte by byte.
func TestRecordForm(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Shared(t)
	log := inMemory(t, 0)
	o := options(t, broker, broker.Topic(t, 1), log)
	o.Round = 4
	run(t.Context(), t, log, o)
	all := events(t, log)
	for i, m := range broker.Records(t, o.Topic)[0] {
		var names []string
		for _, h := range m.Headers {
			names = append(names, h.Key)
		}
		require.Equal(t, []string{
			"form", "shard", "position", "type", "schema_version", "recorded_at", "leaf_hash", "watermark", "partitions",
		}, names)
		require.Equal(t, "massrouter-event/1", header(t, &m, "form"))
		require.EqualValues(t, all[i].Shard, number(t, &m, "shard"))
		require.EqualValues(t, i+1, number(t, &m, "position"))
		require.EqualValues(t, i/4*4, number(t, &m, "watermark"), "where the round before ended")
		require.EqualValues(t, 1, number(t, &m, "partitions"))
	}
}
