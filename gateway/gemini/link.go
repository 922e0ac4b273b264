package gemini

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
)

// links are the calls of a conversation and their answers.
type links struct {
	taken    map[string]bool     // ids that the caller gave
	answered map[string]bool     // ids that have a result
	waiting  map[string][]string // ids in order, by function; some of them are answered
	made     int
	lost     bool // a result answers nothing
}

// link gives each call an id, and each result that has none the id of the call that it answers.
func (q *incoming) link() error {
	l := links{taken: map[string]bool{}, answered: map[string]bool{}, waiting: map[string][]string{}}
	q.each(func(p *chat.Part) {
		if p.Call != nil {
			l.taken[p.Call.ID] = true
		}
	})
	q.each(func(p *chat.Part) {
		switch {
		case p.Call != nil:
			if p.Call.ID == "" {
				p.Call.ID = l.fresh()
			}
			l.waiting[p.Call.Name] = append(l.waiting[p.Call.Name], p.Call.ID)
		case p.Result != nil:
			if p.Result.CallID == "" {
				p.Result.CallID = l.next(p.Result.Name)
			}
			l.answered[p.Result.CallID] = true
		}
	})
	if l.lost {
		q.path = []string{"contents"}
		return q.refuse("has a functionResponse without a functionCall before it")
	}
	return nil
}

// each goes through the parts of the conversation.
func (q *incoming) each(visit func(*chat.Part)) {
	for i := range q.Messages {
		for j := range q.Messages[i].Parts {
			visit(&q.Messages[i].Parts[j])
		}
	}
}

// fresh is an id that nobody has.
func (l *links) fresh() string {
	for {
		id := "call_" + strconv.Itoa(l.made)
		l.made++
		if !l.taken[id] {
			return id
		}
	}
}

// next is the first call of a function that waits for its result.
func (l *links) next(function string) string {
	ids := l.waiting[function]
	for len(ids) > 0 && l.answered[ids[0]] {
		ids = ids[1:]
	}
	l.waiting[function] = ids
	if len(ids) == 0 {
		l.lost = true
		return ""
	}
	return ids[0]
}
