package config

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must not be shown: every way to print or encode it gives "[redacted]". Only Reveal has the text.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// IsSet says whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String is what may be shown.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// Format serves every verb of fmt, so that none of them looks inside.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// MarshalText is what may be shown; JSON, YAML and logs use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is what may be shown.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// UnmarshalText takes the text over.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}
