package openapi

import (
	"strconv"
	"time"

	"github.com/massrouter/massrouter/domain"
)

// AsOf is the moment that a query is about: a position of the log, or a time. The zero value is no moment.
type AsOf struct {
	Position int64
	Time     time.Time
}

// IsZero says whether there is no moment.
func (a AsOf) IsZero() bool { return a.Position == 0 && a.Time.IsZero() }

// MarshalText writes the digits of the position, or the time in RFC 3339.
func (a AsOf) MarshalText() ([]byte, error) {
	if !a.Time.IsZero() {
		return a.Time.UTC().AppendFormat(nil, time.RFC3339Nano), nil
	}
	return strconv.AppendInt(nil, a.Position, 10), nil
}

// UnmarshalText reads digits as a position from 1 on, anything else as an RFC 3339 time. The error has code invalid_request.
func (a *AsOf) UnmarshalText(b []byte) error {
	var position Count
	if err := position.UnmarshalText(b); err == nil {
		if position == 0 {
			return domain.Errorf(domain.CodeInvalid, "as_of lies before the beginning")
		}
		*a = AsOf{Position: int64(position)}
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil || at.IsZero() {
		return domain.Errorf(domain.CodeInvalid, "as_of is a position, or a time in RFC 3339")
	}
	*a = AsOf{Time: at.UTC()}
	return nil
}

// Bind reads a parameter: the generated code would take a structure for an object otherwise.
func (a *AsOf) Bind(src string) error { return a.UnmarshalText([]byte(src)) }
