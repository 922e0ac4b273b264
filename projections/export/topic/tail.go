package topic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// window is what was read of a partition: its first record and its last ones.
type window struct {
	partition  int
	first, end int64 // offsets; end is that of the next record
	marks      []mark
}

// windowRecords is how many of a partition's last records are read. The very last would do; an exporter that was killed
// may have left repetitions after the highest position, and those spare us from sending more of them.
const windowRecords = 64

// windows reads the first and the last records of every partition.
func (c *cluster) windows(ctx context.Context) ([]window, error) {
	ask := make([]kafka.OffsetRequest, 0, 2*c.partitions)
	for p := range c.partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{c.options.Topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("ask for the topic's offsets: %w", err)
	}
	all := make([]window, c.partitions)
	known := 0
	for _, o := range answer.Topics[c.options.Topic] {
		if o.Error != nil {
			return nil, fmt.Errorf("ask for the offsets of partition %d: %w", o.Partition, o.Error)
		}
		if o.Partition < 0 || o.Partition >= len(all) {
			return nil, fmt.Errorf("ask for the topic's offsets: the answer has partition %d", o.Partition)
		}
		all[o.Partition] = window{partition: o.Partition, first: o.FirstOffset, end: o.LastOffset}
		known++
	}
	if known != len(all) {
		return nil, fmt.Errorf("ask for the topic's offsets: %d of %d partitions were answered", known, len(all))
	}
	for p := range all {
		if err := c.fill(ctx, &all[p]); err != nil {
			return nil, fmt.Errorf("read partition %d: %w", p, err)
		}
	}
	return all, nil
}

// fill reads a window's records.
func (c *cluster) fill(ctx context.Context, w *window) error {
	if w.first == w.end {
		return nil
	}
	from := max(w.first, w.end-windowRecords)
	if from > w.first {
		if err := c.fetch(ctx, w, w.first, w.first+1); err != nil {
			return err
		}
	}
	return c.fetch(ctx, w, from, w.end)
}

// fetch reads the records from one offset up to another, which is not read any more.
func (c *cluster) fetch(ctx context.Context, w *window, from, to int64) error {
	const most = 16 << 20
	for from < to {
		answer, err := c.client.Fetch(ctx, &kafka.FetchRequest{
			Topic: c.options.Topic, Partition: w.partition, Offset: from, MinBytes: 1, MaxBytes: most, MaxWait: fetchWait,
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return err
		}
		before := from
		for from < to {
			r, err := answer.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if r.Offset < from || r.Offset >= to { // batches come whole
				from = max(from, min(r.Offset+1, to))
				continue
			}
			from = r.Offset + 1
			m, err := readRecord(r)
			if err != nil {
				return domain.Errorf(domain.CodeConflict, "the topic holds something else than an exported ledger: the record at offset %d of partition %d: %v",
					r.Offset, w.partition, err)
			}
			w.marks = append(w.marks, m)
		}
		if from == before {
			return fmt.Errorf("the records at offset %d cannot be read: %w", from, io.ErrUnexpectedEOF)
		}
	}
	return nil
}

func readRecord(r *kafka.Record) (mark, error) {
	key, err := kafka.ReadAll(r.Key)
	if err != nil {
		return mark{}, err
	}
	return readMark(key, r.Headers)
}

// recognize refuses a topic that is not of this ledger, or whose keys lie elsewhere than they would be put.
func recognize(ctx context.Context, log eventstore.Reader, all []window) error {
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	for _, w := range all {
		for _, m := range w.marks {
			if m.partitions != len(all) || PartitionOf(m.key, len(all)) != w.partition {
				return domain.Errorf(domain.CodeConflict, "the topic has %d partitions, and had %d when position %d was exported: "+
					"keys would move and lose their order; export to a new topic", len(all), m.partitions, m.position)
			}
		}
		if len(w.marks) == 0 {
			continue
		}
		highest := slices.MaxFunc(w.marks, func(a, b mark) int { return int(min(1, max(-1, a.position-b.position))) })
		for _, m := range []mark{w.marks[0], highest} {
			if err := compare(ctx, log, head.Position, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare looks a record up in the log.
func compare(ctx context.Context, log eventstore.Reader, head int64, m mark) error {
	if m.position > head {
		return domain.Errorf(domain.CodeConflict, "the topic holds position %d, and this ledger ends at %d: "+
			"it is another one, or one restored from an older backup", m.position, head)
	}
	events, err := eventstore.ReadDense(ctx, log, m.position-1, 1)
	if err != nil {
		return err
	}
	if len(events) != 1 {
		return fmt.Errorf("%w: position %d", eventstore.ErrGap, m.position)
	}
	if events[0].LeafHash != m.leafHash || events[0].Shard != m.shard || Key(events[0].StreamID) != string(m.key) {
		return domain.Errorf(domain.CodeConflict, "the topic is of another ledger: at position %d of shard %d it holds an event with the leaf hash %x, "+
			"this ledger one of shard %d with %x", m.position, m.shard, m.leafHash, events[0].Shard, events[0].LeafHash)
	}
	return nil
}

// tail is where a topic ends.
type tail struct {
	empty    bool    // nothing was ever exported to it
	complete int64   // every event up to it, from the topic's first, is there
	have     []int64 // by partition: all of its events up to this position are there
	next     []int64 // by partition: offset before which nothing may be appended any more
	known    int64   // every event after it and up to complete was sent to this topic
	removed  []bool  // by partition: it had records, and none is left
}

// resume finds where to go on. In every partition, an event is there only after all earlier ones of that partition: so
// have is the highest position among a partition's last records, and what is complete is the lowest of these. A partition
// without news for long would hold that back, hence the watermarks: each says up to where everything was acknowledged.
func resume(all []window, first int64) (tail, error) {
	t := tail{
		empty: true, have: make([]int64, len(all)), next: make([]int64, len(all)), removed: make([]bool, len(all)), known: math.MaxInt64,
	}
	watermark := int64(0)
	for p, w := range all {
		t.next[p], t.removed[p] = w.end, w.end > 0 && len(w.marks) == 0
		for _, m := range w.marks {
			t.empty = false
			t.have[p] = max(t.have[p], m.position)
			watermark, t.known = max(watermark, m.watermark), min(t.known, m.watermark)
		}
	}
	switch {
	case t.empty && slices.Contains(t.removed, true) && first == 1:
		return t, domain.Errorf(domain.CodeConflict, "the topic's records were removed, so that it does not say where to go on: "+
			"give the first position to export, or a new topic")
	case t.empty:
		t.complete = first - 1
		return t, nil
	}
	t.complete = max(watermark, slices.Min(t.have))
	if first > t.complete+1 {
		return t, domain.Errorf(domain.CodeConflict, "the topic holds the log up to position %d: to begin at %d would leave a gap", t.complete, first)
	}
	return t, nil
}

// endEvents is how many events before the end of a topic are looked for in it.
const endEvents = 10_000

// verifyEnd looks whether the last events that should be in the topic are: a broker that lost its disk, or a leader that was
// elected although it was behind, leaves a partition that ends before what it had acknowledged.
func (t *tail) verifyEnd(ctx context.Context, log eventstore.Reader) error {
	if t.empty {
		return nil
	}
	numbers := partitionsOf(len(t.have))
	for after := max(t.known, t.complete-endEvents); after < t.complete; {
		events, err := eventstore.ReadDense(ctx, log, after, int(min(DefaultRound, t.complete-after)))
		if err == nil && len(events) == 0 {
			err = fmt.Errorf("%w: the log ends after position %d", eventstore.ErrGap, after)
		}
		if err != nil {
			return err
		}
		for i := range events {
			after = events[i].Position
			if p := numbers.of([]byte(Key(events[i].StreamID))); after > t.have[p] && !t.removed[p] {
				return fmt.Errorf("%w: partition %d ends with position %d and has had %d", ErrWentBack, p, t.have[p], after)
			}
		}
	}
	return nil
}
