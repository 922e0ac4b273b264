// Package page has the opaque cursors and the bounds of lists.
package page

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
)

const (
	// MaxLimit is how many rows a page has at most.
	MaxLimit = 1000

	defaultLimit = 50
	maxCursor    = 120 // bytes
	maxText      = 200 // bytes
)

// Limit checks how many rows a caller wants: 1 to 1000, 0 means 50. Errors have code invalid_request.
func Limit(n int) (int, error) {
	if n == 0 {
		return defaultLimit, nil
	}
	if n < 0 || n > MaxLimit {
		return 0, domain.Errorf(domain.CodeInvalid, "limit is between 1 and %d", MaxLimit)
	}
	return n, nil
}

// Rows is how many rows a statement reads for a page of that many: at least one more, which tells whether another page follows. The
// statement says it as a constant. The server plans a limit that it does not know for a tenth of the table, so that it finds every plan
// for known values cheaper and plans each time anew; and few numbers make few statements.
func Rows(limit int) int {
	for _, n := range []int{20, 50, 100, 200, 500} {
		if limit <= n {
			return n + 1
		}
	}
	return MaxLimit + 1
}

// Encode makes the cursor of a list from the sort key of the last row. The kind says which list it belongs to.
func Encode(kind string, key ...int64) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, n := range key {
		b.WriteByte('.')
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(b.String()))
}

// Decode reads a cursor of the same kind and number of keys. Anything else has code invalid_request.
func Decode(kind, cursor string, keys int) ([]int64, error) {
	invalid := domain.Errorf(domain.CodeInvalid, "the cursor is not one that this list gave")
	if len(cursor) > maxCursor {
		return nil, invalid
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, invalid.Wrap(err)
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != keys+1 || parts[0] != kind {
		return nil, invalid
	}
	out := make([]int64, keys)
	for i, part := range parts[1:] {
		if out[i], err = strconv.ParseInt(part, 10, 64); err != nil {
			return nil, invalid.Wrap(err)
		}
	}
	if Encode(kind, out...) != cursor {
		return nil, invalid // "+1", "01": not our writing
	}
	return out, nil
}

// Range checks an interval of time, from inclusive, to exclusive; a zero time leaves its side open (nil). The bounds are
// rounded up to the microseconds that rows have, which leaves the interval the same.
func Range(from, to time.Time) (lower, upper *time.Time, err error) {
	for _, t := range []time.Time{from, to} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return nil, nil, domain.Errorf(domain.CodeInvalid, "a time lies in the years 1 to 9999")
		}
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return nil, nil, domain.Errorf(domain.CodeInvalid, "from lies before to")
	}
	return bound(from), bound(to), nil
}

func bound(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
	return &t
}

// Text checks a text filter: valid UTF-8 without control characters, at most 200 bytes.
func Text(field, s string) error {
	if len(s) > maxText {
		return domain.Errorf(domain.CodeInvalid, "%s has at most %d bytes", field, maxText)
	}
	return domain.CheckText(field, s)
}
