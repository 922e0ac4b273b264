package sim

import (
	"net/http"
	"strconv"
)

// responses is OpenAI's POST /v1/responses, without its state: the files responses_*.go are its wire form.
type responses struct{}

func (responses) name() string               { return "responses" }
func (responses) method() string             { return http.MethodPost }
func (responses) key(r *http.Request) string { return bearer(r) }
func (responses) begun(c *call)              { c.used.CacheWrite1h = 0 }

func (responses) label(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "resp_sim_"...), serial, 16)
}

func (responses) headers(h http.Header, a *about) {
	h["X-Request-Id"] = []string{string(requestID(nil, a.serial))}
	openAILimits(h, a)
}

func (responses) failure(b []byte, f *failure, _ *about) []byte { return appendOpenAIFailure(b, f) }

// responsesStatus is how a response calls its end, and why it is incomplete if it is.
func responsesStatus(f finish) (status, why string) {
	switch f {
	case finishLength:
		return "incomplete", "max_output_tokens"
	case finishFilter, finishBlocked:
		return "incomplete", "content_filter"
	default:
		return "completed", ""
	}
}

// responseHead appends a response up to its output.
func (c *call) responseHead(b []byte, status, why string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, c.id...)
	b = append(b, `","object":"response","created_at":`...)
	b = strconv.AppendInt(b, c.created, 10)
	b = append(b, `,"status":"`...)
	b = append(b, status...)
	b = append(b, `","background":false,"error":`...)
	if status == "failed" {
		f := inStream(c.req.controls.variant)
		b = append(b, `{"code":`...)
		b = appendText(b, f.code)
		b = append(b, `,"message":`...)
		b = appendText(b, f.message)
		b = append(b, '}')
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"incomplete_details":`...)
	if why != "" {
		b = append(b, `{"reason":"`...)
		b = append(b, why...)
		b = append(b, `"}`...)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"instructions":null,"max_output_tokens":`...)
	if c.req.outputCap > 0 {
		b = strconv.AppendInt(b, c.req.outputCap, 10)
	} else {
		b = append(b, `null`...)
	}
	b = append(b, `,"model":"`...)
	b = append(b, c.req.model...)
	return append(b, `","output":[`...)
}

// responseTail appends what comes behind a response's output.
func (c *call) responseTail(b []byte, usage bool) []byte {
	b = append(b, `],"parallel_tool_calls":`...)
	b = strconv.AppendBool(b, !c.req.oneCall)
	b = append(b, `,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"service_tier":"default","store":false,"temperature":1.0,`+
		`"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled"`...)
	switch {
	case !usage:
		b = append(b, `,"usage":null`...)
	case c.req.controls.fault != FaultNoUsage:
		b = append(b, `,"usage":`...)
		b = c.responsesUsage(b)
	}
	return append(b, `,"user":null,"metadata":{}}`...)
}

func (c *call) responsesUsage(b []byte) []byte {
	u := c.wireUsage()
	b = append(b, `{"input_tokens":`...)
	b = strconv.AppendInt(b, u.Prompt, 10)
	b = append(b, `,"input_tokens_details":{"cached_tokens":`...)
	b = strconv.AppendInt(b, u.Cached, 10)
	b = append(b, `,"cache_write_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	b = append(b, `,"cache_write_tokens_details":{"ttl_30m_tokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	b = append(b, `,"ttl_12h_tokens":0}},"output_tokens":`...)
	b = u.completion(b, u.Completion)
	b = append(b, `,"output_tokens_details":{"reasoning_tokens":`...)
	b = strconv.AppendInt(b, u.Reasoning, 10)
	b = append(b, `},"total_tokens":`...)
	b = strconv.AppendInt(b, u.total, 10)
	return append(b, '}')
}

// itemID appends the id of an output item.
func (c *call) itemID(b []byte, kind string, number int64) []byte {
	b = append(b, kind...)
	b = append(b, "_sim_"...)
	b = strconv.AppendUint(b, c.serial, 16)
	b = append(b, '_')
	return strconv.AppendInt(b, number, 10)
}

// itemStatus is how an output item ended: the last one is incomplete when the response is.
func (c *call) itemStatus(last bool) string {
	if status, _ := responsesStatus(c.plan.finish); last && status == "incomplete" {
		return status
	}
	return "completed"
}
