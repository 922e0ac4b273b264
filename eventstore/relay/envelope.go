package relay

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// micros is RFC 3339 with the six digits that the log keeps.
const micros = "2006-01-02T15:04:05.000000Z"

// Stamp is a time as messages and exports have it.
func Stamp(t time.Time) string { return t.UTC().Format(micros) }

// Encode is an event as the payload of a message: the JSON object that a line of an NDJSON export is. The body is text,
// so that no reader changes the bytes that the leaf hash is of.
func Encode(e *eventstore.Event) ([]byte, error) {
	for _, text := range [4]string{string(e.StreamID), e.Type, e.Actor, string(e.Body)} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("the event at position %d has a text that is no UTF-8, which JSON cannot hold", e.Position)
		}
	}
	o := domain.BeginObject(make([]byte, 0, 700+2*len(e.Body)))
	o.Int("shard", int64(e.Shard))
	o.Int("position", e.Position)
	o.String("stream_id", string(e.StreamID))
	o.Int("stream_version", e.StreamVersion)
	o.ID("event_id", e.EventID)
	o.String("type", e.Type)
	o.Int("schema_version", int64(e.SchemaVersion))
	o.String("recorded_at", Stamp(e.RecordedAt))
	o.String("effective_at", Stamp(e.EffectiveAt))
	o.String("actor", e.Actor)
	o.ID("correlation_id", e.CorrelationID)
	o.ID("causation_id", e.CausationID)
	o.ID("command_id", e.CommandID)
	o.String("salt", hex.EncodeToString(e.Salt[:]))
	o.String("body", string(e.Body))
	o.String("leaf_hash", hex.EncodeToString(e.LeafHash[:]))
	b, err := o.End()
	if err != nil {
		return nil, fmt.Errorf("encode the event at position %d: %w", e.Position, err)
	}
	return b, nil
}

// envelope is the payload for the decoder.
type envelope struct {
	Shard         *int16    `json:"shard"`
	Position      int64     `json:"position"`
	StreamID      string    `json:"stream_id"`
	StreamVersion int64     `json:"stream_version"`
	EventID       uuid.UUID `json:"event_id"`
	Type          string    `json:"type"`
	SchemaVersion int16     `json:"schema_version"`
	RecordedAt    time.Time `json:"recorded_at"`
	EffectiveAt   time.Time `json:"effective_at"`
	Actor         string    `json:"actor"`
	CorrelationID uuid.UUID `json:"correlation_id"`
	CausationID   uuid.UUID `json:"causation_id"`
	CommandID     uuid.UUID `json:"command_id"`
	Salt          string    `json:"salt"`
	Body          string    `json:"body"`
	LeafHash      string    `json:"leaf_hash"`
}

// Decode reads a payload and verifies that its leaf hash is the one of what it says. Fields that it does not know are
// ignored. The error has code invalid_request: the same payload never decodes.
func Decode(payload []byte) (eventstore.Event, error) {
	var v envelope
	if err := json.Unmarshal(payload, &v); err != nil {
		return eventstore.Event{}, malformed("is not the JSON of an event").Wrap(err)
	}
	if v.Shard == nil || *v.Shard < 0 || v.SchemaVersion < 0 || v.Position < 1 || v.StreamVersion < 1 {
		return eventstore.Event{}, malformed("has no address of an event")
	}
	e := eventstore.Event{
		Shard: *v.Shard, Position: v.Position, StreamID: domain.StreamID(v.StreamID), StreamVersion: v.StreamVersion, EventID: v.EventID,
		Type: v.Type, SchemaVersion: v.SchemaVersion, RecordedAt: stored(v.RecordedAt), EffectiveAt: stored(v.EffectiveAt), Actor: v.Actor,
		CorrelationID: v.CorrelationID, CausationID: v.CausationID, CommandID: v.CommandID, Body: []byte(v.Body),
	}
	if !fill(e.Salt[:], v.Salt) || !fill(e.LeafHash[:], v.LeafHash) {
		return eventstore.Event{}, malformed("has a salt or a leaf hash that is none")
	}
	if eventstore.Leaf(&e) != e.LeafHash {
		return eventstore.Event{}, malformed("is not the event that its leaf hash is of")
	}
	return e, nil
}

// stored is a time as the log has it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func malformed(what string) *domain.Error {
	return domain.Errorf(domain.CodeInvalid, "the message %s", what)
}

// fill decodes hexadecimal digits for exactly the bytes of dst.
func fill(dst []byte, digits string) bool {
	if len(digits) != hex.EncodedLen(len(dst)) {
		return false
	}
	_, err := hex.Decode(dst, []byte(digits))
	return err == nil
}
