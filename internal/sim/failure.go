package sim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// failure is a refusal in OpenAI's error shape. Empty param and code are null on the wire.
type failure struct {
	status  int
	kind    string
	code    string
	param   string
	message string
}

// Error implements error.
func (f *failure) Error() string { return f.message }

// invalid is a 400 about one parameter.
func invalid(code, param, format string, args ...any) error {
	return &failure{http.StatusBadRequest, "invalid_request_error", code, param, fmt.Sprintf(format, args...)}
}

// failureOf turns any error of reading a request into what the caller is told.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{http.StatusBadRequest, "invalid_request_error", "invalid_request", "", "The request could not be read."}
}

// appendFailure appends {"error":{…}}.
func appendFailure(b []byte, f *failure) []byte {
	b = append(b, `{"error":{"message":`...)
	b = appendText(b, f.message)
	b = append(b, `,"type":`...)
	b = appendText(b, f.kind)
	b = append(b, `,"param":`...)
	b = appendNullable(b, f.param)
	b = append(b, `,"code":`...)
	b = appendNullable(b, f.code)
	return append(b, `}}`...)
}

func appendNullable(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return appendText(b, text)
}

// appendText appends a JSON string; text that is no UTF-8 has its broken bytes replaced.
func appendText(b []byte, text string) []byte {
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil && len(quoted) <= len(b) {
		return append(b, `""`...)
	}
	return quoted
}

// writeFailure answers a request that goes no further.
func writeFailure(w http.ResponseWriter, f *failure) {
	body := appendFailure(nil, f)
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.status)
	// The client may have left: there is nobody else to tell.
	_, _ = w.Write(body) //nolint:gosec // JSON with its strings quoted, sent as JSON
}
