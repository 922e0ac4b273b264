package topic

import (
	"strconv"
	"time"

	"github.com/massrouter/massrouter/eventstore"
)

// round is some consecutive events as they are sent: all partitions at once, the chunks of a partition one after the other,
// and the next round when all of them are acknowledged. So the watermark of a round is where the one before it ended.
type round struct {
	parts         [][]chunk // by partition
	last          int64
	recorded      time.Time // of the last event
	sent, skipped int64
}

// chunk is what one request appends: all of it or nothing.
type chunk struct {
	records []*record
	bytes   int
}

// newWork makes what a goroutine turns events into a round with.
func (e *exporter) newWork() func([]eventstore.Event) (round, error) {
	partitions := e.result.Partitions
	text, numbers := strconv.Itoa(partitions), partitionsOf(partitions)
	return func(events []eventstore.Event) (round, error) {
		last := &events[len(events)-1]
		r := round{parts: make([][]chunk, partitions), last: last.Position, recorded: last.RecordedAt}
		watermark := events[0].Position - 1
		for i := range events {
			record, err := newRecord(&events[i], watermark, text)
			if err != nil {
				return round{}, err
			}
			p := numbers.of(record.key)
			if events[i].Position <= e.tail.have[p] {
				r.skipped++
				continue
			}
			r.sent++
			r.parts[p] = e.kafka.append(r.parts[p], record)
		}
		return r, nil
	}
}

// append adds a record to the last chunk, or to a new one when that is full.
func (c *cluster) append(chunks []chunk, r *record) []chunk {
	size := r.size()
	if n := len(chunks); n == 0 || chunks[n-1].bytes+size > c.chunkBytes {
		chunks = append(chunks, chunk{})
	}
	last := &chunks[len(chunks)-1]
	last.records, last.bytes = append(last.records, r), last.bytes+size
	return chunks
}
