package audit

import (
	"crypto/sha256"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// LeafHash is the RFC 6962 leaf hash of a row, written from the format's description alone: SHA-256 of a zero byte, the
// version byte 1, and the audited columns; numbers big-endian, texts after their length in four bytes.
func LeafHash(e *eventstore.Event) [32]byte {
	hash, _ := leafHash(nil, e)
	return hash
}

// leafHash is LeafHash with a buffer that is kept between calls.
func leafHash(buffer []byte, e *eventstore.Event) (hash [32]byte, kept []byte) {
	b := append(buffer[:0], 0x00, 0x01)
	b = number(b, int64(e.Shard), 2)
	b = number(b, e.Position, 8)
	b = number(b, e.StreamVersion, 8)
	b = number(b, int64(e.SchemaVersion), 2)
	for _, at := range [2]time.Time{e.RecordedAt, e.EffectiveAt} {
		b = number(b, at.UnixMicro(), 8)
	}
	for _, id := range [5][16]byte{e.EventID, e.CorrelationID, e.CausationID, e.CommandID, e.Salt} {
		b = append(b, id[:]...)
	}
	b = append(number(b, int64(len(e.StreamID)), 4), e.StreamID...)
	b = append(number(b, int64(len(e.Type)), 4), e.Type...)
	b = append(number(b, int64(len(e.Actor)), 4), e.Actor...)
	b = append(number(b, int64(len(e.Body)), 4), e.Body...)
	return sha256.Sum256(b), b
}

// number appends the lowest bytes of n, the highest of them first.
func number(b []byte, n int64, bytes int) []byte {
	for shift := 8 * (bytes - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift)) //nolint:gosec // one byte after the other is the point
	}
	return b
}
