package sim

import (
	"net/http"
	"strconv"
	"strings"
)

// bedrock is Amazon Bedrock's Converse and ConverseStream: the files bedrock_*.go are its wire form.
type bedrock struct {
	model  string // of the address
	stream bool
}

// SimAccessKey is the id of the access key whose secret is the API key, unless Options.AccessKey says another one.
const SimAccessKey = "AKIASIMULATEDVENDOR0"

// bedrockOf finds the dialect of an address of Bedrock, or nil.
func bedrockOf(path string) dialect {
	rest, ok := strings.CutPrefix(path, "/model/")
	if !ok {
		return nil
	}
	if model, ok := strings.CutSuffix(rest, "/converse"); ok && model != "" {
		return bedrock{model: model}
	}
	if model, ok := strings.CutSuffix(rest, "/converse-stream"); ok && model != "" {
		return bedrock{model: model, stream: true}
	}
	return nil
}

func (bedrock) name() string               { return "converse" }
func (bedrock) method() string             { return http.MethodPost }
func (bedrock) key(r *http.Request) string { return bearer(r) }
func (bedrock) framed()                    {}

// begun: how much of the output is reasoning is not told.
func (bedrock) begun(c *call) { c.used.Reasoning = 0 }

func (bedrock) label(b []byte, serial uint64) []byte {
	b = append(b, "00000000-0000-4000-8000-"...)
	const digits = 12
	text := strconv.FormatUint(serial, 16)
	b = append(b, strings.Repeat("0", max(digits-len(text), 0))...)
	return append(b, text...)
}

// admits lets calls with a signature in for now: it is checked with the body, of which it is made.
func (bedrock) admits(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), sigAlgorithm+" ")
}

func (d bedrock) parse(c *call, r *http.Request) error {
	if d.admits(r) {
		k := c.server.options.AccessKey
		if k == nil {
			k = &AccessKey{ID: SimAccessKey, Secret: c.server.options.APIKey}
		}
		if f := k.signedBy(r, c.body.Bytes(), "bedrock", c.now); f != nil {
			return f
		}
	}
	if strings.Count(r.URL.EscapedPath(), "/") != 3 {
		return &failure{http.StatusNotFound, "UnknownOperationException", "unknown_url", "", "The name of a model is one segment of the path."}
	}
	if err := c.req.setModel(d.model); err != nil {
		return err
	}
	c.req.stream = d.stream
	return c.parser.bedrock(c)
}

func (bedrock) headers(h http.Header, a *about) {
	h["X-Amzn-Requestid"] = []string{string(a.id)}
	if a.failure == nil {
		return
	}
	if kind := bedrockError(a.failure); kind != "" {
		h["X-Amzn-Errortype"] = []string{kind + ":http://internal.amazon.com/coral/com.amazon.bedrock/"}
	}
	if a.failure.code == codeKey {
		h["Date"] = []string{a.now.UTC().Format(http.TimeFormat)}
	}
	retryHeaders(h, a)
	if a.retry >= 0 {
		h["X-Amz-Retry-After"] = []string{strconv.FormatInt(a.retry.Milliseconds(), 10)}
	}
}

// failure appends {"message":…}: the class stands in a header.
func (bedrock) failure(b []byte, f *failure, _ *about) []byte {
	b = append(b, `{"message":`...)
	b = appendText(b, bedrockMessage(f))
	return append(b, '}')
}

// bedrockError is the class of an error.
func bedrockError(f *failure) string {
	switch {
	case strings.HasSuffix(f.kind, "Exception"):
		return f.kind
	case f.code == "slow_down":
		return "ModelNotReadyException"
	}
	switch f.status {
	case http.StatusUnauthorized:
		return "UnrecognizedClientException"
	case http.StatusPaymentRequired:
		return "ServiceQuotaExceededException"
	case http.StatusForbidden:
		return "AccessDeniedException"
	case http.StatusNotFound:
		return "ResourceNotFoundException"
	case http.StatusRequestTimeout:
		return "ModelTimeoutException"
	case http.StatusConflict:
		return "ConflictException"
	case http.StatusTooManyRequests:
		return "ThrottlingException"
	case http.StatusInternalServerError:
		return "InternalServerException"
	case http.StatusServiceUnavailable, statusOverloaded:
		return "ServiceUnavailableException"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return "" // of what stands before the service
	}
	return "ValidationException"
}

func bedrockMessage(f *failure) string {
	switch {
	case f.code == codeHardQuota:
		return "Too many tokens per day, please wait before trying again."
	case f.code == "slow_down":
		return "The model is not ready for inference. Please wait before trying again."
	case f.status == http.StatusTooManyRequests:
		return "Too many requests, please wait before trying again."
	case f.status == http.StatusServiceUnavailable, f.status == statusOverloaded:
		return "Bedrock is unable to process your request."
	}
	return f.message
}

// bedrockStop is how Converse calls the end; "" is none.
func (c *call) bedrockStop() string {
	switch c.plan.finish {
	case "":
		return ""
	case finishLength:
		return "max_tokens"
	case finishCalls:
		return "tool_use"
	case finishFilter:
		return "content_filtered"
	case finishRefusal, finishBlocked:
		return "guardrail_intervened"
	case finishStopSequence:
		return "stop_sequence"
	case finishBadCall:
		return "malformed_tool_use"
	default:
		return "end_turn"
	}
}

// bedrockUsage appends usage.
func (c *call) bedrockUsage(b []byte) []byte {
	u := c.wireUsage()
	if k := &c.req.controls; k.fault == FaultAbsurdUsage && k.variant == "reasoning" {
		u.total += 2 * absurdlyFar // reasoning is not told
	}
	b = append(b, `{"inputTokens":`...)
	b = strconv.AppendInt(b, u.Prompt-u.Cached-u.CacheWrite, 10)
	b = append(b, `,"outputTokens":`...)
	b = u.completion(b, u.Completion)
	b = append(b, `,"totalTokens":`...)
	b = strconv.AppendInt(b, u.total, 10)
	b = append(b, `,"cacheReadInputTokens":`...)
	b = strconv.AppendInt(b, u.Cached, 10)
	b = append(b, `,"cacheWriteInputTokens":`...)
	b = strconv.AppendInt(b, u.CacheWrite, 10)
	if u.CacheWrite != 0 {
		b = append(b, `,"cacheDetails":[{"ttl":"1h","inputTokens":`...)
		b = strconv.AppendInt(b, u.CacheWrite1h, 10)
		b = append(b, `},{"ttl":"5m","inputTokens":`...)
		b = strconv.AppendInt(b, u.CacheWrite-u.CacheWrite1h, 10)
		b = append(b, `}]`...)
	}
	return append(b, '}')
}
