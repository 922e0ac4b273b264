package domain

import (
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"
)

// StreamID names the stream of one aggregate: its kind, a dash, and the identity, for example
// "wallet-018f…", "apikey-018f…", "model-openai/gpt-5". At most 200 bytes.
type StreamID string

// MaxStreamID is the longest permitted stream id in bytes.
const MaxStreamID = 200

// NewStreamID joins a kind and an identity.
func NewStreamID(kind, identity string) StreamID { return StreamID(kind + "-" + identity) }

// Kind is the part before the first dash.
func (s StreamID) Kind() string {
	kind, _, _ := strings.Cut(string(s), "-")
	return kind
}

// Identity is the part after the first dash.
func (s StreamID) Identity() string {
	_, identity, _ := strings.Cut(string(s), "-")
	return identity
}

// CommandID makes a command idempotent: the same id and the same input give the first outcome again.
type CommandID = uuid.UUID

// DeriveID makes a further id from a time-ordered one for a named purpose. The first six bytes (the time of a
// version 7 UUID) are kept so that derived ids stay together in an index; the rest is a SHA-256 of both.
func DeriveID(base uuid.UUID, purpose string) uuid.UUID {
	sum := sha256.Sum256(append(append([]byte(purpose), 0), base[:]...))
	var id uuid.UUID
	copy(id[:6], base[:6])
	copy(id[6:], sum[:10])
	id[6] = id[6]&0x0f | 0x80 // version 8: vendor-defined
	id[8] = id[8]&0x3f | 0x80 // variant RFC 9562
	return id
}

// IDFromKey maps a caller's idempotency key, within a scope such as a route and an actor, to a command id
// (version 8 UUID of the SHA-256 of both).
func IDFromKey(scope, key string) uuid.UUID {
	sum := sha256.Sum256([]byte(scope + "\x00" + key))
	var id uuid.UUID
	copy(id[:], sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

const generationPrefix = "gen-"

// GenerationID is the public form of a hold's id: one generation is one hold.
func GenerationID(hold uuid.UUID) string { return generationPrefix + hold.String() }

// ParseGenerationID reads the public form back.
func ParseGenerationID(s string) (uuid.UUID, error) {
	rest, ok := strings.CutPrefix(s, generationPrefix)
	if !ok || len(rest) != 36 {
		return uuid.UUID{}, Errorf(CodeInvalid, "a generation id has the form gen-<uuid>")
	}
	id, err := uuid.Parse(rest)
	if err != nil {
		return uuid.UUID{}, Errorf(CodeInvalid, "a generation id has the form gen-<uuid>")
	}
	return id, nil
}
