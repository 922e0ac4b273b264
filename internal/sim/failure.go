package sim

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// failure is a refusal. Kind, code and param are OpenAI's; the other dialects derive their own words from the status, and
// from the code where that is not enough.
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
