package gemini

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// Failure reads {"error":{code, message, status, details}}, also as the only element of an array, which streams that were
// refused send. Code is the reason of google.rpc.ErrorInfo, else the quota that was used up (google.rpc.QuotaFailure), else
// the number; RetryAfter is that of google.rpc.RetryInfo.
func (Reader) Failure(body []byte) *chat.Failure {
	var w walker
	w.Lenient(body)
	var f *chat.Failure
	err := w.array(func() error {
		return w.object(func(name []byte) (err error) {
			if string(name) != "error" || f != nil {
				return w.Skip()
			}
			f, err = w.failure()
			return err
		})
	})
	if err != nil || w.End() != nil {
		return nil
	}
	return f
}

// failure reads an error object; nil for null.
func (w *walker) failure() (*chat.Failure, error) {
	f := new(chat.Failure)
	switch w.Kind() {
	case '{':
	case 'n':
		return nil, w.Skip()
	default:
		text, err := w.text()
		f.Message = text
		return f, err
	}
	var number, reason, quota string
	err := w.object(func(name []byte) (err error) {
		switch string(name) {
		case "code":
			raw, _, readErr := w.Value()
			if err = readErr; err == nil && raw.Kind() == '0' {
				number = string(raw)
			}
		case "message":
			f.Message, err = w.text()
		case "status":
			f.Type, err = w.text()
		case "details":
			err = w.array(func() error { return w.detail(f, &reason, &quota) })
		default:
			err = w.Skip()
		}
		return err
	})
	for _, code := range []string{reason, quota, number} {
		if f.Code == "" {
			f.Code = code
		}
	}
	return f, err
}

// detail reads one of the details, whose members do not overlap.
func (w *walker) detail(f *chat.Failure, reason, quota *string) error {
	return w.object(func(name []byte) (err error) {
		switch string(name) {
		case "reason":
			*reason, err = w.text()
		case "retryDelay":
			var text string
			text, err = w.text()
			f.RetryAfter = max(f.RetryAfter, milliseconds(text))
		case "fieldViolations":
			err = w.first("field", &f.Param)
		case "violations":
			err = w.first("quotaId", quota)
		default:
			err = w.Skip()
		}
		return err
	})
}

// first takes the member of the first element that has it.
func (w *walker) first(member string, to *string) error {
	return w.array(func() error {
		return w.object(func(name []byte) error {
			if string(name) != member || *to != "" {
				return w.Skip()
			}
			text, err := w.text()
			*to = text
			return err
		})
	})
}

// milliseconds reads a google.protobuf.Duration, such as 34.074s, rounded up; 0 for what is none. A day is the longest.
func milliseconds(text string) int64 {
	const day = 24 * 60 * 60 * 1000
	text, ok := strings.CutSuffix(text, "s")
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseUint(whole, 10, 32)
	if !ok || err != nil || len(fraction) > 9 {
		return 0
	}
	nanos, err := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	if err != nil {
		return 0
	}
	const perMilli = 1_000_000
	return min(int64(seconds)*1000+int64((nanos+perMilli-1)/perMilli), day)
}

// AppendFailure appends the body of a failed answer: {"error":{code, message, status}}.
func AppendFailure(dst []byte, status int, message string) []byte {
	return append(AppendError(append(dst, `{"error":`...), status, message), '}')
}

// AppendError appends the error object alone, as chat.Encoder.Fail takes it.
func AppendError(dst []byte, status int, message string) []byte {
	dst = strconv.AppendInt(append(dst, `{"code":`...), int64(status), 10)
	dst = jsonscan.AppendString(append(dst, `,"message":`...), message)
	dst = jsonscan.AppendString(append(dst, `,"status":`...), statusName(status))
	return append(dst, '}')
}

// statusName is the google.rpc.Code of an HTTP status.
func statusName(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusPreconditionFailed:
		return "FAILED_PRECONDITION"
	case http.StatusPaymentRequired, http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case 499:
		return "CANCELLED"
	case http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable, 529:
		return "UNAVAILABLE"
	}
	if status >= http.StatusInternalServerError {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}
