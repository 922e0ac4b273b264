package eventstore

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// leafVersion is the first byte of the encoding; a change of the encoding is a new number, never an edit.
const leafVersion = 1

// Leaf is the RFC 6962 leaf hash, SHA-256(0x00 ‖ encoding), of a frozen encoding of the audited columns: the version
// byte 1, then in this order: shard (2 bytes), position, stream version (8 bytes each), schema version (2), recorded
// and effective time in microseconds since 1970 (8 each), all big-endian; event, correlation, causation and command id
// (16 bytes each), salt (16); then stream id, type, actor and body, each preceded by its length in 4 bytes.
func Leaf(e *Event) [32]byte {
	b := make([]byte, 0, 160+len(e.StreamID)+len(e.Type)+len(e.Actor)+len(e.Body))
	return sha256.Sum256(appendLeaf(b, e))
}

func appendLeaf(b []byte, e *Event) []byte {
	b = append(b, 0, leafVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(e.Shard))         //nolint:gosec // shard and schema numbers are never negative
	b = binary.BigEndian.AppendUint64(b, uint64(e.Position))      //nolint:gosec // as above
	b = binary.BigEndian.AppendUint64(b, uint64(e.StreamVersion)) //nolint:gosec // as above
	b = binary.BigEndian.AppendUint16(b, uint16(e.SchemaVersion)) //nolint:gosec // as above
	b = appendTime(b, e.RecordedAt)
	b = appendTime(b, e.EffectiveAt)
	b = append(b, e.EventID[:]...)
	b = append(b, e.CorrelationID[:]...)
	b = append(b, e.CausationID[:]...)
	b = append(b, e.CommandID[:]...)
	b = append(b, e.Salt[:]...)
	b = appendText(b, string(e.StreamID))
	b = appendText(b, e.Type)
	b = appendText(b, e.Actor)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Body))) //nolint:gosec // bodies are far below 4 GiB
	return append(b, e.Body...)
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // bounded by the schema
	return append(b, s...)
}

// leafWith is Leaf with a buffer that is kept between calls.
func leafWith(scratch []byte, e *Event) ([32]byte, []byte) {
	scratch = appendLeaf(scratch[:0], e)
	return sha256.Sum256(scratch), scratch
}
