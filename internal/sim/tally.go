package sim

import (
	"context"
	"maps"
	"sync"
)

// maxModels bounds how many names are counted apart; what comes after goes to the row "(others)".
const (
	maxModels   = 1000
	otherModels = "(others)"
)

type outcome uint8

const (
	completed outcome = iota
	rejected
	broken
	aborted
)

// String names the outcome in the log.
func (o outcome) String() string {
	return [...]string{"completed", "rejected", "broken", "aborted"}[o]
}

// entry is what one call adds to the totals.
type entry struct {
	model    string
	dialect  string
	fault    Fault
	outcome  outcome
	streamed bool
	drained  bool
	reported bool
	usage    Usage
	unknown  [2]int64 // fields, bytes
	epoch    uint64   // set by add
}

func (r *Row) add(e *entry, sign int64) {
	r.Calls += sign
	if e.streamed {
		r.Streamed += sign
	}
	switch e.outcome {
	case completed:
		r.Completed += sign
	case rejected:
		r.Rejected += sign
	case broken:
		r.Broken += sign
	case aborted:
		r.Aborted += sign
	}
	if e.drained {
		r.Drained += sign
	}
	if e.reported {
		r.Reported.add(e.usage, sign)
	} else {
		r.Unreported.add(e.usage, sign)
	}
	r.UnknownFields += sign * e.unknown[0]
	r.UnknownBytes += sign * e.unknown[1]
}

// tally is the totals while they grow.
type tally struct {
	mu       sync.Mutex
	sum      Row
	models   map[string]*Row
	dialects map[string]*Row
	faults   map[Fault]*Row
	refused  map[string]int64
	counted  int64
	inFlight int64
	idle     chan struct{} // closed when the last call in flight ends; nil while nobody waits
	epoch    uint64        // grows with each reset
}

func newTally() *tally {
	t := new(tally)
	t.clear()
	return t
}

func (t *tally) clear() {
	t.sum = Row{}
	t.models = make(map[string]*Row)
	t.dialects = make(map[string]*Row)
	t.counted = 0
	t.faults = make(map[Fault]*Row)
	t.refused = make(map[string]int64)
}

func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	t.clear()
}

func (t *tally) enter() {
	t.mu.Lock()
	t.inFlight++
	t.mu.Unlock()
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
	if t.inFlight == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

func (t *tally) refuse(code string) {
	t.mu.Lock()
	t.refused[code]++
	t.mu.Unlock()
}

// add books a call and marks the entry with the epoch that it belongs to.
func (t *tally) add(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.epoch = t.epoch
	t.book(e, 1)
}

// move takes a booked entry back and books another in its place, unless a reset forgot it meanwhile.
func (t *tally) move(from, to *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from.epoch == t.epoch {
		t.book(from, -1)
		t.book(to, 1)
	}
}

func (t *tally) book(e *entry, sign int64) {
	t.sum.add(e, sign)
	name := e.model
	row, ok := t.models[name]
	if !ok {
		if len(t.models) >= maxModels {
			name = otherModels
		}
		row = t.models[name]
	}
	if row == nil {
		row = new(Row)
		t.models[name] = row
	}
	row.add(e, sign)
	rowOf(t.dialects, e.dialect).add(e, sign)
	if e.fault != "" {
		rowOf(t.faults, e.fault).add(e, sign)
	}
}

func rowOf[K comparable](rows map[K]*Row, key K) *Row {
	row := rows[key]
	if row == nil {
		row = new(Row)
		rows[key] = row
	}
	return row
}

// count adds a request for a count of tokens, which is in no row: move leaves its entry alone.
func (t *tally) count(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted++
	e.epoch = t.epoch - 1
}

func (t *tally) totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := Totals{
		Row: t.sum, Models: make(map[string]Row, len(t.models)), Faults: make(map[Fault]Row, len(t.faults)),
		Dialects: make(map[string]Row, len(t.dialects)), Refused: maps.Clone(t.refused), Counted: t.counted, InFlight: t.inFlight,
	}
	for name, row := range t.dialects {
		out.Dialects[name] = *row
	}
	for name, row := range t.models {
		out.Models[name] = *row
	}
	for fault, row := range t.faults {
		out.Faults[fault] = *row
	}
	return out
}

// wait returns when no call is in flight, or with the context's error.
func (t *tally) wait(ctx context.Context) error {
	t.mu.Lock()
	if t.inFlight == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
