package preset

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// member is a member of an object, by where it stands.
type member struct {
	name  string
	span  jsonscan.Span // with the spaces around it, without a comma
	value jsonscan.Span
}

func (m *member) of(text []byte) jsontext.Value { return m.value.Of(text) }

// membersOf lists the members of an object; none for no text at all. Errors: invalid_request.
func membersOf(text []byte) ([]member, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var s jsonscan.Scanner
	s.Strict(text)
	var all []member
	from := bytes.IndexByte(text, '{') + 1
	err := s.Whole(func(name []byte) error {
		m := member{name: string(name)}
		_, at, err := s.Value()
		if err != nil {
			return err
		}
		m.value, m.span = at, jsonscan.Span{From: from, To: at.To + bytes.IndexAny(text[at.To:], ",}")}
		from = m.span.To + 1
		all = append(all, m)
		return nil
	})
	if err != nil {
		return nil, err
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
