package pgwire

import (
	"encoding/binary"
	"time"
)

// Int2 is a smallint in binary format.
func Int2(v int16) []byte {
	return binary.BigEndian.AppendUint16(nil, uint16(v)) //nolint:gosec // two's complement is the format
}

// Int8 is a bigint in binary format.
func Int8(v int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(v)) //nolint:gosec // two's complement is the format
}

// epoch is what timestamps count microseconds from: the beginning of 2000.
const epoch = 946684800 * 1_000_000

// Instant is a timestamptz in binary format, to the microsecond.
func Instant(t time.Time) []byte { return Int8(t.UnixMicro() - epoch) }
