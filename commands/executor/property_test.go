package executor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
)

// Whatever happens to the store, every answer is one that a single thread with a log that never fails could have given,
// at a moment between the question and the answer.
func TestEveryAnswerIsThatOfASerialLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := drawPlan(r)
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			w := carryOut(t, p)
			wrong = w.judge(t)
		})
		if len(wrong) > 0 {
			r.Fatal(strings.Join(wrong, "\n"))
		}
	})
}

// history is what the log says.
type history struct {
	jars    []map[string]int      // by position; the first is before all events
	effects map[uuid.UUID][]int64 // the positions of each command
	wrong   []string
}

func (h *history) blame(format string, args ...any) {
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

func (w *world) judge(t *testing.T) []string {
	t.Helper()
	h := &history{jars: []map[string]int{{}}, effects: map[uuid.UUID][]int64{}}
	for i := range w.log {
		e := &w.log[i]
		var a added
		require.NoError(t, json.Unmarshal(e.Body, &a))
		_, name, _ := strings.Cut(string(e.StreamID), "-")
		now := maps.Clone(h.jars[len(h.jars)-1])
		if now[name] += a.N; now[name] != a.After {
			h.blame("position %d was decided on another state of the jar %s", e.Position, name)
		}
		if i > 0 && e.RecordedAt.Before(w.log[i-1].RecordedAt) {
			h.blame("position %d goes back in time", e.Position)
		}
		h.jars = append(h.jars, now)
		h.effects[e.CommandID] = append(h.effects[e.CommandID], e.Position)
	}
	given := map[uuid.UUID][]answer{}
	for _, a := range w.answers {
		given[a.command.id] = append(given[a.command.id], a)
	}
	for id, effects := range h.effects {
		if len(given[id]) == 0 {
			h.blame("nobody asked for the events at %v", effects)
		}
	}
	for _, answers := range given {
		w.judgeCommand(h, answers)
	}
	return h.wrong
}

// judgeCommand looks at all answers to one command.
func (w *world) judgeCommand(h *history, answers []answer) {
	c, effects := answers[0].command, h.effects[answers[0].command.id]
	var accepted, refused []answer
	for _, a := range answers {
		w.judgeAnswer(h, a)
		switch domain.CodeOf(a.Err) {
		case "":
			accepted = append(accepted, a)
		case domain.CodeConflict:
			refused = append(refused, a)
		}
	}
	if len(effects) > 0 {
		w.judgeEffects(h, c, effects)
	}
	// A forgotten refusal says nothing of an answer that got lost before it.
	if len(accepted) == 0 && len(effects) > 0 && (!c.forget || !w.lost(answers)) {
		h.blame("%+v was never accepted and has events at %v: %v", c, effects, told(answers))
	}
	if len(accepted) > 0 && len(refused) > 0 && !c.forget {
		h.blame("%+v was both accepted and refused", c)
	}
	for _, a := range accepted {
		if a.Position != accepted[0].Position || !a.RecordedAt.Equal(accepted[0].RecordedAt) {
			h.blame("%+v was accepted twice, at %d and at %d", c, accepted[0].Position, a.Position)
		}
	}
	if first := slices.DeleteFunc(slices.Clone(accepted), func(a answer) bool { return a.Replayed }); len(first) > 1 {
		h.blame("%+v was accepted for the first time %d times", c, len(first))
	}
}

// lost says whether somebody was not told what became of a command.
func (w *world) lost(answers []answer) bool {
	return slices.ContainsFunc(answers, func(a answer) bool { return domain.CodeOf(a.Err) == domain.CodeUnavailable })
}

// told is what was said about a command.
func told(answers []answer) []string {
	var said []string
	for _, a := range answers {
		said = append(said, fmt.Sprintf("at %d: %v", a.Position, a.Err))
	}
	return said
}

// judgeAnswer says whether the log at the answer's position explains it.
func (w *world) judgeAnswer(h *history, a answer) {
	unread := 0
	switch code := domain.CodeOf(a.Err); code {
	case "", domain.CodeConflict:
		w.judgeOutcome(h, a)
	case domain.CodeUnavailable:
		if strings.Contains(a.Err.Error(), "given up") {
			unread = 1
		}
	case domain.CodeInternal:
		if a.command.kind != panics && a.command.kind != breaks && !w.refuses() {
			h.blame("%+v failed: %v", a.command, a.Err)
		}
	case domain.CodeOverloaded:
	default:
		h.blame("%+v: %v", a.command, a.Err)
	}
	if n := executor.Unread(a.request); n != unread {
		h.blame("%+v has %d answers more than were read, not %d", a.command, n, unread)
	}
}

// refuses says whether a good command may fail.
func (w *world) refuses() bool {
	return slices.ContainsFunc(w.faults, func(f fault) bool { return f.fate == refused || f.fate == conflict || f.fate == moved })
}

func (w *world) judgeOutcome(h *history, a answer) {
	c, effects := a.command, h.effects[a.command.id]
	seen, err := a.seen()
	if err != nil || a.Position >= int64(len(h.jars)) {
		h.blame("%+v: position %d, %v", c, a.Position, err)
		return
	}
	before := a.Position
	if a.Err == nil {
		before -= int64(len(effects))
	}
	for name, n := range seen {
		if h.jars[before][name] != n {
			h.blame("%+v saw %d in %s at %d, the log has %d", c, n, name, before, h.jars[before][name])
		}
	}
	if !a.Replayed && a.Position < a.known {
		h.blame("%+v was decided at %d although %d was known", c, a.Position, a.known)
	}
	if _, ok := c.judge(seen, a.RecordedAt); ok != (a.Err == nil) {
		h.blame("%+v was decided wrongly on %v: %v", c, seen, a.Err)
	}
	if n := len(effects); a.Err == nil && n > 0 && (effects[n-1] != a.Position || !w.log[a.Position-1].RecordedAt.Equal(a.RecordedAt)) {
		h.blame("%+v: the answer says %d at %s, the log says %v", c, a.Position, a.RecordedAt, effects)
	}
	if a.Err == nil && len(effects) == 0 && c.kind != see {
		h.blame("%+v was accepted at %d and is not in the log", c, a.Position)
	}
}

// judgeEffects compares a command's events with what it decides on the jars before them.
func (w *world) judgeEffects(h *history, c command, effects []int64) {
	first := w.log[effects[0]-1]
	puts, ok := c.judge(h.jars[first.Position-1], first.RecordedAt)
	if !ok || len(puts) != len(effects) || c.kind == panics || c.kind == breaks {
		h.blame("%+v should not have the events at %v", c, effects)
		return
	}
	for i, p := range puts {
		if e := w.log[effects[i]-1]; e.Position != first.Position+int64(i) || e.StreamID != stream(p.jar) || !e.RecordedAt.Equal(first.RecordedAt) {
			h.blame("%+v: its event %d is not what is at %d", c, i, effects[i])
		}
	}
}

// seen is what the jars were when the command was decided.
func (a answer) seen() (map[string]int, error) {
	seen := map[string]int{}
	var refusal *domain.Error
	switch {
	case errors.As(a.Err, &refusal):
		for name, n := range refusal.Details {
			count, err := strconv.Atoi(n)
			if err != nil {
				return nil, err
			}
			seen[name] = count
		}
		return seen, nil
	case a.Replayed:
		return seen, json.Unmarshal(a.Stored, &seen)
	default:
		return a.Value.(map[string]int), nil
	}
}
