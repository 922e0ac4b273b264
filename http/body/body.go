// Package body reads requests' bodies strictly: only what is exactly what an operation takes is let through to the generated decoders, which are lenient
// in all of that.
package body

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
)

// Strict lets only bodies through that are exactly what the operation takes: JSON by media type, valid UTF-8, no
// duplicate and no unknown members, every required member, right types. maker makes an empty body of the request's operation;
// nil of one that has none.
func Strict(maker func(r *http.Request) func() any) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			if err == nil {
				err = Check(r, raw, maker(r))
			} else {
				err = readError(err)
			}
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(raw))
			next.ServeHTTP(w, r)
		})
	}
}

func readError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return domain.Errorf(problem.CodeTooLarge, "the body has at most %d bytes", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return domain.Errorf(problem.CodeTimeout, "the body did not arrive in time; nothing was done")
	default:
		return domain.Errorf(domain.CodeInvalid, "the body cannot be read").Wrap(err)
	}
}

// Check says whether a body is what an operation takes. Errors: invalid_request, unsupported_media_type, or what a member's own type says of it.
func Check(r *http.Request, raw []byte, maker func() any) error {
	if maker == nil {
		if len(bytes.TrimSpace(raw)) > 0 {
			return domain.Errorf(domain.CodeInvalid, "this operation takes no body")
		}
		return nil
	}
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body := maker()
	if err := json.Unmarshal(raw, body, json.RejectUnknownMembers(true)); err != nil {
		return explain(err)
	}
	return checkMembers(raw, reflect.TypeOf(body).Elem(), "")
}

func checkMediaType(contentType string) error {
	media, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	if err != nil || media != "application/json" || (given && !strings.EqualFold(charset, "utf-8")) {
		return domain.Errorf(problem.CodeUnsupportedMediaType, "send application/json in UTF-8")
	}
	return nil
}

// explain says where a body is wrong without repeating more of it than the name of the place.
func explain(err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		message := "the body is not valid JSON"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			message = "a member is given twice"
		}
		return at(domain.Errorf(domain.CodeInvalid, "%s", message), string(syntax.JSONPointer)).Wrap(err)
	}
	var meaning *json.SemanticError
	if !errors.As(err, &meaning) {
		return domain.Errorf(domain.CodeInvalid, "the body cannot be read").Wrap(err)
	}
	place := string(meaning.JSONPointer)
	var known *domain.Error
	switch {
	case errors.As(err, &known):
		return at(domain.Errorf(known.Code, "%s", known.Message), place).Wrap(err)
	case errors.Is(err, json.ErrUnknownName):
		return at(domain.Errorf(domain.CodeInvalid, "there is a member that this operation does not have"), place).Wrap(err)
	default:
		return at(domain.Errorf(domain.CodeInvalid, "a member has the wrong type or format"), place).Wrap(err)
	}
}

// at adds the place as a JSON pointer.
func at(e *domain.Error, pointer string) *domain.Error {
	if pointer == "" {
		return e
	}
	return e.With("member", request.Shorten(pointer))
}
