package domain

import (
	"unicode"
	"unicode/utf8"
)

// CheckText refuses text that is not UTF-8 or has control characters; field names it in the message.
func CheckText(field, s string) error {
	if !utf8.ValidString(s) {
		return Errorf(CodeInvalid, "%s is not valid UTF-8", field)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return Errorf(CodeInvalid, "%s has control characters", field)
		}
	}
	return nil
}

// CheckTextSize is CheckText for text of a bounded number of bytes.
func CheckTextSize(field, s string, least, most int) error {
	if len(s) < least || len(s) > most {
		return Errorf(CodeInvalid, "%s has between %d and %d bytes", field, least, most)
	}
	return CheckText(field, s)
}
