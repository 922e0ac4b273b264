// Package openapi has the document of the HTTP API, console.yaml, from which the servers of the command and query rooms
// and the client are generated, and the Go types of its schemas that are not plain.
package openapi

import (
	_ "embed"
	"strconv"

	"github.com/massrouter/massrouter/domain"
)

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config account.yaml console.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config command.yaml console.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config query.yaml console.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config organisation.yaml console.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oauth.yaml console.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config client.yaml console.yaml

//go:embed console.yaml
var document string

// Document is the whole OpenAPI 3.1 document as YAML.
func Document() []byte { return []byte(document) }

// Count is a 64-bit count or position, not negative: a decimal string in JSON and in queries, so that no reader turns
// it into a float.
type Count int64

// maxCountDigits is the length of the largest int64.
const maxCountDigits = 19

// String is the decimal form.
func (c Count) String() string { return strconv.FormatInt(int64(c), 10) }

// MarshalText writes the decimal form.
func (c Count) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads 1 to 19 digits; no sign, no spaces.
func (c *Count) UnmarshalText(b []byte) error {
	if len(b) == 0 || len(b) > maxCountDigits {
		return errCount()
	}
	for _, digit := range b {
		if digit < '0' || digit > '9' {
			return errCount()
		}
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return errCount()
	}
	*c = Count(n)
	return nil
}

// Bind reads a parameter: the generated code takes a type whose kind is a number for a number otherwise, sign and all.
func (c *Count) Bind(src string) error { return c.UnmarshalText([]byte(src)) }

func errCount() error {
	return domain.Errorf(domain.CodeInvalid, "a count is a string of at most %d digits", maxCountDigits)
}
