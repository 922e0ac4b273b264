package anthropic

import (
	"bytes"
	"net/http"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// ErrorType is the dialect's name of an error with such an HTTP status.
func ErrorType(status int) string {
	const overloaded = 529
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusConflict:
		return "conflict_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case http.StatusServiceUnavailable, overloaded:
		return "overloaded_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}

// AppendFailure appends the body of an answer that failed, which is also the data of the event error. kind is an ErrorType; requestID
// may be empty.
func AppendFailure(dst []byte, kind, message, requestID string) []byte {
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = jsonscan.AppendString(dst, kind)
	dst = append(dst, `,"message":`...)
	dst = append(jsonscan.AppendString(dst, message), '}')
	if requestID != "" {
		dst = jsonscan.AppendString(append(dst, `,"request_id":`...), requestID)
	}
	return append(dst, '}')
}

// appendErrorEvent appends the event that ends a stream. failure is what AppendFailure makes, or only its inner object.
func appendErrorEvent(dst, failure []byte) []byte {
	failure = oneLine(bytes.TrimSpace(failure))
	dst = append(dst, "event: error\ndata: "...)
	if bytes.HasPrefix(failure, []byte(`{"type":"error",`)) {
		return append(append(dst, failure...), "\n\n"...)
	}
	dst = append(append(dst, `{"type":"error","error":`...), failure...)
	return append(dst, "}\n\n"...)
}

// failure reads an error object, or a text in its place; nil for null.
func (s *scanner) failure() (*chat.Failure, error) {
	f := new(chat.Failure)
	switch s.Kind() {
	case 'n':
		return nil, s.Skip()
	case '{':
	default:
		return f, s.text(&f.Message)
	}
	_, err := s.Object(func(name []byte) error {
		switch string(name) {
		case "type":
			return s.text(&f.Type)
		case "message":
			return s.text(&f.Message)
		case "details":
			_, err := s.Object(func(name []byte) error {
				if string(name) == "error_code" {
					return s.text(&f.Code)
				}
				return s.Skip()
			})
			return err
		}
		return s.Skip()
	})
	return f, err
}
