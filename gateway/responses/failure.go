package responses

import (
	"net/http"

	"github.com/massrouter/massrouter/gateway/jsonscan"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// The codes that the dialect has for errors of every kind.
const (
	codeServer  = "server_error"
	codeLimit   = "rate_limit_exceeded"
	codeInvalid = "invalid_prompt"
)

// ErrorCode is the dialect's code of a status: what a response's error may say.
func ErrorCode(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return codeLimit
	case status >= http.StatusInternalServerError:
		return codeServer
	}
	return codeInvalid
}

// AppendError appends the error object of a response, {code, message}, as chat.Encoder.Fail takes it.
func AppendError(dst []byte, code, message string) []byte {
	var l scan.List
	dst = l.String(append(dst, '{'), "code", code)
	return append(l.String(dst, "message", message), '}')
}

// AppendFailure appends the body of an answer that failed before it began: {"error":{message, type, param, code}}, as everywhere at
// OpenAI. param and code may be empty.
func AppendFailure(dst []byte, kind, code, param, message string) []byte {
	var l scan.List
	dst = l.String(append(dst, `{"error":{`...), "message", message)
	dst = l.String(dst, "type", kind)
	dst = appendOrNull(l.Name(dst, "param"), param)
	dst = appendOrNull(l.Name(dst, "code"), code)
	return append(dst, "}}"...)
}

func appendOrNull(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return jsonscan.AppendString(dst, text)
}
