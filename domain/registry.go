package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
)

// EventSpec describes one stored event version: how its bytes become a Go value.
type EventSpec struct {
	Type   string // "wallet.usage_charged.v1"
	Doc    string // one sentence for the catalogue
	Zero   Event  // the event's Go type, without content
	Decode func(body []byte) (Event, error)
}

// Registry maps event names to decoders. It is built once, explicitly, from the aggregates' lists.
type Registry struct {
	specs map[string]EventSpec
}

// NewRegistry joins lists of specs; a name given twice is an error.
func NewRegistry(lists ...[]EventSpec) (*Registry, error) {
	r := &Registry{specs: map[string]EventSpec{}}
	for _, list := range lists {
		for _, spec := range list {
			if _, dup := r.specs[spec.Type]; dup {
				return nil, fmt.Errorf("event type %q is registered twice", spec.Type)
			}
			r.specs[spec.Type] = spec
		}
	}
	return r, nil
}

// Decode turns stored bytes into the event of the given name. Old versions are upcast by their own Decode.
func (r *Registry) Decode(eventType string, body []byte) (Event, error) {
	spec, ok := r.specs[eventType]
	if !ok {
		return nil, fmt.Errorf("unknown event type %q", eventType)
	}
	event, err := spec.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", eventType, err)
	}
	return event, nil
}

// Specs lists everything registered, ordered by name.
func (r *Registry) Specs() []EventSpec {
	out := make([]EventSpec, 0, len(r.specs))
	for _, spec := range r.specs {
		out = append(out, spec)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Type < out[j].Type })
	return out
}

// Spec makes the EventSpec of an event type whose stored form is the JSON object of T. Unknown fields are refused:
// a stored event that this program does not understand whole must not be folded in part.
func Spec[T Event](doc string) EventSpec {
	var zero T
	read := quick[T]()
	return EventSpec{Type: zero.EventType(), Doc: doc, Zero: zero, Decode: func(body []byte) (Event, error) {
		if e, ok := read(body); ok {
			return e, nil
		}
		return decode[T](body)
	}}
}

// quick reads the stored form of types that have a reader of their own, as it is usually written; false when it has another
// shape. What is read into is used again: the event is a copy.
func quick[T Event]() func(body []byte) (Event, bool) {
	scratch := &sync.Pool{New: func() any { return new(T) }}
	return func(body []byte) (Event, bool) {
		e, ok := scratch.Get().(*T)
		if !ok {
			return nil, false
		}
		defer scratch.Put(e)
		*e = *new(T)
		r, ok := any(e).(interface{ ReadJSON(body []byte) bool })
		if !ok || !r.ReadJSON(body) {
			return nil, false
		}
		return *e, true
	}
}

func decode[T Event](body []byte) (Event, error) {
	var e T
	if !bytes.HasPrefix(body, []byte("{")) {
		return nil, errors.New("the body is no JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bytes after the event's JSON")
	}
	return e, nil
}

// Encode is the stored form of an event: JSON, decimal strings for money.
func Encode(e Event) ([]byte, error) {
	body, err := AppendJSON(nil, e)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.EventType(), err)
	}
	return body, nil
}
