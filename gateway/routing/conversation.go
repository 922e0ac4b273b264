package routing

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Conversation is the key of calls that share a beginning, and so a vendor's prompt cache; 0 is none.
type Conversation uint64

// NewConversation makes a key of what all calls of a conversation have in common: whose it is, and the caller's id of it or else the
// beginning of its prompt. It is the same in every process.
func NewConversation(parts ...[]byte) Conversation {
	var d xxhash.Digest
	d.Reset()
	var size [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(p)))
		_, _ = d.Write(size[:]) // a digest takes everything
		_, _ = d.Write(p)
	}
	return Conversation(max(d.Sum64(), 1))
}

// score ranks an endpoint of a weight for the conversation, the lowest first. An endpoint is first for a share of all
// conversations that is proportional to its weight: rendezvous hashing with weights. It has no state, so all processes agree
// without asking each other, and what is no candidate any more changes nothing among the others.
func (c Conversation) score(endpoint string, weight float64) float64 {
	if weight <= 0 {
		return math.Inf(1)
	}
	d := xxhash.NewWithSeed(uint64(c))
	_, _ = d.WriteString(endpoint)
	const bits = 53 // of a float's mantissa
	u := (float64(d.Sum64()>>(64-bits)) + 0.5) / (1 << bits)
	return -math.Log(u) / weight
}
