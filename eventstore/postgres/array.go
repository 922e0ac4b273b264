package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// The hot path hands whole columns to the server as arrays in PostgreSQL's binary format (src/backend/utils/adt/
// arrayfuncs.c, array_recv): dimensions, null flag, element type, then per dimension length and lower bound, then each
// element as a length and its bytes. They are written directly to spare the generic
// encoder on the path of every command.

type column []byte

func newColumn(elementOID uint32, n, size int) column {
	b := make(column, 0, 20+n*(4+size))
	b = binary.BigEndian.AppendUint32(b, 1) // dimensions
	b = binary.BigEndian.AppendUint32(b, 0) // no nulls
	b = binary.BigEndian.AppendUint32(b, elementOID)
	b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a batch's length
	return binary.BigEndian.AppendUint32(b, 1)      // lower bound
}

func newInt8s(n int) column { return newColumn(pgtype.Int8OID, n, 8) }
func newInt2s(n int) column { return newColumn(pgtype.Int2OID, n, 2) }
func newTexts(n int) column { return newColumn(pgtype.TextOID, n, 48) }
func newBytes(n int) column { return newColumn(pgtype.ByteaOID, n, 32) }

func (c column) int8(v int64) column {
	c = binary.BigEndian.AppendUint32(c, 8)
	return binary.BigEndian.AppendUint64(c, uint64(v)) //nolint:gosec // two's complement is the format
}

func (c column) int2(v int16) column {
	c = binary.BigEndian.AppendUint32(c, 2)
	return binary.BigEndian.AppendUint16(c, uint16(v)) //nolint:gosec // two's complement is the format
}

func (c column) text(s string) column {
	c = binary.BigEndian.AppendUint32(c, uint32(len(s))) //nolint:gosec // far below 4 GiB
	return append(c, s...)
}

func (c column) bytes(b []byte) column {
	c = binary.BigEndian.AppendUint32(c, uint32(len(b))) //nolint:gosec // far below 4 GiB
	return append(c, b...)
}

func (c column) bool(v bool) column {
	c = binary.BigEndian.AppendUint32(c, 1)
	if v {
		return append(c, 1)
	}
	return append(c, 0)
}

func (c column) instant(t time.Time) column { return c.int8(pgwire.Micros(t)) }
