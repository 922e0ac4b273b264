package column

import (
	"encoding/binary"

	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// Rows are columns of equal length as the rows of a COPY. They can be sent once, and nothing may be added meanwhile.
func Rows(columns []Column) pgwire.RowSource {
	r := &rows{left: columns[0].Len(), rest: make([][]byte, len(columns))}
	for i, c := range columns {
		r.rest[i] = c.elements()
	}
	return r
}

type rows struct {
	left int
	rest [][]byte // of each column
}

// AppendTo implements pgwire.RowSource.
func (r *rows) AppendTo(piece pgwire.Rows, enough int) (_ pgwire.Rows, more bool) {
	for ; r.left > 0 && len(piece) < enough; r.left-- {
		piece = piece.Tuple(len(r.rest))
		for i, c := range r.rest {
			end := 4
			if length := binary.BigEndian.Uint32(c); length != null {
				end += int(length)
			}
			piece, r.rest[i] = append(piece, c[:end]...), c[end:]
		}
	}
	return piece, r.left > 0
}
