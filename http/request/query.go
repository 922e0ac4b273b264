package request

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

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

// BlameQuery names the parameter that a refusal of code invalid_request is about, in the detail "parameter". Refusals of queries
// have the detail "field", or begin with the field's name; a list's field is the plural of its parameter. input is the
// operation's request object. All other errors are returned as they are.
func BlameQuery(err error, input any) error {
	var refusal *domain.Error
	if !errors.As(err, &refusal) || refusal.Code != domain.CodeInvalid || refusal.Details["parameter"] != "" {
		return err
	}
	field := refusal.Details["field"]
	if field == "" {
		field, _, _ = strings.Cut(strings.TrimPrefix(refusal.Message, "the "), " ")
	}
	if strings.HasPrefix(refusal.Message, "a time ") {
		field = lateOrEarly(input)
	}
	known := queryNames(input)
	for name := range pathNames(input) {
		known[name] = struct{}{}
	}
	single := strings.TrimSuffix(field, "s")
	for _, name := range []string{field, single, single + "_id"} {
		if _, ok := known[name]; ok {
			named := *refusal
			named.Details = maps.Clone(refusal.Details)
			delete(named.Details, "field")
			return named.With("parameter", name)
		}
	}
	return err
}

// lateOrEarly is the name of the query parameter whose time is in none of the years 1 to 9999, "" when there is none.
func lateOrEarly(input any) string {
	params := reflect.ValueOf(input).FieldByName("Params")
	if !params.IsValid() {
		return ""
	}
	for i := range params.NumField() {
		t, ok := params.Field(i).Interface().(*time.Time)
		if !ok || t == nil {
			continue
		}
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			name, _, _ := strings.Cut(params.Type().Field(i).Tag.Get("form"), ",")
			return name
		}
	}
	return ""
}

// pathNames are the members of a request object beside Params.
func pathNames(input any) map[string]struct{} {
	names := map[string]struct{}{}
	v := reflect.TypeOf(input)
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Field(i).Tag.Get("json"), ","); name != "" {
			names[name] = struct{}{}
		}
	}
	return names
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
