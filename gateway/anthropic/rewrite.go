package anthropic

import "github.com/massrouter/massrouter/gateway/jsonscan"

// Rewrite is what the gateway puts in place of the vendor's own words, as JSON values.
type Rewrite struct {
	id       []byte
	model    []byte
	named    []byte // the model and, behind it, the provider
	provider []byte
}

// NewRewrite prepares the words for one generation.
func NewRewrite(id, model, provider string) Rewrite {
	w := Rewrite{id: jsonscan.AppendString(nil, id), model: jsonscan.AppendString(nil, model), provider: jsonscan.AppendString(nil, provider)}
	w.named = append(append(append(w.named, w.model...), `,"provider":`...), w.provider...)
	return w
}

// Append appends a whole answer with the generation's id, the public name of the model, the provider, and the given usage. All else is
// as the vendor sent it.
func (a *Answer) Append(dst []byte, w *Rewrite, usage []byte) []byte {
	var e jsonscan.Edits
	a.named.rename(&e, w)
	for _, at := range a.veil {
		e.Replace(at, []byte(`""`))
	}
	names := w.named
	if a.named.provider.Given() {
		names = w.model
	}
	var missing [][]byte
	for _, m := range []struct {
		at   jsonscan.Span
		name string
		text []byte
	}{{a.named.id, `"id":`, w.id}, {a.named.model, `"model":`, names}, {a.usage, `"usage":`, usage}} {
		if !m.at.Given() {
			missing = append(missing, append([]byte(m.name), m.text...))
		}
	}
	e.Add(a.body, a.close, missing...)
	if a.usage.Given() {
		e.Replace(a.usage, usage)
	}
	return e.Append(dst, a.body)
}

func (n *named) rename(e *jsonscan.Edits, w *Rewrite) {
	if n.id.Given() {
		e.Replace(n.id, w.id)
	}
	switch {
	case n.model.Given() && !n.provider.Given():
		e.Replace(n.model, w.named)
	case n.model.Given():
		e.Replace(n.model, w.model)
	}
	if n.provider.Given() {
		e.Replace(n.provider, w.provider)
	}
}

// Append appends the event as it goes to the caller: renamed if it is the beginning, else as it came.
func (e *Event) Append(dst []byte, w *Rewrite) []byte {
	dst = e.head(dst)
	var list jsonscan.Edits
	e.named.rename(&list, w)
	for _, at := range e.veil {
		list.Replace(at, []byte(`""`))
	}
	return append(list.Append(dst, e.data), "\n\n"...)
}

// AppendUsage appends a MessageDelta with the given usage in place of the vendor's.
func (e *Event) AppendUsage(dst, usage []byte) []byte {
	dst = e.head(dst)
	var list jsonscan.Edits
	if e.usage.Given() {
		list.Replace(e.usage, usage)
	} else {
		list.Add(e.data, e.close, append([]byte(`"usage":`), usage...))
	}
	return append(list.Append(dst, e.data), "\n\n"...)
}

func (e *Event) head(dst []byte) []byte {
	return append(append(append(dst, "event: "...), e.Type...), "\ndata: "...)
}

// AppendLast appends the MessageDelta with the usage for a vendor that sent none.
func (w *Rewrite) AppendLast(dst, usage []byte) []byte {
	dst = append(dst, `event: message_delta`+"\n"+`data: {"type":"message_delta","delta":{"stop_reason":null,"stop_sequence":null},"usage":`...)
	return append(append(dst, usage...), "}\n\n"...)
}

// AppendFailure appends the events that end a stream with an error. failure is what AppendFailure makes, or only its inner object; usage may be nil.
func (w *Rewrite) AppendFailure(dst, failure, usage []byte) []byte {
	if usage != nil {
		dst = w.AppendLast(dst, usage)
	}
	return appendErrorEvent(dst, failure)
}
