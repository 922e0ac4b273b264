package bundle

import (
	"iter"

	"github.com/massrouter/massrouter/eventstore"
)

// piece reads one part of a file; the events before an error are good.
type piece func() ([]eventstore.Event, error)

// pieces are the parts of a file in its order. After an error nothing follows.
type pieces = iter.Seq2[piece, error]

// newReading is the work of a goroutine that reads pieces.
func newReading() func(piece) ([]eventstore.Event, error) {
	return func(p piece) ([]eventstore.Event, error) { return p() }
}
