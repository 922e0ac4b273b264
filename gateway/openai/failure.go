package openai

import (
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// failure reads a vendor's error: an object, or a text; nil for null.
func (r *Reader) failure() (*Failure, error) {
	kind := r.Kind()
	if kind != '{' {
		raw, _, err := r.Value()
		if err != nil || kind == 'n' {
			return nil, err
		}
		f := new(Failure)
		if kind == '"' {
			f.Message = jsonscan.Unquoted(raw)
		}
		return f, nil
	}
	if err := r.Step(); err != nil {
		return nil, err
	}
	f := new(Failure)
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return f, err
		}
		var to *string
		switch string(name) {
		case "code":
			to = &f.Code
		case "type":
			to = &f.Type
		case "param":
			to = &f.Param
		case "message":
			to = &f.Message
		}
		raw, _, err := r.Value()
		if err != nil {
			return nil, err
		}
		switch kind := raw.Kind(); {
		case to == nil:
		case kind == '"':
			*to = jsonscan.Unquoted(raw)
		case kind == '0':
			*to = string(raw)
		}
	}
}

// Failure reads the body of an answer whose status says that it failed; nil when it has no error in it.
func (r *Reader) Failure(body []byte) *Failure {
	a, err := r.Answer(body, new(meter.Produced))
	if err != nil {
		return nil
	}
	return a.Failure
}
