package body

import (
	"encoding"
	stdjson "encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// checkMembers goes through a body that has been decoded as t once, and refuses what decoding lets pass: required
// members that are missing, and null where the document has no null. Required are the members whose tag has neither
// omitempty nor omitzero, and of these pointers and slices may be null: so the generator writes them.
func checkMembers(raw jsontext.Value, t reflect.Type, place string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if Leaf(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return checkStruct(raw, t, place)
	case reflect.Slice:
		var items []jsontext.Value
		if err := json.Unmarshal(raw, &items); err != nil {
			return explain(err)
		}
		for i, item := range items {
			if err := checkValue(item, t.Elem(), place+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		var items map[string]jsontext.Value
		if err := json.Unmarshal(raw, &items); err != nil {
			return explain(err)
		}
		for name, item := range items {
			if err := checkValue(item, t.Elem(), place+"/"+name); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func checkStruct(raw jsontext.Value, t reflect.Type, place string) error {
	if raw.Kind() != '{' {
		return at(domain.Errorf(domain.CodeInvalid, "this is a JSON object"), place)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return explain(err)
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, required := Member(field)
		value, given := members[name]
		if !given {
			if required {
				return at(domain.Errorf(domain.CodeInvalid, "the member %s is missing", name), place+"/"+name)
			}
			continue
		}
		nullable := required && (field.Type.Kind() == reflect.Pointer || field.Type.Kind() == reflect.Slice)
		if nullable && value.Kind() == 'n' {
			continue
		}
		if err := checkValue(value, field.Type, place+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// Member is a field's name in JSON, and whether it is required.
func Member(field reflect.StructField) (name string, required bool) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name, !strings.Contains(options, "omit")
}

func checkValue(raw jsontext.Value, t reflect.Type, place string) error {
	if raw.Kind() == 'n' {
		return at(domain.Errorf(domain.CodeInvalid, "null has no meaning here; leave the member out"), place)
	}
	return checkMembers(raw, t, place)
}

// Leaf says whether a type reads itself.
func Leaf(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[stdjson.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
