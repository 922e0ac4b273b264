package pgwire

import "encoding/binary"

// signature begins a COPY in binary format: the signature, no flags, no extension
// (https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format").
const signature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// Rows are the tuples of a COPY. A tuple is its number of fields, then each field as a length of four bytes and its bytes.
type Rows []byte

// NewRows begins a COPY of about so many bytes.
func NewRows(size int) Rows { return append(make(Rows, 0, len(signature)+size+2), signature...) }

// Tuple begins a row of so many fields.
func (r Rows) Tuple(fields int) Rows {
	return binary.BigEndian.AppendUint16(r, uint16(fields)) //nolint:gosec // a count of columns
}

// End is the whole COPY: the trailer is a tuple of -1 fields.
func (r Rows) End() []byte { return append(r, 0xff, 0xff) }
