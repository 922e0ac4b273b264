package column

import (
	"encoding/binary"

	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// Rows are columns of equal length as the rows of a COPY.
func Rows(columns []Column) []byte {
	rest, size := make([][]byte, len(columns)), 0
	for i, c := range columns {
		rest[i] = c.elements()
		size += len(rest[i])
	}
	n := columns[0].Len()
	rows := pgwire.NewRows(size + 2*n)
	for range n {
		rows = rows.Tuple(len(columns))
		for i, c := range rest {
			end := 4
			if length := binary.BigEndian.Uint32(c); length != null {
				end += int(length)
			}
			rows, rest[i] = append(rows, c[:end]...), c[end:]
		}
	}
	return rows.End()
}
