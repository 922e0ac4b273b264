package pgwire

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// RowSource are the rows of a COPY that are put together while they are sent, so that they are never in memory all at once.
type RowSource interface {
	// AppendTo appends the next tuples to a piece of the COPY, until that is as long as enough says. It tells whether there are more.
	AppendTo(piece Rows, enough int) (_ Rows, more bool)
}

const (
	copyData  = 'd' // CopyData: this byte, the length of the rest, itself included, in four, and then any part of the COPY
	copyHead  = 5
	pieceSize = 64 << 10 // stays in the processor's cache, here and in the server, which takes a message as a whole
)

// pieces are those that are done with.
//
//nolint:gochecknoglobals // shared by all connections
var pieces = sync.Pool{New: func() any { b := make([]byte, 0, pieceSize+pieceSize/4); return &b }}

// stream writes rows as messages of a COPY.
func stream(to io.Writer, rows RowSource) error {
	kept, ok := pieces.Get().(*[]byte)
	if !ok {
		return fmt.Errorf("the pool of pieces has %T", kept)
	}
	defer pieces.Put(kept)
	b := append((*kept)[:0], copyData, 0, 0, 0, 0)
	b = append(b, signature...)
	for more := true; more; b = b[:copyHead] {
		if b, more = rows.AppendTo(b, pieceSize); !more {
			b = Rows(b).End()
		}
		binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1)) //nolint:gosec // a piece and the longest row
		if _, err := to.Write(b); err != nil {
			return err
		}
	}
	if cap(b) <= 2*pieceSize {
		*kept = b
	}
	return nil
}
