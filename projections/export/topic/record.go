package topic

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/export"
)

// Form is the version of what a record looks like. Its value is the event as one line of an NDJSON export
// (massrouter-export/1 in docs/audit.md) without the line's end; its key is that of Key; its timestamp is the event's
// recorded time in milliseconds; its headers are these, all of them text.
const Form = "massrouter-event/1"

// The headers.
const (
	HeaderForm          = "form" // Form
	HeaderShard         = "shard"
	HeaderPosition      = "position"
	HeaderType          = "type"
	HeaderSchemaVersion = "schema_version"
	HeaderRecordedAt    = "recorded_at" // RFC 3339 with six digits, UTC
	HeaderLeafHash      = "leaf_hash"   // lower-case hexadecimal
	// HeaderWatermark is a position: when this record was sent, every event from the topic's first to that one had been
	// acknowledged, in all partitions.
	HeaderWatermark = "watermark"
	// HeaderPartitions is how many partitions the topic had. With another number keys would move.
	HeaderPartitions = "partitions"
)

// micros is RFC 3339 with the six digits that the log keeps.
const micros = "2006-01-02T15:04:05.000000Z"

// Key is what orders records: for the events of a wallet its id, and for those of any other stream the whole name of the
// stream, which no wallet's id is equal to.
func Key(id domain.StreamID) string {
	if owner, ok := strings.CutPrefix(string(id), wallet.Kind+"-"); ok {
		return owner
	}
	return string(id)
}

// PartitionOf is where a key belongs: murmur2 as Kafka's own clients compute it, so that theirs find it too.
func PartitionOf(key []byte, partitions int) int { return partitionsOf(partitions).of(key) }

// numbers are those of a topic's partitions.
type numbers []int

func partitionsOf(n int) numbers {
	all := make(numbers, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func (n numbers) of(key []byte) int {
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, n...)
}

// record is one that is to be sent, maybe more than once: a kafka.Record can be read once only.
type record struct {
	key, value []byte
	headers    []kafka.Header
	time       time.Time
}

func newRecord(e *eventstore.Event, watermark int64, partitions string) (*record, error) {
	const usual = 512
	value, err := export.AppendEvent(make([]byte, 0, usual+len(e.Body)), e)
	if err != nil {
		return nil, err
	}
	number := func(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
	return &record{
		key: []byte(Key(e.StreamID)), value: value, time: e.RecordedAt,
		headers: []kafka.Header{
			{Key: HeaderForm, Value: []byte(Form)},
			{Key: HeaderShard, Value: number(int64(e.Shard))},
			{Key: HeaderPosition, Value: number(e.Position)},
			{Key: HeaderType, Value: []byte(e.Type)},
			{Key: HeaderSchemaVersion, Value: number(int64(e.SchemaVersion))},
			{Key: HeaderRecordedAt, Value: []byte(e.RecordedAt.UTC().Format(micros))},
			{Key: HeaderLeafHash, Value: hex.AppendEncode(nil, e.LeafHash[:])},
			{Key: HeaderWatermark, Value: number(watermark)},
			{Key: HeaderPartitions, Value: []byte(partitions)},
		},
	}, nil
}

// size is what the record takes in a batch, but for a few bytes.
func (r *record) size() int {
	n := len(r.key) + len(r.value)
	for i := range r.headers {
		n += len(r.headers[i].Key) + len(r.headers[i].Value) + 4
	}
	const frame = 32
	return n + frame
}

func (r *record) fresh() kafka.Record {
	return kafka.Record{Key: kafka.NewBytes(r.key), Value: kafka.NewBytes(r.value), Headers: r.headers, Time: r.time}
}

// mark is what a record says about itself.
type mark struct {
	shard               int16
	position, watermark int64
	partitions          int
	leafHash            [32]byte
	key                 []byte
}

// readMark reads the headers of a record of this form.
func readMark(key []byte, headers []kafka.Header) (mark, error) {
	texts := map[string]string{}
	for _, h := range headers {
		texts[h.Key] = string(h.Value)
	}
	if form := texts[HeaderForm]; form != Form {
		return mark{}, fmt.Errorf("its form is %q, not %q", form, Form)
	}
	m := mark{key: key}
	const shardBits, bits = 16, 64
	number := func(name string, size int) (n int64) {
		var err error
		if n, err = strconv.ParseInt(texts[name], 10, size); err != nil {
			texts["bad"] = name
		}
		return n
	}
	m.shard = int16(number(HeaderShard, shardBits)) //nolint:gosec // ParseInt has seen to it
	m.position, m.watermark = number(HeaderPosition, bits), number(HeaderWatermark, bits)
	m.partitions = int(number(HeaderPartitions, shardBits))
	hash, err := hex.DecodeString(texts[HeaderLeafHash])
	if err != nil || len(hash) != len(m.leafHash) {
		texts["bad"] = HeaderLeafHash
	}
	copy(m.leafHash[:], hash)
	if bad, ok := texts["bad"]; ok {
		return mark{}, fmt.Errorf("its header %s is %q", bad, texts[bad])
	}
	if m.position < 1 || m.watermark >= m.position || m.watermark < 0 {
		return mark{}, fmt.Errorf("its position is %d and its watermark %d", m.position, m.watermark)
	}
	return m, nil
}
