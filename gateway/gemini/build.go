package gemini

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// The builders of JSON: each member and element writes the comma before itself.

func comma(dst []byte) []byte {
	if last := dst[len(dst)-1]; last != '{' && last != '[' {
		return append(dst, ',')
	}
	return dst
}

func key(dst []byte, name string) []byte {
	dst = append(comma(dst), '"')
	return append(append(dst, name...), `":`...)
}

// text appends a member, nothing for "".
func text(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return jsonscan.AppendString(key(dst, name), value)
}

// raw appends a member that is JSON already, nothing for none.
func raw[T ~string | ~[]byte](dst []byte, name string, value T) []byte {
	if len(value) == 0 {
		return dst
	}
	return append(key(dst, name), value...)
}

// whole appends a member, nothing for 0.
func whole(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(key(dst, name), n, 10)
}

func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }
