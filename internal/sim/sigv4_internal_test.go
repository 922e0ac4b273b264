package sim

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPublishedSignatures: the values are those that AWS publishes, of its test suite for Signature Version 4 and of the worked example in its
// reference.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	k := AccessKey{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"} //nolint:gosec // AWS's own example
	for name, row := range map[string]struct {
		method, address, service, want string
		headers                        []string
	}{
		"get-vanilla": {
			http.MethodGet, "https://example.amazonaws.com/", "service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
			[]string{"host", "x-amz-date"},
		},
		"post-vanilla": {
			http.MethodPost, "https://example.amazonaws.com/", "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
			[]string{"host", "x-amz-date"},
		},
		"get-vanilla-query-order-key-case": {
			http.MethodGet, "https://example.amazonaws.com/?Param2=value2&Param1=value1", "service",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
			[]string{"host", "x-amz-date"},
		},
		"the worked example": {
			http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "iam",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
			[]string{"content-type", "host", "x-amz-date"},
		},
	} {
		r := httptest.NewRequestWithContext(t.Context(), row.method, row.address, http.NoBody)
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		got := k.signature(r, nil, row.headers, []string{k.ID, "20150830", "us-east-1", row.service, sigEnd})
		require.Equal(t, row.want, got, name)
	}
}

// TestPathsAreEncodedTwice, as all services but S3 want it.
func TestPathsAreEncodedTwice(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"/model/anthropic.claude-v2%3A1/converse":                                     "/model/anthropic.claude-v2%253A1/converse",
		"/model/anthropic.claude-v2:1/converse":                                       "/model/anthropic.claude-v2%3A1/converse",
		"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse": "/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A1%253Ainference-profile%252Fx/converse",
		"/": "/",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.amazonaws.com"+given, bytes.NewReader(nil))
		require.Equal(t, want, canonicalPath(r.URL), given)
	}
}
