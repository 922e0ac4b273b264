package audit

import "bytes"

// Documents are parts of an event's body, byte for byte: what a read model copies from it. A part that is not there is nil.
type Documents struct{ Usage, LineItems, Call []byte }

// documentsOf finds the documents of a charge or release whose body is as the ledger writes it: no space, its fields in their
// order, quotes in texts escaped. None for anything else. It looks at no more than it needs to find them.
func documentsOf(body []byte) (d Documents) {
	for b := body; len(b) > 1 && (b[0] == '{' || b[0] == ',') && b[1] == '"'; {
		size := bytes.IndexByte(b[2:], '"')
		if size < 0 || len(b) < size+5 || b[size+3] != ':' {
			break
		}
		name := b[2 : size+2]
		b = b[size+4:]
		if size = sizeOf(b); size == 0 {
			break
		}
		value := b[:size]
		b = b[size:]
		switch string(name) {
		case "usage":
			d.Usage = value
		case "line_items":
			d.LineItems = value
		case "call":
			d.Call = value
			return d
		}
	}
	return Documents{}
}

// sizeOf is how long the value is that b begins with; 0 when that takes more than a look.
func sizeOf(b []byte) int {
	switch b[0] {
	case ' ', '\t', '\n', '\r':
		return 0
	case '"':
		end := bytes.IndexByte(b[1:], '"')
		if end < 0 || b[end] == '\\' {
			return 0
		}
		return end + 2
	case '[': // of line items, which have no lists in them
		return bytes.IndexByte(b, ']') + 1
	case '{': // without objects in it but for a call's own_key, which upstream_cost may follow; a brace within a text is not followed by a quote
		for size := 1; ; {
			end := bytes.IndexByte(b[size:], '}')
			if end < 0 {
				return 0
			}
			if size += end + 1; bytes.HasPrefix(b[size:], []byte(`,"`)) && !bytes.HasPrefix(b[size:], []byte(`,"upstream_cost"`)) {
				return size
			}
		}
	default:
		return max(bytes.IndexByte(b, ','), 0)
	}
}
