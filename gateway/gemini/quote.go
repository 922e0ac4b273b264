package gemini

import (
	"strings"
)

// sound replaces broken UTF-8.
func sound(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// oneLine takes line ends out of JSON, so that it is one line of an event. Within strings there are none.
func oneLine(raw []byte) {
	for i, c := range raw {
		if c == '\n' || c == '\r' {
			raw[i] = ' '
		}
	}
}
