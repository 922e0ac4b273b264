package openai

import (
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

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

// Append appends a whole answer, or the chunk that carries the usage, with the generation's id, the public name of the
// model, the provider, and the given usage. All else is as the vendor sent it.
func (a *Answer) Append(dst []byte, w *Rewrite, usage []byte) []byte {
	var e jsonscan.Edits
	a.rename(&e, w)
	e.Remove(a.body, a.hidden)
	for _, m := range []struct {
		at   jsonscan.Span
		name string
		text []byte
	}{{a.id, `"id":`, w.id}, {a.model, `"model":`, w.named}, {a.usage, `"usage":`, usage}} {
		if !m.at.Given() {
			e.Insert(a.close, append(append([]byte(","), m.name...), m.text...))
		}
	}
	if a.usage.Given() {
		e.Replace(a.usage, usage)
	}
	return e.Append(dst, a.body)
}

// AppendChunk appends a chunk of a stream, renamed. Usage that a vendor puts into it is left out: the last chunk says it.
func (a *Answer) AppendChunk(dst []byte, w *Rewrite) []byte {
	var e jsonscan.Edits
	a.rename(&e, w)
	e.Remove(a.body, a.hidden)
	if a.Report.Given {
		e.Replace(a.usage, []byte("null"))
	}
	return e.Append(dst, a.body)
}

func (a *Answer) rename(e *jsonscan.Edits, w *Rewrite) {
	if a.id.Given() {
		e.Replace(a.id, w.id)
	}
	switch {
	case a.model.Given() && !a.provider.Given():
		e.Replace(a.model, w.named)
	case a.model.Given():
		e.Replace(a.model, w.model)
	}
	if a.provider.Given() {
		e.Replace(a.provider, w.provider)
	}
}

// AppendLast appends the chunk with the usage for a vendor that sent none.
func (w *Rewrite) AppendLast(dst []byte, created string, usage []byte) []byte {
	dst = w.appendHead(dst, created)
	dst = append(dst, `,"choices":[],"usage":`...)
	return append(append(dst, usage...), '}')
}

// AppendFailure appends the chunk that ends a stream with an error. usage may be nil.
func (w *Rewrite) AppendFailure(dst []byte, created string, failure, usage []byte) []byte {
	dst = w.appendHead(dst, created)
	dst = append(dst, `,"error":`...)
	dst = append(dst, failure...)
	dst = append(dst, `,"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":"error"}]`...)
	if usage != nil {
		dst = append(append(dst, `,"usage":`...), usage...)
	}
	return append(dst, '}')
}

func (w *Rewrite) appendHead(dst []byte, created string) []byte {
	dst = append(append(dst, `{"id":`...), w.id...)
	dst = append(append(dst, `,"object":"chat.completion.chunk","created":`...), created...)
	return append(append(dst, `,"model":`...), w.named...)
}

// AppendUsage appends the usage that the caller is told. Costs are JSON numbers with all their digits.
func AppendUsage(dst []byte, u usage.Usage, cost chat.Cost) []byte {
	prompt, completion := u.Prompt(), u.Completion()
	dst = strconv.AppendInt(append(dst, `{"prompt_tokens":`...), prompt, 10)
	dst = strconv.AppendInt(append(dst, `,"completion_tokens":`...), completion, 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), prompt+completion, 10)
	dst = append(append(dst, `,"cost":`...), cost.Total.String()...)
	dst = strconv.AppendBool(append(dst, `,"is_byok":`...), cost.Own)
	dst = strconv.AppendInt(append(dst, `,"prompt_tokens_details":{"cached_tokens":`...), u[usage.CacheRead]+u[usage.AudioCacheRead], 10)
	dst = strconv.AppendInt(append(dst, `,"cache_write_tokens":`...), u[usage.CacheWrite]+u[usage.CacheWrite1h], 10)
	dst = AppendUnits(dst, `,"audio_tokens":`, u[usage.AudioInput]+u[usage.AudioCacheRead])
	dst = AppendUnits(dst, `,"image_tokens":`, u[usage.ImageInput])
	dst = strconv.AppendInt(append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...), u[usage.Reasoning], 10)
	dst = AppendUnits(dst, `,"audio_tokens":`, u[usage.AudioOutput])
	dst = AppendUnits(dst, `,"image_tokens":`, u[usage.ImageOutput])
	dst = append(dst, '}')
	if n := u[usage.Search]; n > 0 {
		dst = append(strconv.AppendInt(append(dst, `,"server_tool_use":{"web_search_requests":`...), n, 10), '}')
	}
	dst = AppendUpstream(append(dst, `,"cost_details":{"upstream_inference_cost":`...), &cost)
	dst = append(dst, `,"upstream_inference_prompt_cost":`...)
	dst = append(dst, cost.Prompt.String()...)
	dst = append(dst, `,"upstream_inference_completions_cost":`...)
	dst = append(dst, cost.Completion.String()...)
	return append(dst, `}}`...)
}

// AppendUpstream appends what the vendor bills the customer whose own key it was called with; null for the platform's.
func AppendUpstream(dst []byte, cost *chat.Cost) []byte {
	if !cost.Own {
		return append(dst, "null"...)
	}
	return append(dst, cost.Upstream.String()...)
}

// AppendUnits appends a member with a count; nothing when there are none.
func AppendUnits(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, name...), n, 10)
}
