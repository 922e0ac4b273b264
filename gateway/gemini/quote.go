package gemini

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// appendQuote appends a JSON string; broken UTF-8 is replaced.
func appendQuote(dst []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = sound(text)
	}
	dst, _ = jsontext.AppendQuote(dst, text) // fails on broken UTF-8 only
	return dst
}

// oneLine takes line ends out of JSON, so that it is one line of an event. Within strings there are none.
func oneLine(raw []byte) {
	for i, c := range raw {
		if c == '\n' || c == '\r' {
			raw[i] = ' '
		}
	}
}
