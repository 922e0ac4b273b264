package eventstore

import (
	"fmt"

	"github.com/massrouter/massrouter/domain"
)

// minStreamID is the shortest stream id of the schema: a kind, a dash, an identity.
const minStreamID = 3

// Check refuses a batch that contradicts itself: the events of a stream must be exactly the versions that its write
// steps over, in order. The tables alone would take events that no version counts, and those can never be removed.
// Both implementations call it before they write.
func (b *Batch) Check() error {
	next := make(map[domain.StreamID]int64, len(b.Streams))
	for _, w := range b.Streams {
		if _, twice := next[w.ID]; twice {
			return fmt.Errorf("stream %q is written twice", w.ID)
		}
		if n := len(w.ID); n < minStreamID || n > domain.MaxStreamID {
			return fmt.Errorf("a stream id has %d to %d bytes, not %d", minStreamID, domain.MaxStreamID, n)
		}
		if w.From < 0 || w.To <= w.From {
			return fmt.Errorf("stream %q does not move forward: %d to %d", w.ID, w.From, w.To)
		}
		next[w.ID] = w.From + 1
	}
	for i := range b.Events {
		e := &b.Events[i]
		if want, ok := next[e.StreamID]; !ok || e.StreamVersion != want {
			return fmt.Errorf("event %d of the batch: stream %q version %d is out of turn", i, e.StreamID, e.StreamVersion)
		}
		next[e.StreamID]++
	}
	for _, w := range b.Streams {
		if next[w.ID] != w.To+1 {
			return fmt.Errorf("stream %q has no event for version %d", w.ID, next[w.ID])
		}
	}
	return nil
}
