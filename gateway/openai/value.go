package openai

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

func refuse(param, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("param", param)
}

// lookalike refuses a name that differs from a known one in letter case only: a vendor that does not mind the case would
// read what was not admitted.
func lookalike(name []byte, known ...string) error {
	for _, k := range known {
		if bytes.EqualFold(name, []byte(k)) {
			return refuse(k, "%s is written in lower case", k)
		}
	}
	return nil
}

func (r *Reader) model(q *Request) error {
	kind := r.Kind()
	raw, at, err := r.Value()
	switch {
	case err != nil:
		return err
	case kind != '"':
		return refuse("model", "model is a string")
	case len(raw) > maxModel:
		return refuse("model", "model is longer than any model's name")
	}
	q.Model, q.model = jsonscan.Unquoted(raw), at
	return nil
}

func (r *Reader) boolean(param string) (bool, error) {
	kind := r.Kind()
	if err := r.Skip(); err != nil {
		return false, err
	}
	if kind != 't' && kind != 'f' && kind != 'n' {
		return false, refuse(param, "%s is true or false", param)
	}
	return kind == 't', nil
}

// whole reads a whole number from 1 to most into n. there is false, and n as it was, for null.
func (r *Reader) whole(param string, most int64, n *int64) (at jsonscan.Span, there bool, err error) {
	kind := r.Kind()
	raw, at, err := r.Value()
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

// outputCap reads one of the two caps.
func (r *Reader) outputCap(q *Request, param string, name jsonscan.Span) (option, error) {
	n := q.Cap
	at, there, err := r.whole(param, MaxCap, &n)
	if err != nil {
		return option{}, err
	}
	if there && q.Cap != 0 && n != q.Cap {
		return option{}, refuse(param, "%s and %s contradict each other", MaxTokens, MaxCompletionTokens)
	}
	q.Cap = n
	return option{name: name, value: at, there: there}, nil
}

// streamOptions finds include_usage.
func (r *Reader) streamOptions(q *Request, name jsonscan.Span) (option, error) {
	const param = "stream_options"
	start := r.Kind()
	if start != '{' {
		_, at, err := r.Value()
		if err == nil && start != 'n' {
			err = refuse(param, "%s is an object", param)
		}
		return option{name: name, value: at}, err
	}
	if err := r.Step(); err != nil {
		return option{}, err
	}
	from := r.At() - 1
	for {
		key, _, more, err := r.Member()
		if err != nil {
			return option{}, err
		}
		if !more {
			return option{name: name, value: jsonscan.Span{From: from, To: r.At()}, there: true}, nil
		}
		if string(key) != "include_usage" {
			if err := lookalike(key, "include_usage"); err != nil {
				return option{}, err
			}
			if err := r.Skip(); err != nil {
				return option{}, err
			}
			continue
		}
		kind := r.Kind()
		if _, q.include, err = r.Value(); err != nil {
			return option{}, err
		}
		if kind != 't' && kind != 'f' && kind != 'n' {
			return option{}, refuse("stream_options.include_usage", "include_usage is true or false")
		}
	}
}
