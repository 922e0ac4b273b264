package anthropic

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Bounds of what a request may ask for.
const (
	MaxMessages = 10_000
	MaxBlocks   = 100_000 // of all messages
	MaxTools    = 10_000
	MaxCap      = 10_000_000 // tokens
	maxStops    = 1_000
	maxModel    = 256 // bytes of a model's name
	maxNumber   = 64  // digits
	maxUnknown  = 64  // members that nobody here knows, and bytes of the name of one
)

func refuse(param, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("param", param)
}

// lookalike refuses a name that differs from a known one in letter case only: a vendor that does not mind the case would read what
// was not admitted.
func lookalike(name []byte, known ...string) error {
	for _, k := range known {
		if bytes.EqualFold(name, []byte(k)) {
			return refuse(k, "%s is written in lower case", k)
		}
	}
	return nil
}

// wholeNumber reads one from 1 to most into n; null leaves it as it was, and there is false.
func (s *scanner) wholeNumber(param string, most int64, n *int64) (at jsonscan.Span, there bool, err error) {
	kind := s.Kind()
	raw, at, err := s.Value()
	if err != nil || kind == 'n' {
		return at, false, err
	}
	if kind != '0' || bytes.ContainsAny(raw, ".eE") {
		return at, false, refuse(param, "%s is a whole number", param)
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || v < 1 || v > most {
		return at, false, refuse(param, "%s is between 1 and %d", param, most)
	}
	*n = v
	return at, true, nil
}

// boolean reads true or false; null is neither.
func (s *scanner) boolean(param string) (is, there bool, err error) {
	kind := s.Kind()
	if err := s.Skip(); err != nil {
		return false, false, err
	}
	if kind != 't' && kind != 'f' && kind != 'n' {
		return false, false, refuse(param, "%s is true or false", param)
	}
	return kind == 't', kind != 'n', nil
}

// modelName reads the name of the model.
func (s *scanner) modelName() (string, jsonscan.Span, error) {
	kind := s.Kind()
	raw, at, err := s.Value()
	switch {
	case err != nil:
		return "", at, err
	case kind != '"':
		return "", at, refuse("model", "model is a string")
	case len(raw) > maxModel:
		return "", at, refuse("model", "model is longer than any model's name")
	}
	return jsonscan.Unquoted(raw), at, nil
}
