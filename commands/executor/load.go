package executor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// missing lists the batch's streams that are not cached, each once.
func (e *Executor) missing(batch []*Request) []domain.StreamID {
	var ids []domain.StreamID
	var seen map[domain.StreamID]bool
	for _, r := range batch {
		for _, id := range r.Streams {
			if _, ok := e.cache.get(id); ok || seen[id] {
				continue
			}
			if seen == nil {
				seen = map[domain.StreamID]bool{}
			}
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

type loader interface {
	Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error)
}

// warm loads what the batch needs and the cache has not.
func (e *Executor) warm(ctx context.Context, from loader, batch []*Request) error {
	ids := e.missing(batch)
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	streams, err := from.Load(ctx, ids)
	if err != nil {
		return fmt.Errorf("load streams: %w", err)
	}
	for _, s := range streams {
		a, err := e.restore(s)
		if err != nil {
			return err
		}
		e.cache.put(s.ID, a)
	}
	return nil
}

func (e *Executor) kind(id domain.StreamID) (Kind, error) {
	kind, ok := e.o.Kinds[id.Kind()]
	if !ok {
		return Kind{}, fmt.Errorf("unknown stream kind %q", id.Kind())
	}
	return kind, nil
}

func (e *Executor) restore(s eventstore.Stream) (*cached, error) {
	kind, err := e.kind(s.ID)
	if err != nil {
		return nil, err
	}
	a := &cached{state: kind.New()}
	if s.Snapshot != nil {
		if s.Snapshot.Schema != kind.Schema {
			return nil, fmt.Errorf("snapshot of %s has schema %d, not %d", s.ID, s.Snapshot.Schema, kind.Schema)
		}
		if err := json.Unmarshal(s.Snapshot.State, a.state); err != nil {
			return nil, fmt.Errorf("decode the snapshot of %s: %w", s.ID, err)
		}
		a.version = s.Snapshot.Version
	}
	for i := range s.Events {
		if err := e.apply(a, &s.Events[i]); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// apply folds the next event of a stream.
func (e *Executor) apply(a *cached, ev *eventstore.Event) error {
	if ev.StreamVersion != a.version+1 {
		return fmt.Errorf("stream %s: version %d follows %d", ev.StreamID, ev.StreamVersion, a.version)
	}
	event, err := e.o.Registry.Decode(ev.Type, ev.Body)
	if err != nil {
		return fmt.Errorf("position %d: %w", ev.Position, err)
	}
	a.state.Apply(event, ev.RecordedAt)
	a.version = ev.StreamVersion
	return nil
}

// catchUp makes the cache current as of the lock: it folds what other processes appended since the last head that
// this one saw. When that is too much, the cache is dropped instead. What cannot be folded is dropped too: whoever
// needs it will hear why when it is loaded.
func (e *Executor) catchUp(tx eventstore.Tx) {
	tail, complete := tx.Tail()
	e.quiet++
	if len(tail) > 0 || !complete {
		e.quiet = 0
	}
	if !complete {
		e.cache.clear()
	}
	e.fold(tail)
	e.last = tx.Head()
	e.turn.ahead = e.turn.end != nil
}

// fold brings what is cached up to the end of a piece of the log.
func (e *Executor) fold(tail []eventstore.Event) {
	for i := range tail {
		a, ok := e.cache.peek(tail[i].StreamID)
		if !ok || tail[i].StreamVersion <= a.version {
			continue
		}
		if err := e.apply(a, &tail[i]); err != nil {
			e.cache.drop(tail[i].StreamID)
		}
	}
}
