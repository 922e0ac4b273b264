package preset

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// member is a member of an object, by where it stands.
type member struct {
	name     string
	from, to int // with the spaces around it, without a comma
	at, end  int // of its value
}

func (m *member) value(of []byte) jsontext.Value { return of[m.at:m.end] }

var errNoObject = errors.New("this is not one JSON object")

// membersOf lists the members of an object; none for no text at all.
func membersOf(text []byte) ([]member, error) {
	if len(text) == 0 {
		return nil, nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, errNoObject
	}
	var all []member
	from := int(dec.InputOffset())
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, errNoObject
		}
		m := member{name: name.String(), from: from}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, errNoObject
		}
		m.end = int(dec.InputOffset())
		m.at = m.end - len(value)
		m.to = m.end + bytes.IndexAny(text[m.end:], ",}")
		from = m.to + 1
		all = append(all, m)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, errNoObject
	}
	if len(bytes.TrimSpace(text[dec.InputOffset():])) > 0 {
		return nil, errNoObject
	}
	return all, nil
}

// find is the member of that name; nil if there is none.
func find(members []member, name string) *member {
	for i := range members {
		if members[i].name == name {
			return &members[i]
		}
	}
	return nil
}
