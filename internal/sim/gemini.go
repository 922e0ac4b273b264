package sim

import (
	"net/http"
	"strconv"
	"strings"
)

// gemini is Google's models/{model}:generateContent and :streamGenerateContent, at /v1beta, at /v1 and under Vertex AI's
// projects: the files gemini_*.go are its wire form.
type gemini struct{}

func (gemini) name() string   { return "gemini" }
func (gemini) method() string { return http.MethodPost }

// begun leaves out what the dialect has no word for.
func (gemini) begun(c *call) { c.used.CacheWrite, c.used.CacheWrite1h = 0, 0 }

func (gemini) key(r *http.Request) string {
	if key := r.Header.Get("X-Goog-Api-Key"); key != "" {
		return key
	}
	if key := bearer(r); key != "" {
		return key
	}
	return r.URL.Query().Get("key")
}

func (gemini) label(b []byte, serial uint64) []byte {
	return strconv.AppendUint(append(b, "sim-"...), serial, 16)
}

// geminiPath takes a path apart: …/models/{model}:{verb}. The model's name may have controls, and colons in them.
func geminiPath(path string) (model, verb string, ok bool) {
	before, rest, ok := strings.Cut(path, "/models/")
	if !ok {
		return "", "", false
	}
	switch before {
	case "/v1", "/v1beta", "/v1alpha":
	default:
		vertex := strings.HasPrefix(before, "/v1/projects/") || strings.HasPrefix(before, "/v1beta1/projects/")
		if !vertex || !strings.HasSuffix(before, "/publishers/google") {
			return "", "", false
		}
	}
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 {
		return "", "", false
	}
	return rest[:colon], rest[colon+1:], true
}

// geminiOf finds the dialect of a verb, or nil.
func geminiOf(path string) dialect {
	_, verb, ok := geminiPath(path)
	if !ok {
		return nil
	}
	switch verb {
	case "generateContent", "streamGenerateContent", "countTokens":
		if strings.Contains(path, "/projects/") {
			return vertex{}
		}
		return gemini{}
	case "embedContent", "batchEmbedContents":
		return geminiEmbedding{}
	}
	return nil
}

func (gemini) headers(h http.Header, _ *about) {
	h["X-Gemini-Service-Tier"] = []string{"standard"}
	h["Vary"] = []string{"Origin, X-Origin, Referer"}
}

// failure appends {"error":{code, message, status, details}}. When to try again stands in the details, in no header.
func (gemini) failure(b []byte, f *failure, a *about) []byte {
	code, status, message := geminiError(f)
	b = append(b, `{"error":{"code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"message":`...)
	b = appendText(b, message)
	b = append(b, `,"status":"`...)
	b = append(b, status...)
	b = append(b, '"')
	details := len(b)
	if f.status == http.StatusTooManyRequests {
		b = appendDetail(b, details, "QuotaFailure")
		if f.code == codeHardQuota {
			b = append(b, `,"violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_requests",`+
				`"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]}`...)
		} else {
			b = append(b, `,"violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_requests",`+
				`"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]}`...)
		}
	}
	if f.code == codeUnknown {
		b = appendDetail(b, details, "BadRequest")
		b = append(b, `,"fieldViolations":[{"field":`...)
		b = appendText(b, f.param)
		b = append(b, `,"description":`...)
		b = appendText(b, f.message)
		b = append(b, `}]}`...)
	}
	if f.code == codeKey {
		b = appendDetail(b, details, "ErrorInfo")
		b = append(b, `,"reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}`...)
	}
	if a.retry >= 0 {
		b = appendDetail(b, details, "RetryInfo")
		b = append(b, `,"retryDelay":"`...)
		b = strconv.AppendFloat(b, a.retry.Seconds(), 'f', -1, 64)
		b = append(b, `s"}`...)
	}
	if len(b) > details {
		b = append(b, ']')
	}
	return append(b, `}}`...)
}

// appendDetail begins an element of the details, which start at the given place.
func appendDetail(b []byte, start int, kind string) []byte {
	if len(b) == start {
		b = append(b, `,"details":[`...)
	} else {
		b = append(b, ',')
	}
	b = append(b, `{"@type":"type.googleapis.com/google.rpc.`...)
	b = append(b, kind...)
	return append(b, '"')
}

// geminiError is the status of an error in HTTP and by name, and what it says.
func geminiError(f *failure) (code int, status, message string) {
	if f.code == codeKey && f.status == http.StatusBadRequest {
		return f.status, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."
	}
	switch f.status {
	case http.StatusUnauthorized:
		return f.status, "UNAUTHENTICATED", "API key not valid. Please pass a valid API key."
	case http.StatusPaymentRequired:
		return f.status, "FAILED_PRECONDITION", f.message
	case http.StatusForbidden:
		return f.status, "PERMISSION_DENIED", f.message
	case http.StatusNotFound:
		return f.status, "NOT_FOUND", f.message
	case http.StatusConflict:
		return f.status, "ABORTED", f.message
	case http.StatusTooManyRequests:
		return f.status, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."
	case http.StatusInternalServerError:
		return f.status, "INTERNAL", "An internal error has occurred."
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return f.status, "DEADLINE_EXCEEDED", "The request timed out."
	case http.StatusBadGateway, http.StatusServiceUnavailable, statusOverloaded:
		return f.status, "UNAVAILABLE", "The model is overloaded. Please try again later."
	}
	return f.status, "INVALID_ARGUMENT", f.message
}

// geminiFinish is how candidates call the end.
func geminiFinish(f finish) string {
	switch f {
	case "":
		return ""
	case finishLength:
		return "MAX_TOKENS"
	case finishFilter, finishRefusal:
		return "SAFETY"
	case finishBadCall:
		return "MALFORMED_FUNCTION_CALL"
	default:
		return "STOP"
	}
}

// geminiUsage appends usageMetadata as it stands now; last says that no more comes, so that a fault may lie in it.
func (c *call) geminiUsage(b []byte, last bool) []byte {
	u := wireUsage{Usage: c.used, total: c.used.Prompt + c.used.Completion}
	candidates := u.Completion - u.Reasoning
	if last {
		u = c.wireUsage()
		if c.req.controls.fault == FaultAbsurdUsage && c.req.controls.variant != "reasoning" {
			candidates = u.Completion - u.Reasoning
		}
	}
	b = append(b, `"usageMetadata":{"promptTokenCount":`...)
	b = strconv.AppendInt(b, u.Prompt, 10)
	if u.Cached != 0 {
		b = append(b, `,"cachedContentTokenCount":`...)
		b = strconv.AppendInt(b, u.Cached, 10)
	}
	if candidates != 0 || u.literal != "" {
		b = append(b, `,"candidatesTokenCount":`...)
		b = u.completion(b, candidates)
	}
	if u.Reasoning != 0 {
		b = append(b, `,"thoughtsTokenCount":`...)
		b = strconv.AppendInt(b, u.Reasoning, 10)
	}
	b = append(b, `,"totalTokenCount":`...)
	b = strconv.AppendInt(b, u.total, 10)
	b = append(b, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...)
	b = strconv.AppendInt(b, u.Prompt, 10)
	return append(b, `}],"serviceTier":"standard"}`...)
}
