// Package content stores what calls asked and what they were answered, for wallets whose owner wants that: sealed with the operator's
// keyset, apart from the ledger and its views, for as long as the owner says.
//
//	writer.go  the bounded queue between calls and the database
//	store.go   what is written and read
//	erase.go   what ends before its time; sweep.go what ends by it
package content

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

// MaxBody is how many bytes of a request, and of an answer, are stored at most.
const MaxBody = 1 << 20

// CodeUnreadable is of content that the keyset does not open any more.
const CodeUnreadable domain.Code = "content_unreadable"

// Body is one half of a call: the first bytes of it, at most MaxBody.
type Body struct {
	Media  string // its media type
	Bytes  []byte
	Length int64 // of the whole, in bytes
}

// Truncated says whether Bytes are not the whole.
func (b *Body) Truncated() bool { return b.Length > int64(len(b.Bytes)) }

// Call is a call whose content is to be stored. Nobody changes it after it was put.
type Call struct {
	Generation, Wallet, Key uuid.UUID
	Dialect, Operation      string
	Model                   string // as the caller named it, where the address says it; "" where the body does
	Streamed                bool
	Error                   string // the code of what ended the call before its time; "" for none
	Request, Response       Body   // the response as it was sent to the caller
	StartedAt               time.Time
	Retention               time.Duration // from then on
}

// State is what became of a call's content.
type State string

// The states of contents.
const (
	Stored  State = "stored"
	Dropped State = "dropped" // there was no room to store it
	Erased  State = "erased"  // on demand
)

// Content is what is stored of a call; without bodies unless Stored.
type Content struct {
	Call
	State     State
	ExpiresAt time.Time
}

// noContent is what everybody gets who asks for what is not there, or not theirs.
func noContent() error {
	return domain.Errorf(domain.CodeNotFound, "nothing is stored of such a call")
}

// Place is where the content of a call is kept. The owner is the wallet.
func Place(wallet, generation uuid.UUID) envelope.Place {
	return envelope.Place{Table: "gateway.contents", Column: "sealed", Row: generation.String(), Owner: wallet.String()}
}

const lengthBytes = 4

// join is the text that is sealed: the length of the request, the request, the response.
func join(request, response []byte) []byte {
	text := make([]byte, 0, lengthBytes+len(request)+len(response))
	text = binary.BigEndian.AppendUint32(text, uint32(len(request))) //nolint:gosec // at most MaxBody
	return append(append(text, request...), response...)
}

var errForm = errors.New("it is no content of a call")

func split(text []byte) (request, response []byte, err error) {
	if len(text) < lengthBytes {
		return nil, nil, errForm
	}
	n, rest := uint64(binary.BigEndian.Uint32(text)), text[lengthBytes:]
	if n > uint64(len(rest)) {
		return nil, nil, errForm
	}
	return rest[:n:n], rest[n:], nil
}
