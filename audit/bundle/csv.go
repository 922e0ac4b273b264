package bundle

import (
	"bytes"
	"errors"

	"github.com/massrouter/massrouter/eventstore"
)

const csvHeader = "shard,position,stream_id,stream_version,event_id,type,schema_version,recorded_at,effective_at,actor," +
	"correlation_id,causation_id,command_id,salt,body,leaf_hash\r\n"

var errRecord = errors.New("the record is not as an export writes it")

// readRecords reads CSV records in place.
func readRecords(chunk []byte) ([]eventstore.Event, error) {
	events := make([]eventstore.Event, 0, bytes.Count(chunk, []byte{'\n'}))
	for len(chunk) > 0 {
		var c cells
		for i := range c {
			end := ","
			if i == len(c)-1 {
				end = "\r\n"
			}
			var ok bool
			if c[i], chunk, ok = cell(chunk, end); !ok {
				return events, errRecord
			}
		}
		e, err := c.event()
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

// cell reads a cell and what ends it. A quoted cell loses the apostrophe that guards it against being a formula.
func cell(b []byte, end string) (v, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		v, rest, ok = bytes.Cut(b, []byte(end))
		return v, rest, ok && bytes.IndexByte(v, '"') < 0
	}
	b = b[1:]
	n := 0
	for i := 0; ; {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			return nil, nil, false
		}
		n += copy(b[n:], b[i:i+quote])
		i += quote + 1
		if i == len(b) || b[i] != '"' {
			rest, ok = bytes.CutPrefix(b[i:], []byte(end))
			return unguard(b[:n:n]), rest, ok
		}
		b[n] = '"'
		n++
		i++
	}
}

func unguard(v []byte) []byte {
	if len(v) > 0 && v[0] == '\'' {
		return v[1:]
	}
	return v
}
