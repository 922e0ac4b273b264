package meter

import (
	"sync/atomic"

	"github.com/massrouter/massrouter/domain/usage"
)

// Kind is what a piece of an answer is.
type Kind uint8

// The kinds. A call's name and arguments are apart, because they are tokenised apart.
const (
	Visible Kind = iota
	Refusal
	Reasoning
	CallName
	CallArguments
	Transcript
)

// Budget bounds the text that all calls of a process keep together.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget makes a budget of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

func (b *Budget) take(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

// maxSegments bounds the texts that are kept apart; what comes after is only counted in bytes.
const maxSegments = 512

// segment is the text of one kind of one choice.
type segment struct {
	choice, call int
	kind         Kind
	raw          []byte // JSON strings one after another, as the vendor sent them
	lost         int64  // bytes that were not kept
}

// Produced is what a call has put out so far, for the case that the vendor does not say it. The zero value keeps no text
// and only notes that there was some.
type Produced struct {
	budget *Budget
	limit  int64 // bytes of this call
	kept   int64
	any    bool
	lost   int64 // bytes of texts beyond maxSegments
	list   []segment
	last   int
	units  usage.Usage // what was made that is no text
}

// NewProduced keeps at most limit bytes within the process's budget.
func NewProduced(budget *Budget, limit int64) Produced { return Produced{budget: budget, limit: limit} }

// Any says whether something was produced.
func (p *Produced) Any() bool { return p.any }

// Mark notes that something was produced that is no text.
func (p *Produced) Mark() { p.any = true }

// Count notes units of a class that were made beside text: images and what they have in tokens, characters that were spoken, seconds that
// were heard.
func (p *Produced) Count(class usage.Class, n int64) {
	p.any = true
	if n <= 0 {
		return
	}
	if p.units == nil {
		p.units = make(usage.Usage, 2)
	}
	p.units[class] = min(p.units[class]+n, usage.MaxQuantity)
}

// Add takes a piece of text as a JSON string. call numbers the tool calls of a choice.
func (p *Produced) Add(choice, call int, kind Kind, raw []byte) {
	const quotes = 2
	if len(raw) <= quotes {
		return
	}
	p.any = true
	if p.budget == nil {
		return
	}
	n := int64(len(raw))
	s := p.segment(choice, call, kind)
	switch {
	case s == nil:
		p.lost += n - quotes
	case s.lost > 0 || p.kept+n > p.limit || !p.budget.take(n):
		s.lost += n - quotes
	default:
		p.kept += n
		s.raw = append(s.raw, raw...)
	}
}

// segment finds the text that a piece continues: nearly always the same as last time.
func (p *Produced) segment(choice, call int, kind Kind) *segment {
	is := func(s *segment) bool { return s.choice == choice && s.call == call && s.kind == kind }
	if p.last < len(p.list) && is(&p.list[p.last]) {
		return &p.list[p.last]
	}
	for i := range p.list {
		if is(&p.list[i]) {
			p.last = i
			return &p.list[i]
		}
	}
	if len(p.list) == maxSegments {
		return nil
	}
	p.last = len(p.list)
	p.list = append(p.list, segment{choice: choice, call: call, kind: kind})
	return &p.list[p.last]
}

// Drop gives the kept text back to the budget.
func (p *Produced) Drop() {
	if p.budget != nil {
		p.budget.used.Add(-p.kept)
	}
	*p = Produced{any: p.any}
}
