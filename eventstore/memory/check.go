package memory

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/eventstore"
)

// checkBatch refuses what a database column would not take, and a batch that contradicts itself.
func checkBatch(b *eventstore.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	for i := range b.Events {
		if err := checkEvent(&b.Events[i]); err != nil {
			return fmt.Errorf("event %d of the batch: %w", i, err)
		}
	}
	for i := range b.Commands {
		if err := checkText("outcome", string(b.Commands[i].Outcome)); err != nil {
			return fmt.Errorf("command %d of the batch: %w", i, err)
		}
	}
	return nil
}

func checkEvent(e *eventstore.Event) error {
	for _, column := range [][2]string{
		{"stream id", string(e.StreamID)}, {"type", e.Type}, {"actor", e.Actor}, {"body", string(e.Body)},
	} {
		if err := checkText(column[0], column[1]); err != nil {
			return err
		}
	}
	return nil
}

func checkText(column, s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("%s cannot be stored: it has a zero byte or is not UTF-8", column)
	}
	return nil
}

// accepts compares a batch with what is stored: stream versions, command ids, and that each snapshot is of an event
// that exists once the batch is written.
func (l *log) accepts(b *eventstore.Batch) error {
	for _, w := range b.Streams {
		if at := int64(len(l.streams[w.ID])); at != w.From {
			return fmt.Errorf("%w: %q is at %d, not at %d", eventstore.ErrVersionConflict, w.ID, at, w.From)
		}
	}
	fresh := make(map[uuid.UUID]bool, len(b.Commands))
	for i := range b.Commands {
		id := b.Commands[i].ID
		if _, exists := l.commands[id]; exists || fresh[id] {
			return fmt.Errorf("%w: %s", eventstore.ErrCommandExists, id)
		}
		fresh[id] = true
	}
	for i := range b.Snapshots {
		if err := l.acceptsSnapshot(b, &b.Snapshots[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *log) acceptsSnapshot(b *eventstore.Batch, s *eventstore.Snapshot) error {
	var position int64
	stored := l.streams[s.StreamID]
	if s.Version > 0 && s.Version <= int64(len(stored)) {
		position = stored[s.Version-1]
	}
	for i := range b.Events {
		if b.Events[i].StreamID == s.StreamID && b.Events[i].StreamVersion == s.Version {
			position = int64(len(l.events)) + int64(i) + 1
		}
	}
	if position == 0 || position != s.Position {
		return fmt.Errorf("snapshot of %q: version %d is not at position %d", s.StreamID, s.Version, s.Position)
	}
	return nil
}
