package jsonscan

import (
	"bytes"
	"slices"
)

// Span is a range of bytes of a text; the zero span is none.
type Span struct{ From, To int }

// Of is the range of a text.
func (s Span) Of(text []byte) []byte { return text[s.From:s.To] }

// Given says whether it is one.
func (s Span) Given() bool { return s.To > s.From }

// fewEdits is how many most texts get.
const fewEdits = 12

// Edits are made to a copy of a text, in one pass. The zero value is none.
type Edits struct {
	few  [fewEdits]edit
	n    int
	many []edit // all of them, when there are more than a few
}

// edit replaces a range of bytes.
type edit struct {
	Span
	text []byte
}

// Replace puts a text in the place of a range.
func (e *Edits) Replace(at Span, text []byte) {
	switch {
	case e.many != nil:
		e.many = append(e.many, edit{at, text})
	case e.n == fewEdits:
		e.many = append(slices.Clone(e.few[:]), edit{at, text})
	default:
		e.few[e.n] = edit{at, text}
		e.n++
	}
}

// Insert puts a text before a byte.
func (e *Edits) Insert(at int, text []byte) { e.Replace(Span{at, at}, text) }

// Add puts members at the end of an object whose last brace stands at that place.
func (e *Edits) Add(text []byte, at int, members ...[]byte) {
	empty := bytes.HasSuffix(bytes.TrimRight(text[:at], " \t\r\n"), []byte("{"))
	for i, m := range members {
		if i == 0 && empty {
			e.Insert(at, m)
			continue
		}
		e.Insert(at, append([]byte(","), m...))
	}
}

// Remove takes members or elements out, in the order in which they stand, each with the comma before it; those that stand before all
// others, with the one behind them.
func (e *Edits) Remove(text []byte, spans []Span) {
	end := 0 // of what was removed last
	for _, at := range spans {
		if before := lastBefore(text, at.From); text[before] == ',' && before >= end {
			at.From = before
		} else if behind := firstFrom(text, at.To); text[behind] == ',' {
			at.To = behind + 1
		}
		end = at.To
		e.Replace(at, nil)
	}
}

// lastBefore is where the last byte before a place stands that is no blank, firstFrom the first one at or after it. Both are there: a
// member or element has something on either side.
func lastBefore(text []byte, place int) int {
	for place--; isSpace(text[place]); place-- {
	}
	return place
}

func firstFrom(text []byte, place int) int {
	for ; isSpace(text[place]); place++ {
	}
	return place
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// Blank says whether an object or array has nothing between its braces.
func Blank(text []byte, object Span) bool {
	return len(bytes.TrimLeft(text[object.From+1:object.To-1], " \t\r\n")) == 0
}

// Append appends the text with all edits, which do not overlap. Edits at the same place keep their order.
func (e *Edits) Append(dst, text []byte) []byte {
	list := e.many
	if list == nil {
		list = e.few[:e.n]
	}
	slices.SortStableFunc(list, func(a, b edit) int { return a.From - b.From })
	done := 0
	for _, one := range list {
		dst = append(dst, text[done:one.From]...)
		dst = append(dst, one.text...)
		done = one.To
	}
	return append(dst, text[done:]...)
}
