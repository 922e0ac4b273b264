package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/massrouter/massrouter/eventstore"
)

const (
	chunkSize = 512 << 10
	maxRecord = 32 << 20 // bytes of one event
)

// cutLines cuts a file after line feeds.
func cutLines(f *os.File, _ int64, hashed hash.Hash) pieces {
	return cut(io.TeeReader(f, hashed), lastLine, readLines)
}

// cutRecords cuts a CSV file after line feeds that are not between quotes, and takes the header away.
func cutRecords(f *os.File, _ int64, hashed hash.Hash) pieces {
	return func(yield func(piece, error) bool) {
		r := io.TeeReader(f, hashed)
		header := make([]byte, len(csvHeader))
		if _, err := io.ReadFull(r, header); err != nil || string(header) != csvHeader {
			yield(nil, errors.New("the header is not that of an export of events"))
			return
		}
		cut(r, lastRecord, readRecords)(yield)
	}
}

// cut yields chunks of whole records. last says where the last whole record of a chunk ends, 0 for none.
func cut(r io.Reader, last func(b []byte) int, read func(chunk []byte) ([]eventstore.Event, error)) pieces {
	return func(yield func(piece, error) bool) {
		var rest []byte
		for want := chunkSize; ; {
			chunk := make([]byte, len(rest)+want)
			n := copy(chunk, rest)
			m, err := io.ReadFull(r, chunk[n:])
			chunk = chunk[:n+m]
			ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
			if err != nil && !ended {
				yield(nil, err)
				return
			}
			end := last(chunk)
			if end > 0 && !yield(func() ([]eventstore.Event, error) { return read(chunk[:end:end]) }, nil) {
				return
			}
			if rest = chunk[end:]; ended {
				if len(rest) > 0 {
					yield(nil, errors.New("the file ends within a row"))
				}
				return
			}
			if want = chunkSize; end == 0 { // a record that is longer than a chunk
				want = max(chunkSize, len(rest))
			}
			if len(rest) > maxRecord {
				yield(nil, fmt.Errorf("the row has more than %d bytes", maxRecord))
				return
			}
		}
	}
}

func lastLine(b []byte) int { return bytes.LastIndexByte(b, '\n') + 1 }

// lastRecord finds the last line feed that has an even number of quotes before it. A chunk begins outside of quotes.
func lastRecord(b []byte) int {
	outside := bytes.Count(b, []byte{'"'})%2 == 0
	for end := len(b); ; {
		feed := bytes.LastIndexByte(b[:end], '\n')
		if feed < 0 {
			return 0
		}
		if bytes.Count(b[feed:end], []byte{'"'})%2 == 1 {
			outside = !outside
		}
		if outside {
			return feed + 1
		}
		end = feed
	}
}
