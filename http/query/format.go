package query

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// The formats of answers. JSON is the default.
const (
	formatJSON = "json"
	formatCSV  = "csv"
	formatPDF  = "pdf"
	// formatLines is JSON Lines: a document a line.
	formatLines = "jsonl"
)

// mediaOf is the media type of a format.
func mediaOf(format string) string {
	switch format {
	case formatCSV:
		return "text/csv"
	case formatPDF:
		return "application/pdf"
	case formatLines:
		return "application/jsonl"
	}
	return "application/json"
}

type acceptKey struct{}

// accepting keeps the header Accept for wanted: the generated request objects do not have it.
func accepting(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, acceptKey{}, strings.Join(r.Header.Values("Accept"), ","))
}

// wanted is the format that a caller wants: the parameter's, else the most wanted of the header Accept that there is, else JSON.
func wanted(ctx context.Context, given *string, there ...string) (string, error) {
	if given != nil {
		if !slices.Contains(there, *given) {
			return "", domain.Errorf(domain.CodeInvalid, "format is one of %s", strings.Join(there, ", "))
		}
		return *given, nil
	}
	accept, _ := ctx.Value(acceptKey{}).(string)
	return preferred(accept, there), nil
}

// maxAccepted bounds how much of a header is looked at.
const maxAccepted = 20

// preferred reads a header Accept (RFC 9110, section 12.5.1).
func preferred(accept string, there []string) string {
	best, most := formatJSON, 0
	for i, part := range strings.SplitN(accept, ",", maxAccepted) {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil || i == maxAccepted-1 {
			continue
		}
		weight := thousandths(parameters["q"])
		for _, format := range there {
			if weight > most && (media == mediaOf(format) || media == "*/*" && format == formatJSON) {
				best, most = format, weight
			}
		}
	}
	return best
}

// thousandths reads a weight: 0 to 1 with at most three decimals; anything else counts as unwanted.
func thousandths(q string) int {
	if q == "" || q == "1" {
		return 1000
	}
	whole, decimals, _ := strings.Cut(q, ".")
	n, err := strconv.ParseUint((decimals + "000")[:3], 10, 16)
	switch {
	case len(decimals) > 3 || err != nil:
		return 0
	case whole == "1" && n == 0:
		return 1000
	case whole != "0":
		return 0
	}
	return int(n)
}

// Exports says whether a request may ask for a file, which takes its time to be written.
func Exports(r *http.Request) bool {
	format := r.URL.Query().Get("format")
	if format == "" {
		format = preferred(strings.Join(r.Header.Values("Accept"), ","), []string{formatJSON, formatCSV, formatPDF})
	}
	return format == formatCSV || format == formatPDF || format == formatLines
}
