package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file recomputes signatures by the published algorithm (AWS Signature Version 4), without the library that callers sign with.

const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	sigTime      = "20060102T150405Z"
	sigSkew      = 5 * time.Minute
	sigEnd       = "aws4_request"
)

// AccessKey is one that callers may sign with.
type AccessKey struct {
	ID, Secret string
	// Session is the token that goes with a key that lives for some hours; empty for other keys.
	Session string
	// Region is the only one that signatures may name; any when empty.
	Region string
}

// signedBy says what is wrong with a call's signature; nil if nothing.
func (k *AccessKey) signedBy(r *http.Request, body []byte, service string, now time.Time) *failure {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), sigAlgorithm+" ")
	if !ok {
		return signatureFailure("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	said := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		said[name] = value
	}
	scope := strings.Split(said["Credential"], "/")
	names := strings.Split(said["SignedHeaders"], ";")
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(sigTime, stamp)
	switch {
	case err != nil || len(scope) != 5 || said["Signature"] == "":
		return signatureFailure("IncompleteSignatureException", "Authorization header requires Credential, SignedHeaders, Signature and a date.")
	case scope[0] != k.ID:
		return signatureFailure("UnrecognizedClientException", "The security token included in the request is invalid.")
	case r.Header.Get("X-Amz-Security-Token") != k.Session:
		return signatureFailure("UnrecognizedClientException", "The security token included in the request is invalid.")
	case scope[1] != at.Format("20060102"), k.Region != "" && scope[2] != k.Region, scope[3] != service, scope[4] != sigEnd:
		return signatureFailure("InvalidSignatureException", "Credential should be scoped to a valid region and to the correct service.")
	case now.Sub(at) > sigSkew || at.Sub(now) > sigSkew:
		return signatureFailure("InvalidSignatureException", "Signature expired: "+stamp+" is now earlier or later than the time of this service allows.")
	case !slices.IsSorted(names) || !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") ||
		k.Session != "" && !slices.Contains(names, "x-amz-security-token"):
		return signatureFailure("InvalidSignatureException", "'host' and all 'x-amz-' headers must be signed.")
	}
	want := k.signature(r, body, names, scope)
	if !hmac.Equal([]byte(want), []byte(said["Signature"])) {
		return signatureFailure("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

func signatureFailure(kind, message string) *failure {
	return &failure{http.StatusForbidden, kind, codeKey, "", message}
}

// signature is what the caller must have computed.
func (k *AccessKey) signature(r *http.Request, body []byte, names, scope []string) string {
	digest := func(b []byte) string {
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:])
	}
	canonical := strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL), canonicalHeaders(r, names), strings.Join(names, ";"), digest(body),
	}, "\n")
	text := strings.Join([]string{sigAlgorithm, r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"), digest([]byte(canonical))}, "\n")
	key := []byte("AWS4" + k.Secret)
	for _, piece := range append(slices.Clone(scope[1:]), text) {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(piece)) // never fails
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// canonicalPath is the path as it came, each segment encoded once more: services but S3 want it so.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = percent(segments[i])
	}
	return strings.Join(segments, "/")
}

// percent encodes all but unreserved characters.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func canonicalQuery(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		for _, value := range values {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(r.Header.Values(name))
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		for i := range values {
			values[i] = strings.Join(strings.Fields(values[i]), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}
