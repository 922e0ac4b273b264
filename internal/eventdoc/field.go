package main

import (
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
)

// field is one row of an event's table.
type field struct{ name, kind, meaning string }

// fieldsOf lists the fields of an event in the order in which they are stored, nested ones with their path.
func fieldsOf(e domain.Event, meanings map[string]string) []field {
	return walk("", reflect.TypeOf(e), meanings)
}

func walk(path string, t reflect.Type, meanings map[string]string) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, walk(path, f.Type, meanings)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind, below := describe(f.Type)
		if strings.Contains(options, "omit") {
			kind += ", optional"
		}
		out = append(out, field{path + name, kind, meanings[key(t, f.Name)]})
		switch {
		case below == nil:
		case strings.HasPrefix(kind, "list"):
			out = append(out, walk(path+name+"[].", below, meanings)...)
		default:
			out = append(out, walk(path+name+".", below, meanings)...)
		}
	}
	return out
}

func key(t reflect.Type, name string) string { return t.PkgPath() + "." + t.Name() + "." + name }

// describe names a type as readers of JSON see it; below is the struct whose fields follow.
func describe(t reflect.Type) (kind string, below reflect.Type) {
	switch t {
	case reflect.TypeFor[money.Amount](), reflect.TypeFor[money.Price]():
		return "decimal string", nil
	case reflect.TypeFor[uuid.UUID]():
		return "UUID", nil
	case reflect.TypeFor[time.Time]():
		return "time", nil
	case reflect.TypeFor[apikey.Hash]():
		return "64 hexadecimal digits", nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.Struct:
		return "object", t
	case reflect.Slice:
		element, inner := describe(t.Elem())
		return "list of " + element + "s", inner
	case reflect.Map:
		from, _ := describe(t.Key())
		to, _ := describe(t.Elem())
		return "object: " + from + " to " + to, nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int, reflect.Int64:
		return "integer", nil
	default:
		return "string", nil
	}
}
