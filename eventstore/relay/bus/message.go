package bus

import (
	"encoding/hex"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/relay"
)

// The metadata of each message, beside its UUID, which is the event's id. They repeat what is in the payload, for who
// filters without decoding it.
const (
	KeyShard      = "shard"
	KeyPosition   = "position"
	KeyStream     = "stream"
	KeyVersion    = "version" // of the stream
	KeyType       = "type"
	KeySchema     = "schema"
	KeyRecordedAt = "recorded_at" // RFC 3339 with six digits, UTC
	KeyLeaf       = "leaf_hash"   // hex
)

// The metadata that a message has more in a poison topic.
const (
	KeyReason   = "reason_poisoned"
	KeyTopic    = "topic_poisoned" // where it came from
	KeyGroup    = "group_poisoned"
	KeyAttempts = "attempts"
)

func newMessage(e *eventstore.Event) (*message.Message, error) {
	payload, err := relay.Encode(e)
	if err != nil {
		return nil, err
	}
	m := message.NewMessage(e.EventID.String(), payload)
	m.Metadata = message.Metadata{
		KeyShard: strconv.Itoa(int(e.Shard)), KeyPosition: strconv.FormatInt(e.Position, 10), KeyStream: string(e.StreamID),
		KeyVersion: strconv.FormatInt(e.StreamVersion, 10), KeyType: e.Type, KeySchema: strconv.Itoa(int(e.SchemaVersion)),
		KeyRecordedAt: relay.Stamp(e.RecordedAt), KeyLeaf: hex.EncodeToString(e.LeafHash[:]),
	}
	return m, nil
}
