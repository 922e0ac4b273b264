package request

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// CheckQuery refuses query parameters that an operation does not have, with code invalid_request: a filter with a typing
// error would otherwise list everything. input is the operation's request object; the names are the form tags of its
// member Params.
func CheckQuery(r *http.Request, input any) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return domain.Errorf(domain.CodeInvalid, "the query string is malformed").Wrap(err)
	}
	known := queryNames(input)
	for name := range values {
		if _, ok := known[name]; !ok {
			return domain.Errorf(domain.CodeInvalid, "there is a query parameter that this operation does not have").
				With("parameter", Shorten(name))
		}
	}
	return nil
}

func queryNames(input any) map[string]struct{} {
	names := map[string]struct{}{}
	params := reflect.ValueOf(input).FieldByName("Params")
	if !params.IsValid() {
		return names
	}
	for i := range params.NumField() {
		if name, _, _ := strings.Cut(params.Type().Field(i).Tag.Get("form"), ","); name != "" {
			names[name] = struct{}{}
		}
	}
	return names
}

// maxEcho bounds what an error repeats of a caller's text.
const maxEcho = 80

// Shorten makes a caller's text fit for an error: valid UTF-8 and short.
func Shorten(s string) string {
	if len(s) > maxEcho {
		s = s[:maxEcho] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
