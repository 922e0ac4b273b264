package gemini

import "github.com/massrouter/massrouter/gateway/jsonscan"

// Rewrite is what the gateway puts in place of the vendor's own words, as JSON values.
type Rewrite struct{ id, model []byte }

// NewRewrite prepares the words for one generation: its id, and the public name of its model.
func NewRewrite(id, model string) Rewrite {
	return Rewrite{id: jsonscan.AppendString(nil, id), model: jsonscan.AppendString(nil, model)}
}

// Append appends a whole answer with the generation's id, the public name of the model, and the usage as AppendUsage makes it.
// All else is as the vendor sent it.
func (a *Answer) Append(dst []byte, w *Rewrite, usage []byte) []byte {
	var e jsonscan.Edits
	a.rename(&e, w)
	if a.usage.Given() {
		e.Replace(a.usage, usage)
	}
	missing := []byte{'x'} // so that the first of them has its comma: an answer is never without members
	for _, m := range []struct {
		at   jsonscan.Span
		name string
		text []byte
	}{{a.usage, "usageMetadata", usage}, {a.model, "modelVersion", w.model}, {a.id, "responseId", w.id}} {
		if !m.at.Given() {
			missing = append(key(missing, m.name), m.text...)
		}
	}
	e.Insert(a.close, missing[1:])
	return e.Append(dst, a.body)
}

// AppendEvent appends an event of a stream, renamed. What the vendor says of the usage so far stays in it.
func (a *Answer) AppendEvent(dst []byte, w *Rewrite) []byte {
	dst = append(dst, "data: "...)
	start := len(dst)
	var e jsonscan.Edits
	a.rename(&e, w)
	dst = e.Append(dst, a.body)
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

func (a *Answer) rename(e *jsonscan.Edits, w *Rewrite) {
	if a.id.Given() {
		e.Replace(a.id, w.id)
	}
	if a.model.Given() {
		e.Replace(a.model, w.model)
	}
	for _, at := range a.veil {
		e.Replace(at, []byte(`""`))
	}
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
