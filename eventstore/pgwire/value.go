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

// epoch is what timestamps count microseconds from, and dates days: the beginning of 2000.
const (
	epochDays = 10957
	epoch     = epochDays * 24 * int64(time.Hour/time.Microsecond)
)

// Micros is a timestamptz as the server counts: microseconds.
func Micros(t time.Time) int64 { return t.UnixMicro() - epoch }

// FromMicros is the time of such a count.
func FromMicros(n int64) time.Time { return time.UnixMicro(n + epoch) }

// Days is a date as the server counts: days. The time is midnight in UTC.
func Days(midnight time.Time) int32 {
	return int32(midnight.Unix()/int64(24*time.Hour/time.Second)) - epochDays //nolint:gosec // years have four digits
}

// Instant is a timestamptz in binary format, to the microsecond.
func Instant(t time.Time) []byte { return Int8(Micros(t)) }
