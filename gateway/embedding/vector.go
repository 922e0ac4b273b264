package embedding

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

const bytesPerNumber = 4

var errBase64 = errors.New("a vector is no base64 of numbers of 32 bits")

// appendNumbers appends a vector as a list of numbers: those that stand in a list keep their digits, those of base64 get the fewest that
// give the same number again.
func appendNumbers(dst []byte, v jsontext.Value) ([]byte, error) {
	if v.Kind() == '[' {
		for _, c := range v {
			if !isBlank(c) {
				dst = append(dst, c)
			}
		}
		return dst, nil
	}
	raw, err := base64.StdEncoding.DecodeString(jsonscan.Unquoted(v))
	if err != nil || len(raw) == 0 || len(raw)%bytesPerNumber != 0 {
		return dst, errBase64
	}
	dst = append(dst, '[')
	for i := 0; i < len(raw); i += bytesPerNumber {
		if i > 0 {
			dst = append(dst, ',')
		}
		x := float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return dst, errBase64
		}
		dst = strconv.AppendFloat(dst, x, 'g', -1, 32)
	}
	return append(dst, ']'), nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// appendBase64 appends a vector as base64.
func appendBase64(dst []byte, v jsontext.Value) ([]byte, error) {
	if v.Kind() == '"' {
		return append(dst, v...), nil
	}
	raw := make([]byte, 0, len(v)/2)
	for from := 1; from < len(v); {
		to := from
		for v[to] != ',' && v[to] != ']' {
			to++
		}
		number := v[from:to]
		for len(number) > 0 && isBlank(number[0]) {
			number = number[1:]
		}
		for len(number) > 0 && isBlank(number[len(number)-1]) {
			number = number[:len(number)-1]
		}
		x, err := strconv.ParseFloat(string(number), 32)
		if err != nil {
			return dst, fmt.Errorf("a number of a vector: %w", err)
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
		from = to + 1
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), raw)
	return append(dst, '"'), nil
}
