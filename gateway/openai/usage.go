package openai

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/gateway/meter"
)

// report reads usage and says where it stands. Null is no report; anything else that is no object is a broken one, and
// numbers that are not whole break it too.
func (r *Reader) report(u *meter.Report) (span, error) {
	if kind := r.dec.PeekKind(); kind != '{' {
		_, at, err := r.value()
		if kind != 'n' {
			*u = meter.Report{Given: true, Broken: true}
		}
		return at, err
	}
	if err := r.step(); err != nil {
		return span{}, err
	}
	from := int(r.dec.InputOffset()) - 1
	*u = meter.Report{Given: true}
	for {
		name, _, more, err := r.member()
		if err != nil || !more {
			return span{from, int(r.dec.InputOffset())}, err
		}
		switch string(name) {
		case "prompt_tokens":
			err = r.tokens(u, &u.Prompt)
		case "completion_tokens":
			err = r.tokens(u, &u.Completion)
		case "total_tokens":
			u.HasTotal = r.dec.PeekKind() != 'n'
			err = r.tokens(u, &u.Total)
		case "prompt_tokens_details", "completion_tokens_details":
			err = r.details(u)
		default:
			err = r.skip()
		}
		if err != nil {
			return span{}, err
		}
	}
}

// details reads the inner objects; their names do not overlap.
func (r *Reader) details(u *meter.Report) error {
	if ok, err := r.enter('{'); err != nil || !ok {
		return err // null, mostly
	}
	for {
		name, _, more, err := r.member()
		if err != nil || !more {
			return err
		}
		switch string(name) {
		case "cached_tokens":
			err = r.tokens(u, &u.Cached)
		case "cache_write_tokens":
			err = r.tokens(u, &u.CacheWrite)
		case "reasoning_tokens":
			err = r.tokens(u, &u.Reasoning)
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

// tokens reads a count; null is none.
func (r *Reader) tokens(u *meter.Report, n *int64) error {
	kind := r.dec.PeekKind()
	raw, _, err := r.value()
	if err != nil || kind == 'n' {
		return err
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if kind != '0' || bytes.ContainsAny(raw, ".eE") || err != nil {
		u.Broken = true
		return nil
	}
	*n = v
	return nil
}
