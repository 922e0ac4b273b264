package benchgateway

import (
	"strconv"
	"strings"
	"time"
)

// Decimal is a measured number in thousandths; it is written with three decimals.
type Decimal int64

// milliseconds of a duration.
func milliseconds(d time.Duration) Decimal { return Decimal(d.Microseconds()) }

// perThousand is a time in seconds for every thousand calls.
func perThousand(d time.Duration, calls int64) Decimal {
	if calls == 0 {
		return 0
	}
	return Decimal(d.Microseconds() / calls)
}

// megabytes of a number of bytes.
func megabytes(n int64) Decimal { return Decimal(n * 1000 / (1 << 20)) }

// share is part of whole; 0 when there is none.
func share(part, whole int64) Decimal {
	if whole == 0 {
		return 0
	}
	return Decimal(part * 1000 / whole)
}

// String has three decimals.
func (d Decimal) String() string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	fraction := strconv.FormatInt(int64(d%1000), 10)
	return sign + strconv.FormatInt(int64(d/1000), 10) + "." + strings.Repeat("0", 3-len(fraction)) + fraction
}

// MarshalJSON writes a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }
