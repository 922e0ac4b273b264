package gemini

import "github.com/massrouter/massrouter/gateway/jsonscan"

// walker goes through one JSON text that lies in memory as a whole. The zero value is ready; it serves one text after
// another.
type walker struct{ jsonscan.Scanner }

// object goes through an object, if that is what comes, and over any other value. member reads the value; its name is good
// until then.
func (w *walker) object(member func(name []byte) error) error {
	_, err := w.Object(member)
	return err
}

// array goes through an array, if that is what comes. A single object stands for an array of one, as Google's servers
// read it; other values are gone over.
func (w *walker) array(element func() error) error {
	switch w.Kind() {
	case '[':
	case '{':
		return element()
	default:
		return w.Skip()
	}
	if err := w.Step(); err != nil {
		return err
	}
	for w.Kind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	return w.Step()
}

// text reads a string; "" for any other value.
func (w *walker) text() (string, error) {
	raw, _, err := w.Value()
	if err != nil || raw.Kind() != '"' {
		return "", err
	}
	return jsonscan.Unquoted(raw), nil
}

// truth reads true; any other value is false.
func (w *walker) truth() (bool, error) {
	raw, _, err := w.Value()
	return err == nil && raw.Kind() == 't', err
}
