package cache

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// Digest is the same for calls that may have the same answer: of the same dialect, at the same address, with the same body but for
// its spaces, the order of its outermost members, and those that say nothing of the answer. The order of inner members counts: a model
// follows the order of a schema's properties. options are what else changes an answer.
func Digest(in exchange.Incoming, options ...string) [sha256.Size]byte {
	in.Body = plain(in.Dialect, in.Body)
	b := appendBytes(nil, string(in.Dialect))
	b = appendBytes(b, strings.Join(options, "\x00"))
	return sha256.Sum256(append(b, in.Content()...))
}

// idle are the members of a body that change nothing of its answer: they name conversations and traces, or say how long a vendor keeps
// a prompt. Whom a call is made for is not among them: end users of one app share no answers.
func idle(d chat.Dialect, name string) bool {
	if d != chat.OpenAI && d != chat.Responses {
		return false
	}
	switch name {
	case "metadata", "trace", "session_id", "prompt_cache_key", "prompt_cache_retention":
		return true
	}
	return false
}

// plain is the body in one way to write it; as it is if it is not one JSON object with different names.
func plain(d chat.Dialect, body []byte) []byte {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return body
	}
	type member struct {
		name  string
		value jsontext.Value
	}
	var members []member
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return body
		}
		m := member{name: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return body
		}
		if idle(d, m.name) {
			continue
		}
		m.value = value.Clone()
		if m.value.Compact() != nil {
			return body
		}
		members = append(members, m)
	}
	if _, err := dec.ReadToken(); err != nil || dec.PeekKind() != 0 {
		return body
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	out := make([]byte, 0, len(body))
	for _, m := range members {
		out = appendBytes(out, m.name)
		out = appendBytes(out, []byte(m.value))
	}
	return out
}
