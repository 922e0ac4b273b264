package eventstore

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Seal gives a batch's events what only the append knows: shard, dense positions after the head, the recorded time, a
// time-ordered event id (UUID version 7), a fresh salt, and the leaf hash over all of it. Both implementations call it inside the commit.
func Seal(b *Batch, shard int16, head Head, now time.Time) error {
	random := make([]byte, 32*len(b.Events))
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("draw salts: %w", err)
	}
	scratch := make([]byte, 0, 2048)
	for i := range b.Events {
		e := &b.Events[i]
		e.Shard, e.Position, e.RecordedAt = shard, head.Position+int64(i)+1, now
		if e.EffectiveAt.IsZero() {
			e.EffectiveAt = now
		}
		copy(e.Salt[:], random[32*i:])
		e.EventID = newEventID(random[32*i+16:], now)
		if i == len(b.Events)-1 && b.LastID != uuid.Nil {
			e.EventID = b.LastID
		}
		e.LeafHash, scratch = leafWith(scratch, e)
	}
	return nil
}

// NewEventID draws a time-ordered id.
func NewEventID(now time.Time) (uuid.UUID, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return uuid.Nil, fmt.Errorf("draw an event id: %w", err)
	}
	return newEventID(random[:], now), nil
}

// newEventID is a UUID version 7 (RFC 9562): 48 bits of milliseconds, then random bits.
func newEventID(random []byte, now time.Time) uuid.UUID {
	var id uuid.UUID
	copy(id[:], random)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
