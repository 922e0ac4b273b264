package gemini

import "slices"

// Rewrite is what the gateway puts in place of the vendor's own words, as JSON values.
type Rewrite struct{ id, model []byte }

// NewRewrite prepares the words for one generation: its id, and the public name of its model.
func NewRewrite(id, model string) Rewrite {
	return Rewrite{id: appendQuote(nil, id), model: appendQuote(nil, model)}
}

// edit replaces a range of bytes.
type edit struct {
	span
	text []byte
}

// Append appends a whole answer with the generation's id, the public name of the model, and the usage as AppendUsage makes it.
// All else is as the vendor sent it.
func (a *Answer) Append(dst []byte, w *Rewrite, usage []byte) []byte {
	edits := a.renamed(w)
	if a.usage.given() {
		edits = append(edits, edit{a.usage, usage})
	}
	missing := []byte{'x'} // so that the first of them has its comma: an answer is never without members
	for _, m := range []struct {
		at   span
		name string
		text []byte
	}{{a.usage, "usageMetadata", usage}, {a.model, "modelVersion", w.model}, {a.id, "responseId", w.id}} {
		if !m.at.given() {
			missing = append(key(missing, m.name), m.text...)
		}
	}
	return a.apply(dst, append(edits, edit{span{a.close, a.close}, missing[1:]}))
}

// AppendEvent appends an event of a stream, renamed. What the vendor says of the usage so far stays in it.
func (a *Answer) AppendEvent(dst []byte, w *Rewrite) []byte {
	dst = append(dst, "data: "...)
	start := len(dst)
	dst = a.apply(dst, a.renamed(w))
	oneLine(dst[start:])
	return append(dst, "\n\n"...)
}

// AppendEnd appends the event that was held back as the last one, with the usage.
func (a *Answer) AppendEnd(dst []byte, w *Rewrite, usage []byte) []byte {
	dst = append(dst, "data: "...)
	start := len(dst)
	dst = a.Append(dst, w, usage)
	oneLine(dst[start:])
	return append(dst, "\n\n"...)
}

func (a *Answer) renamed(w *Rewrite) []edit {
	edits := make([]edit, 0, 4)
	if a.id.given() {
		edits = append(edits, edit{a.id, w.id})
	}
	if a.model.given() {
		edits = append(edits, edit{a.model, w.model})
	}
	return edits
}

// apply appends the body with all edits, which do not overlap.
func (a *Answer) apply(dst []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	done := 0
	for _, one := range edits {
		dst = append(append(dst, a.body[done:one.from]...), one.text...)
		done = one.to
	}
	return append(dst, a.body[done:]...)
}

// AppendEnd appends the event with the usage where none was held back.
func (w *Rewrite) AppendEnd(dst, usage []byte) []byte {
	dst = append(append(dst, `data: {"usageMetadata":`...), usage...)
	dst = append(append(dst, `,"modelVersion":`...), w.model...)
	return append(append(append(dst, `,"responseId":`...), w.id...), "}\n\n"...)
}

// AppendFailure appends the end of a stream that broke: the usage, if something is charged, and the error as AppendError makes it.
func (w *Rewrite) AppendFailure(dst, failure, usage []byte) []byte {
	if usage != nil {
		dst = w.AppendEnd(dst, usage)
	}
	return appendFailed(dst, failure)
}
