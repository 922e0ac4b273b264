package responses

import (
	"strconv"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Writer writes canonical answers as responses. It is a chat.Writer and has no state. A response has one completion: of several
// choices it is the first.
type Writer struct{}

var _ chat.Writer = Writer{}

// Answer appends a whole response.
func (Writer) Answer(dst []byte, a *chat.Answer, t *chat.Told, b *chat.Bill) []byte {
	r := response{told: t, bill: b}
	if len(a.Choices) > 0 {
		c := &a.Choices[0]
		r.items = outputs(t.ID, c.Parts)
		r.end(c.Finish)
	} else {
		r.end(chat.Failed)
	}
	return r.append(dst)
}

// response is a response as it stands at some moment.
type response struct {
	told    *chat.Told
	status  string
	reason  string // why it is incomplete
	failure []byte // the error object
	items   []*output
	bill    *chat.Bill
}

// end sets how a response ended.
func (r *response) end(finish chat.Finish) {
	r.status, r.reason, r.failure = completed, "", nil
	switch finish {
	case chat.Length:
		r.status, r.reason = incomplete, "max_output_tokens"
	case chat.ContentFilter:
		r.status, r.reason = incomplete, "content_filter"
	case chat.Failed:
		r.status = failed
		r.failure = AppendError(nil, codeServer, "the model could not finish its answer")
	case chat.Stopped, chat.ToolCalls, "":
	}
}

func (r *response) append(dst []byte) []byte {
	var l scan.List
	dst = l.String(append(dst, '{'), "id", r.told.ID)
	dst = l.String(dst, "object", "response")
	dst = l.Int(dst, "created_at", r.told.Created)
	dst = l.String(dst, "status", r.status)
	dst = l.Raw(dst, "background", "false")
	if r.failure == nil {
		dst = l.Raw(dst, "error", "null")
	} else {
		dst = append(l.Name(dst, "error"), r.failure...)
	}
	if r.reason == "" {
		dst = l.Raw(dst, "incomplete_details", "null")
	} else {
		dst = append(jsonscan.AppendString(append(l.Name(dst, "incomplete_details"), `{"reason":`...), r.reason), '}')
	}
	dst = l.Raw(l.Raw(dst, "instructions", "null"), "max_output_tokens", "null")
	dst = l.String(l.Raw(dst, "metadata", "{}"), "model", r.told.Model)
	dst = r.appendOutput(append(l.Name(dst, "output"), '['))
	// The request's own settings are not repeated; these are their defaults.
	dst = append(dst, `],"parallel_tool_calls":true,"previous_response_id":null`...)
	dst = l.String(dst, "provider", r.told.Provider)
	dst = append(dst, `,"reasoning":{"effort":null,"summary":null},"store":false,"temperature":null,"text":{"format":{"type":"text"}}`...)
	dst = append(dst, `,"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","usage":`...)
	if r.bill == nil {
		dst = append(dst, "null"...)
	} else {
		dst = AppendUsage(dst, r.bill.Usage, r.bill.Cost)
	}
	return append(dst, `,"user":null}`...)
}

func (r *response) appendOutput(dst []byte) []byte {
	for i, o := range r.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		status := o.status()
		if !o.done && r.status != inProgress {
			status = incomplete
		}
		dst = o.append(dst, status, false)
	}
	return dst
}

// AppendUsage appends the usage that the caller is told, as OpenRouter has it. Costs are JSON numbers with all their digits.
func AppendUsage(dst []byte, u usage.Usage, cost chat.Cost) []byte {
	prompt, completion := u.Prompt(), u.Completion()
	dst = strconv.AppendInt(append(dst, `{"input_tokens":`...), prompt, 10)
	dst = strconv.AppendInt(append(dst, `,"input_tokens_details":{"cached_tokens":`...), u[usage.CacheRead]+u[usage.AudioCacheRead], 10)
	dst = strconv.AppendInt(append(dst, `,"cache_write_tokens":`...), u[usage.CacheWrite]+u[usage.CacheWrite1h], 10)
	dst = openai.AppendUnits(dst, `,"audio_tokens":`, u[usage.AudioInput]+u[usage.AudioCacheRead])
	dst = openai.AppendUnits(dst, `,"image_tokens":`, u[usage.ImageInput])
	dst = strconv.AppendInt(append(dst, `},"output_tokens":`...), completion, 10)
	dst = strconv.AppendInt(append(dst, `,"output_tokens_details":{"reasoning_tokens":`...), u[usage.Reasoning], 10)
	dst = openai.AppendUnits(dst, `,"audio_tokens":`, u[usage.AudioOutput])
	dst = openai.AppendUnits(dst, `,"image_tokens":`, u[usage.ImageOutput])
	dst = strconv.AppendInt(append(dst, `},"total_tokens":`...), prompt+completion, 10)
	dst = append(append(dst, `,"cost":`...), cost.Total.String()...)
	dst = strconv.AppendBool(append(dst, `,"is_byok":`...), cost.Own)
	dst = openai.AppendUpstream(append(dst, `,"cost_details":{"upstream_inference_cost":`...), &cost)
	dst = append(dst, `,"upstream_inference_input_cost":`...)
	dst = append(append(dst, cost.Prompt.String()...), `,"upstream_inference_output_cost":`...)
	return append(append(dst, cost.Completion.String()...), "}}"...)
}
