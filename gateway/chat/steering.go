package chat

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// Steering is what a caller says to the gateway in members of a request's top level, as they stand in the body; nil for what was not said.
// They are OpenRouter's, all dialects have them, and no vendor gets to see them.
type Steering struct {
	Provider, Models, Route jsontext.Value
	// Opening is what all turns of a conversation have in common and other conversations do not: the caller's name for it, or else all up
	// to the first message that is not the system's.
	Opening []byte
}

// maxSession is how long the name of a conversation may be, in bytes with its quotes.
const maxSession = 258

// Steers says whether a member of a request's top level is for the gateway.
func Steers(name []byte) bool {
	switch string(name) {
	case "provider", "models", "route", "transforms", "plugins", "usage", "session_id", "trace", "debug", "preset", "drop_unsupported":
		return true
	}
	return false
}

// Take notes such a member. Those that ask for nothing that changes an answer (usage, which callers always get; trace, debug, transforms), and
// preset, which was applied before, are passed over. Errors are invalid_request: plugins would change it, and there are none.
func (s *Steering) Take(name string, value jsontext.Value) error {
	if value.Kind() == 'n' {
		return nil
	}
	switch name {
	case "provider":
		s.Provider = value
	case "models":
		s.Models = value
	case "route":
		s.Route = value
	case "session_id":
		if value.Kind() != '"' || len(value) > maxSession {
			return domain.Errorf(domain.CodeInvalid, "session_id is a string of at most %d bytes", maxSession-2).With("param", "session_id")
		}
		s.Opening = value
	case "plugins":
		return plugins(value)
	}
	return nil
}

// plugins refuses all but those that are switched off.
func plugins(value jsontext.Value) error {
	var list []struct {
		Enabled *bool `json:"enabled"`
	}
	if json.Unmarshal(value, &list) != nil {
		return domain.Errorf(domain.CodeInvalid, "plugins is a list of objects").With("param", "plugins")
	}
	for _, p := range list {
		if p.Enabled == nil || *p.Enabled {
			return domain.Errorf(domain.CodeInvalid, "plugins are not offered").With("param", "plugins")
		}
	}
	return nil
}

// Opening is that of messages; see Steering. How long a prompt may be kept is no part of it: callers move these marks from turn to turn.
func Opening(messages []Message) []byte {
	var b []byte
	for i := range messages {
		m := &messages[i]
		b = append(append(b, m.Role...), 0)
		b = appendOpening(b, m.Parts)
		if m.Role != System {
			break
		}
	}
	return b
}

func appendOpening(b []byte, parts []Part) []byte {
	for i := range parts {
		p := &parts[i]
		b = append(append(append(b, byte(p.Kind)), p.Text...), 0)
		switch {
		case p.Media != nil:
			b = append(append(append(append(b, p.Media.Data...), p.Media.URL...), p.Media.Name...), 0)
		case p.Call != nil:
			b = append(append(append(append(b, p.Call.Name...), 0), p.Call.Arguments...), 0)
		case p.Result != nil:
			b = appendOpening(b, p.Result.Parts)
		}
	}
	return b
}
