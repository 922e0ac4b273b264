package sim

import (
	"net/http"
	"strings"
)

// Fault names what goes wrong with a call; the empty fault is none. The package documentation says what each does.
type Fault string

// The faults that are no plain HTTP status. A status fault is written as its number, for example Fault("503").
const (
	FaultRateLimit     Fault = "429"
	FaultTimeoutBefore Fault = "timeout_before"
	FaultTimeoutAfter  Fault = "timeout_after"
	FaultCut           Fault = "cut"
	FaultNoUsage       Fault = "no_usage"
	FaultMalformed     Fault = "malformed"
	FaultAbsurdUsage   Fault = "absurd_usage"
	FaultEmpty         Fault = "empty"
	FaultErrorInStream Fault = "error_in_stream"
	FaultLong          Fault = "long"
	FaultSlowDrip      Fault = "slow_drip"
	FaultGzipBomb      Fault = "gzip_bomb"
)

// spec is what the grammar knows about a fault. The first of its variants is the default.
type spec struct {
	variants []string
	// strikes says that the fault has a place in the answer, which `after` moves.
	strikes bool
	// status is that of a call that is refused, else 0.
	status int
}

// specOf looks a fault up by the name used in controls.
func specOf(name string) (spec, bool) {
	switch Fault(name) {
	case FaultTimeoutAfter:
		return spec{strikes: true}, true
	case FaultErrorInStream:
		return spec{strikes: true, variants: []string{"server_error", "overloaded", "rate_limit"}}, true
	case FaultCut:
		return spec{strikes: true, variants: []string{"reset", "close"}}, true
	case FaultMalformed:
		return spec{strikes: true, variants: []string{"json", "skip", "half", "html", "endless", "crc"}}, true
	case FaultAbsurdUsage:
		return spec{variants: absurdVariants()}, true
	case FaultTimeoutBefore, FaultNoUsage, FaultEmpty, FaultLong, FaultSlowDrip, FaultGzipBomb:
		return spec{}, true
	case FaultRateLimit:
		return spec{status: http.StatusTooManyRequests, variants: []string{"rate_limit", "slow_down", "insufficient_quota"}}, true
	}
	f := refusal(Fault(name), "")
	return spec{status: f.status}, f.status != 0
}

// refusal is the answer of a status fault; its status is 0 for any other fault.
func refusal(f Fault, variant string) failure {
	const invalid, server = "invalid_request_error", "server_error"
	switch string(f) {
	case "400":
		return failure{400, invalid, "invalid_value", "", "The simulated vendor was told to refuse this request."}
	case "401":
		return failure{401, invalid, codeKey, "", "Incorrect API key provided."}
	case "402":
		return failure{402, "insufficient_quota", "insufficient_balance", "", "The balance does not suffice."}
	case "403":
		return failure{403, invalid, "unsupported_country_region_territory", "", "The simulated vendor was told to forbid this request."}
	case "404":
		return failure{404, invalid, "model_not_found", "model", "The model does not exist or you do not have access to it."}
	case "408":
		return failure{408, server, "request_timeout", "", "The request took too long."}
	case "409":
		return failure{409, invalid, "conflict", "", "The request conflicts with another one."}
	case "413":
		return failure{413, invalid, "request_too_large", "", "The request is too large."}
	case "429":
		return rateLimit(variant)
	case "500":
		return failure{500, server, "", "", "The server had an error while processing your request."}
	case "502":
		return failure{502, server, "bad_gateway", "", "Bad gateway."}
	case "503":
		return failure{503, server, "server_is_overloaded", "", "The server is currently overloaded. Try again later."}
	case "504":
		return failure{504, server, "gateway_timeout", "", "The engine did not answer in time."}
	case "529":
		return failure{529, server, "overloaded", "", "The engine is overloaded."}
	}
	return failure{}
}

// codeHardQuota marks a 429 that no retry helps against.
const codeHardQuota = "credit_balance_exhausted"

func rateLimit(variant string) failure {
	const status = http.StatusTooManyRequests
	switch variant {
	case "insufficient_quota":
		return failure{status, "insufficient_quota", codeHardQuota, "", "You exceeded your current quota, check your plan and billing details."}
	case "slow_down":
		return failure{status, "requests", "slow_down", "", "Reduce the rate of your requests."}
	}
	return failure{status, "requests", "rate_limit_exceeded", "", "Rate limit reached for requests. Try again later."}
}

// inStream is the error that comes after a 200. Its status is the one that it would have had before.
func inStream(variant string) *failure {
	switch variant {
	case "overloaded":
		return &failure{529, "server_error", "overloaded", "", "The engine is overloaded."}
	case "rate_limit":
		f := rateLimit("")
		return &f
	}
	return &failure{500, "server_error", "server_error", "", "The server had an error while processing your request."}
}

// retryable says whether a refusal carries Retry-After unless the controls say otherwise.
func retryable(f Fault, variant string) bool {
	return f == "503" || (f == FaultRateLimit && variant != "insufficient_quota")
}

func absurdVariants() []string {
	return strings.Fields("negative huge overflow cached reasoning total fraction string zero")
}
