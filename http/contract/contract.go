// Package contract is the frame of the servers that are generated from http/openapi/console.yaml: what they have in common before a handler runs.
//
//	contract.go  bodies, parameters and queries that do not fit the document
//	exchange.go  the request behind an operation, for cookies and the like
//	meta.go      who gives a command, and which it is when it is given again
//	page.go      how much of a list is asked for
package contract

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/body"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// Handler is the type that each generated server has of its own for what answers an operation.
type Handler interface {
	~func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error)
}

// Bodies lets only bodies through that are exactly what the operation takes. It runs before the generated decoders, which are lenient in that. makers
// make an empty body of each operation that has one.
func Bodies(makers map[string]func() any) func(http.Handler) http.Handler {
	return body.Strict(func(r *http.Request) func() any { return makers[auth.OperationOf(r.Context())] })
}

// BadBody answers what a generated decoder refuses although Bodies has let it pass.
func BadBody(w http.ResponseWriter, r *http.Request, err error) {
	var known *domain.Error
	if !errors.As(err, &known) {
		err = domain.Errorf(domain.CodeInvalid, "the body does not fit the operation").Wrap(err)
	}
	problem.Write(w, r, err)
}

// Query is a middleware that refuses query parameters which the operation does not have.
func Query[H Handler](next H, _ string) H {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, input any) (any, error) {
		if err := request.CheckQuery(r, input); err != nil {
			return nil, err
		}
		return next(ctx, w, r, input)
	}
}

// BadParameter answers what generated code says of a parameter of the path, the query or the headers. It names the parameter: the generated errors repeat
// the caller's text.
func BadParameter(w http.ResponseWriter, r *http.Request, err error) {
	kind, name := blame(err)
	refusal := domain.Errorf(domain.CodeInvalid, "a parameter is malformed")
	switch kind {
	case "InvalidParamFormatError", "UnmarshalingParamError", "UnescapedCookieParamError":
		refusal = domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed", name)
	case "RequiredParamError":
		refusal = domain.Errorf(domain.CodeInvalid, "the parameter %s is missing", name)
	case "RequiredHeaderError":
		refusal = domain.Errorf(domain.CodeInvalid, "the header %s is required", name)
	case "TooManyValuesForParamError":
		refusal = domain.Errorf(domain.CodeInvalid, "the header %s is given more than once", name)
	}
	if name != "" {
		refusal = refusal.With("parameter", name)
	}
	problem.Write(w, r, refusal.Wrap(err))
}

// blame is the kind of a generated error, and the parameter that it is about: each server has types of its own for them, with the same names and members.
func blame(err error) (kind, name string) {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if member := v.FieldByName("ParamName"); member.IsValid() && member.Kind() == reflect.String {
			return v.Type().Name(), member.String()
		}
	}
	return "", ""
}
