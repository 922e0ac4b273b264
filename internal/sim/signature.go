package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// signatureWords is how many 64-bit words a signature has.
const signatureWords = 8

// appendSignature appends the base64 text that vendors sign reasoning with, here a function of the reasoning's hash: whoever
// changes the reasoning or the signature on the way is found out.
func appendSignature(b []byte, hash uint64) []byte {
	var raw [8 * signatureWords]byte
	for i := range signatureWords {
		hash = mix(hash + uint64(i) + 1)
		binary.BigEndian.PutUint64(raw[8*i:], hash)
	}
	return base64.StdEncoding.AppendEncode(b, raw[:])
}

// signed says whether a signature is that of a text with this hash.
func signed(signature []byte, hash uint64) bool {
	var want [128]byte
	return bytes.Equal(signature, appendSignature(want[:0], hash))
}

// hashQuoted hashes text that is escaped for a JSON string.
func hashQuoted(quoted []byte) uint64 {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return xxhash.Sum64(quoted)
	}
	text := append(append(append(make([]byte, 0, len(quoted)+2), '"'), quoted...), '"')
	// The vocabulary is well escaped.
	plain, _ := jsontext.AppendUnquote(nil, text)
	return xxhash.Sum64(plain)
}
