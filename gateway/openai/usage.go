package openai

import (
	"bytes"
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/meter"
)

// report reads usage and says where it stands. Null is no report; anything else that is no object is a broken one, and
// numbers that are not whole break it too.
func (r *Reader) report(u *meter.Report) (jsonscan.Span, error) {
	if kind := r.Kind(); kind != '{' {
		_, at, err := r.Value()
		if kind != 'n' {
			*u = meter.Report{Given: true, Broken: true, Tier: u.Tier}
		}
		return at, err
	}
	if err := r.Step(); err != nil {
		return jsonscan.Span{}, err
	}
	from := r.At() - 1
	*u = meter.Report{Given: true, Tier: u.Tier}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return jsonscan.Span{From: from, To: r.At()}, err
		}
		switch string(name) {
		case "prompt_tokens":
			err = r.tokens(u, &u.Prompt)
		case "completion_tokens":
			err = r.tokens(u, &u.Completion)
		case "total_tokens":
			u.HasTotal = r.Kind() != 'n'
			err = r.tokens(u, &u.Total)
		case "prompt_tokens_details":
			err = r.portion(u, usage.AudioInput, usage.ImageInput)
		case "completion_tokens_details":
			err = r.portion(u, usage.AudioOutput, usage.ImageOutput)
		case "num_search_queries":
			err = r.units(u, usage.Search)
		case "server_tool_use":
			err = r.serverTools(u)
		default:
			err = r.Skip()
		}
		if err != nil {
			return jsonscan.Span{}, err
		}
	}
}

// portion reads the inner objects; their names do not overlap, but for those of sound and of pictures.
func (r *Reader) portion(u *meter.Report, sound, picture usage.Class) error {
	return r.inner(func(name string) error {
		switch name {
		case "cached_tokens":
			return r.tokens(u, &u.Cached)
		case "cache_write_tokens":
			return r.tokens(u, &u.CacheWrite)
		case "reasoning_tokens":
			return r.tokens(u, &u.Reasoning)
		case "audio_tokens":
			return r.units(u, sound)
		case "image_tokens":
			return r.units(u, picture)
		}
		return r.Skip()
	})
}

// serverTools reads what the vendor's own tools did.
func (r *Reader) serverTools(u *meter.Report) error {
	return r.inner(func(name string) error {
		if name == "web_search_requests" {
			return r.units(u, usage.Search)
		}
		return r.Skip()
	})
}

// inner reads an object; anything else has no members.
func (r *Reader) inner(member func(name string) error) error {
	if ok, err := r.Enter('{'); err != nil || !ok {
		return err // null, mostly
	}
	for {
		name, _, more, err := r.Member()
		if err != nil || !more {
			return err
		}
		if err := member(string(name)); err != nil {
			return err
		}
	}
}

// units reads a count of what is no text.
func (r *Reader) units(u *meter.Report, class usage.Class) error {
	n := u.Media[class]
	err := r.tokens(u, &n)
	u.Set(class, n)
	return err
}

// tier reads the service tier that the answer came by.
func (r *Reader) tier(u *meter.Report) error {
	raw, _, err := r.Value()
	if err == nil && raw.Kind() == '"' {
		u.Tier = jsonscan.Unquoted(raw)
	}
	return err
}

// tokens reads a count; null is none.
func (r *Reader) tokens(u *meter.Report, n *int64) error {
	kind := r.Kind()
	raw, _, err := r.Value()
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
