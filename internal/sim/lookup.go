package sim

import (
	"net/http"
	"strconv"
	"sync"
)

// maxLookups bounds how many calls are remembered for those who look them up; the oldest are forgotten first.
const maxLookups = 10_000

// lookups are the calls whose usage was not told, or not as it was. They can be looked up.
type lookups struct {
	mu    sync.Mutex
	calls map[string]*looked
	order []string
}

// looked is a call that can be looked up once it is ready.
type looked struct {
	model   string
	usage   Usage
	aborted bool
	unready int64 // how many more times it is not there yet
}

// add remembers a call; one that is booked anew is remembered as it was booked last.
func (l *lookups) add(id string, c looked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls == nil {
		l.calls = map[string]*looked{}
	}
	if _, known := l.calls[id]; !known {
		if len(l.order) >= maxLookups {
			delete(l.calls, l.order[0])
			l.order = l.order[1:]
		}
		l.order = append(l.order, id)
	}
	l.calls[id] = &c
}

// find is a call that is ready.
func (l *lookups) find(id string) (looked, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.calls[id]
	if !ok {
		return looked{}, false
	}
	if c.unready > 0 {
		c.unready--
		return looked{}, false
	}
	return *c, true
}

// remember keeps a call whose caller may have to look its usage up.
func (c *call) remember(e *entry) {
	if e.outcome == rejected || e.reported && e.fault == "" {
		return
	}
	c.server.lookups.add(string(c.id), looked{model: e.model, usage: e.usage, aborted: e.outcome == aborted, unready: max(c.req.controls.unready, 0)})
}

// generation is how OpenRouter's GET /generation?id= is asked.
type generation struct{ chat }

func (generation) method() string { return http.MethodGet }

// serveGeneration tells what a call used, as OpenRouter does.
func (s *Server) serveGeneration(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	c, ok := s.lookups.find(id)
	if !ok {
		s.refuse(w, generation{}, &failure{http.StatusNotFound, "invalid_request_error", "not_found", "id", "There is no such generation, or it is not ready."})
		return
	}
	body := appendText([]byte(`{"data":{"id":`), id)
	body = appendText(append(body, `,"model":`...), c.model)
	for _, field := range [...]struct {
		name string
		n    int64
	}{
		{"tokens_prompt", c.usage.Prompt},
		{"tokens_completion", c.usage.Completion},
		{"native_tokens_prompt", c.usage.Prompt},
		{"native_tokens_completion", c.usage.Completion},
		{"native_tokens_reasoning", c.usage.Reasoning},
		{"native_tokens_cached", c.usage.Cached},
	} {
		body = strconv.AppendInt(append(append(append(body, `,"`...), field.name...), `":`...), field.n, 10)
	}
	body = strconv.AppendBool(append(body, `,"cancelled":`...), c.aborted)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, `}}`...)) //nolint:gosec // JSON, and said to be; the client may have left
}
